#!/usr/bin/env bash
# The story: the built product over its real ports, used as people use it, killed in the middle, audited, and given bad input.
#
#   tests/e2e/run.sh [--shape embedded|processes|cluster] [CHAPTER...]
#       only chapters whose names begin with one of these (see tests/e2e/story.mjs); what they need runs too
#       embedded: one process with everything; processes: each service as a process of its own; cluster: at the first of three machines on an etcd
#
#   YIZHAN_BUILD   folder of the build (build/dev)        YIZHAN_PAGES   folder of the built pages (build/pages; built when absent)
#   YIZHAN_KEEP    1: keep the temporary folder           CHROMIUM       the browser (/usr/bin/chromium)
#
# Ends with 0 when every step is ok. Screenshots go to build/screenshots, logs to build/e2e.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
if [ "${1:-}" = --help ]; then sed -n '2,11p' "$0"; exit 0; fi

export YIZHAN_BUILD=${YIZHAN_BUILD:-$PWD/build/dev} YIZHAN_PAGES=${YIZHAN_PAGES:-$PWD/build/pages}
for program in yizhan yizhan-verify slapd_fixture; do
  [ -x "$YIZHAN_BUILD/bin/$program" ] || { echo "run.sh: $YIZHAN_BUILD/bin/$program is missing: build it with ./dev build" >&2; exit 2; }
done
[ -f "$YIZHAN_PAGES/client/index.html" ] || services/web/build.sh "$YIZHAN_PAGES"
node=$PWD/services/web/tools/node_modules/.bin/node
[ -x "$node" ] || node=$(command -v node)
exec "$node" tests/e2e/story.mjs "$@"
