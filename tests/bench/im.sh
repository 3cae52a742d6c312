#!/usr/bin/env bash
# The load program against this product and its peers: im.sh ROOT LOAD_DIR RUNS. Server on core 0, load on core 1.
set -euo pipefail
root=$1 load=$2 runs=$3
work=$root/build/bench-im
mkdir -p "$work"
cp -r "$load"/. "$work"/ && chmod -R u+w "$work"
cp "$root/tests/bench/run_ours.sh" "$root/tests/bench/watch_archive.py" "$work/"
cd "$work"
chmod +x ./*.sh
rm -rf results
for each in xmppload xmppnull; do g++ -O2 -std=c++17 -o $each $each.cc 2>/dev/null; done
./install.sh >/dev/null 2>&1 || { echo "the peers cannot be installed" >&2; exit 1; }
export YIZHAN=$root/build/dev/bin/yizhan QUIET=${QUIET:-5} AUTH=plain N=${N:-19000}
[ -d run/base-ours ] || CPU=0,1 ./run_ours.sh base
[ -d run/base-ejabberd-plain ] || ./run_ejabberd.sh base
[ -d run/base-prosody-plain ] || ./run_prosody.sh base
# In rounds, so that a slow hour of the machine meets all of them. "null" parses as little as it must and stores nothing: what the protocol, the kernel,
# the load program and this machine cost by themselves.
for run in $(seq "$runs"); do
  export FIRST_RUN=$run
  ./bench.sh null on chat "$run"
  for target in ours ejabberd prosody; do ./bench.sh "$target" on "${SCENARIOS:-login2k,chat,muc200,muc1000,mampage}" "$run"; done
  [ -z "${PEERS_HISTORY_OFF:-1}" ] || ./bench.sh ejabberd off chat "$run"
done
python3 summ.py 'results/*.json' | tee "$work/summary.txt"
/usr/bin/python3 "$root/tests/bench/report.py" "$work/results" "$root/docs/performance.md" "./dev bench im --load DIR --runs $runs"
