#!/usr/bin/env bash
# Measurements. Run on a quiet machine.
#   ./dev bench micro                      the project's own benchmarks, as they print
#   ./dev bench im --load DIR [--runs N]   the load program in DIR against this product, ejabberd and Prosody in one run; DIR holds
#                                          xmppload.cc, bench.sh and the peers' run_*.sh; results go into docs/performance.md
#   ./dev bench cluster --load DIR [ARGS]  one machine beside three of a cluster, and what a message costs (tests/bench/cluster.mjs); needs root
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
  cluster)
    shift
    node=$PWD/services/web/tools/node_modules/.bin/node
    [ -x "$node" ] || node=$(command -v node)
    export YIZHAN_BUILD=${YIZHAN_BUILD:-$PWD/build/dev}
    exec unshare --net bash -c 'ip link set lo up && exec "$@"' run "$node" tests/bench/cluster.mjs "$@" ;;
  ''|--help) sed -n '2,6p' "$0" ;;
  *) echo "bench: unknown measurement '$1'" >&2; exit 2 ;;
esac
