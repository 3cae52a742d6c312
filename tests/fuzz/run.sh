#!/usr/bin/env bash
# Runs every fuzz target: tests/fuzz/run.sh SECONDS [SEED]. Finds new inputs into build/fuzz-corpus, crashes into build/fuzz-crashes.
# Without a seed (0) each run draws its own.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-60} seed=${2:-0}
crashes=$PWD/build/fuzz-crashes
mkdir -p "$crashes"
one() {
  local target=$1 name; name=$(basename "$target")
  mkdir -p "build/fuzz-corpus/$name"
  local seeds=tests/fuzz/corpus/$name; [ -d "$seeds" ] || seeds=
  if "$target" -max_total_time="$seconds" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -artifact_prefix="$crashes/$name-" \
      "build/fuzz-corpus/$name" $seeds >"build/fuzz-corpus/$name.log" 2>&1; then
    echo "ok   $name: $(grep -oE 'stat::number_of_executed_units: *[0-9]+|Done [0-9]+ runs' "build/fuzz-corpus/$name.log" | tail -1)"
  else
    echo "FAIL $name (input in $crashes)"; tail -40 "build/fuzz-corpus/$name.log"; return 1
  fi
}
export -f one; export seconds seed crashes
targets=$(find build/fuzz/fuzz -type f -executable 2>/dev/null | sort)
[ -n "$targets" ] || { echo "no fuzz targets were built"; exit 1; }
printf '%s\n' $targets | xargs -P "$(nproc)" -I{} bash -c 'one {}'
