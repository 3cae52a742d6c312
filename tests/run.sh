#!/usr/bin/env bash
# Every suite, in an order that fails early. Each suite's log is in build/test-logs; a failing one is shown.
#   tests/run.sh [PATTERN]      only suites whose name matches the pattern (a regular expression)
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [ "${1:-}" = --help ]; then sed -n '2,4p' "$0"; exit 0; fi
pattern=${1:-.}
jobs=${YIZHAN_JOBS:-$(nproc)}
logs=build/test-logs
mkdir -p "$logs"
passed=0 failed=0 failures=()

suite() {  # suite NAME COMMAND...
  local name=$1; shift
  [[ $name =~ $pattern ]] || return 0
  local start=$SECONDS
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1)); printf 'ok    %-15s %4d s\n' "$name" $((SECONDS - start))
  else
    failed=$((failed + 1)); failures+=("$name")
    printf 'FAIL  %-15s %4d s   %s\n' "$name" $((SECONDS - start)) "$logs/$name.log"
    tail -n 60 "$logs/$name.log" | sed 's/^/      /'
  fi
}

with_pages() { services/web/build.sh "$PWD/build/pages"; }
unit() { ctest --test-dir build/dev -j "$jobs" --output-on-failure --timeout 300; }
web_unit() { bash services/web/unit.sh; }
story() { bash tests/e2e/run.sh employees customers crash directory auditor interfaces bad_input refusals cluster backup pages; }
# The same at one of three machines; what the browser alone is about is not played twice.
cluster_story() { bash tests/e2e/run.sh --shape cluster employees customers crash directory auditor interfaces bad_input refusals; }
# And where each service is a process of its own.
processes_story() { bash tests/e2e/run.sh --shape processes employees customers crash directory auditor interfaces bad_input refusals processes; }
# A seed that stays, as above; `./dev faults` draws them.
fault() { bash tests/fault/run.sh --seed 1 --faults 6; }
# A minute each, with a seed that stays, so that a red run can be had again; `./dev fuzz` draws seeds.
fuzz() { ./dev build fuzz fuzz_targets && bash tests/fuzz/run.sh 60 1; }

suite lint  tests/lint/run.sh
suite build ./dev build dev
suite pages with_pages
suite unit  unit
suite web   web_unit
suite story story
suite cluster-story cluster_story
suite processes-story processes_story
suite fault fault
suite fuzz  fuzz

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
