#!/usr/bin/env bash
# Measurements. Run on a quiet machine.
#   ./dev bench micro                      the project's own benchmarks, as they print
#   ./dev bench im --load DIR [--runs N]   the load program in DIR against this product, ejabberd and Prosody in one run; DIR holds
#                                          xmppload.cc, bench.sh and the peers' run_*.sh; results go into docs/performance.md
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
root=$PWD
case "${1:-}" in
  micro)
    benches=$(ninja -C build/dev -t targets all | sed -n 's#^\(bench/[a-z_]*\): .*#\1#p' | sort)
    ninja -C build/dev $benches >/dev/null
    for b in $benches; do echo "== $b"; "build/dev/$b" --benchmark_min_time=1 2>/dev/null; done ;;
  im)
    shift
    load= runs=1
    while [ $# -gt 0 ]; do
      case "$1" in --load) load=$2; shift 2 ;; --runs) runs=$2; shift 2 ;; *) echo "bench im: unknown option $1" >&2; exit 2 ;; esac
    done
    [ -n "$load" ] && [ -f "$load/xmppload.cc" ] || { echo "bench im: name the load program's folder: --load DIR" >&2; exit 2; }
    exec tests/bench/im.sh "$root" "$load" "$runs" ;;
  ''|--help) sed -n '2,5p' "$0" ;;
  *) echo "bench: unknown measurement '$1'" >&2; exit 2 ;;
esac
