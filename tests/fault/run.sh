#!/usr/bin/env bash
# Faults for real: hosts that are network namespaces, each with an etcd and the product; a seeded sequence of faults; a checker that
# keeps what every client sent, was acknowledged and saw.
#
#   tests/fault/run.sh [--hosts 3|5] [--seed N] [--faults N] [--only NAME,…]   a run (3 hosts, a seed of its own, 8 faults); --list: the faults
#   tests/fault/run.sh failover [--trials N] [--seed N]                        kills the owner of a conversation N times (50): the gaps
#   tests/fault/run.sh upgrade [--from BINARY] [--seed N]                      machine by machine from BINARY (a build of before; else the same) to
#                                                                              the build and back, under load
#
# Needs root (ip netns, nft), and touches nothing outside the namespace that it makes. YIZHAN_BUILD, YIZHAN_KEEP as in tests/e2e/run.sh.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
if [ "${1:-}" = --help ]; then sed -n '2,10p' "$0"; exit 0; fi
export YIZHAN_BUILD=${YIZHAN_BUILD:-$PWD/build/dev}
[ -x "$YIZHAN_BUILD/bin/yizhan" ] || { echo "run.sh: $YIZHAN_BUILD/bin/yizhan is missing: build it with ./dev build" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run.sh: network namespaces need root" >&2; exit 2; }
node=$PWD/services/web/tools/node_modules/.bin/node
[ -x "$node" ] || node=$(command -v node)
"$node" --test tests/fault/history.test.mjs tests/fault/power.test.mjs >/dev/null || { echo "run.sh: the checker does not see what it has to, or no power is cut: node --test tests/fault/*.test.mjs" >&2; exit 1; }
what=faults
case "${1:-}" in failover | upgrade) what=$1; shift ;; esac
# Its names of namespaces, its interfaces and its rules go with it.
exec unshare --net --mount --propagation private bash -c '
  mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"' run "$node" "tests/fault/$what.mjs" "$@"
