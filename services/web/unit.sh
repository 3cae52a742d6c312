#!/bin/bash
# Tests of the pages that need no product: logic (Vitest), the kit's list and composer in Chromium, and the weights of what is built.
#
#   services/web/unit.sh [OUTDIR]      OUTDIR as given to build.sh (build/pages, built when absent)
set -euo pipefail
web=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$web/../.." && pwd)
out=$(realpath -m "${1:-$root/build/pages}")
cd "$root"
"$web/build.sh" "$out"
export PATH="$web/tools/node_modules/.bin:$root/node_modules/.bin:$PATH"
vitest run --config services/web/vitest.config.mjs
(cd services/web/kit/harness && tsc -p .)
node --test tests/e2e/pages/message_list.test.mjs tests/e2e/pages/ime.test.mjs
node services/web/check-weights.mjs "$out"
