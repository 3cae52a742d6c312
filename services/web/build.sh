#!/bin/bash
# Builds the pages to static files: OUTDIR/{client,workbench,widget,audit,console}. What has not changed is not built again.
#
#   services/web/build.sh [OUTDIR [APP...]]      OUTDIR defaults to build/web, APP to every app that has a vite.config.mjs
#
# Needs node >= 18 with npm (only to fetch tools/: the Node and the npm that do the rest) and protoc.
set -euo pipefail

web=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$web/../.." && pwd)
out=$(realpath -m "${1:-$root/build/web}")
shift || true
wanted=("$@")
cd "$root"

digest() { # of the contents of files and of the files below folders
  find "$@" -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# One build at a time: packages and generated code are shared.
mkdir -p "$web/.cache"
exec 9>"$web/.cache/lock"
flock 9

# fetch FOLDER WHAT: what its lockfile names, unless that is there already.
fetch() {
  local lock
  lock=$(digest "$1/package-lock.json")
  [[ "$(cat "$1/node_modules/.yizhan-lock" 2>/dev/null)" == "$lock" ]] && return
  echo "pages: fetching $2"
  (cd "$1" && npm ci --loglevel=error --no-fund --no-audit)
  echo "$lock" >"$1/node_modules/.yizhan-lock"
}

fetch "$web/tools" "Node and npm"
# An old npm takes the link away again when it leaves out the other processor's package, whose link has the same name.
for found in "$web"/tools/node_modules/node-*/bin/node; do
  [[ -x $found ]] && ln -sf "${found/#*node_modules\//../}" "$web/tools/node_modules/.bin/node"
done
export PATH="$web/tools/node_modules/.bin:$root/node_modules/.bin:$PATH"
# An old npm leaves out packages for other versions of Node than its own: from here on both are those of tools/.
if [[ ! -x $web/tools/node_modules/.bin/node ]] && ! node -e 'process.exit(process.versions.node.split(".")[0] < 22 ? 1 : 0)'; then
  echo "pages: there is no packaged Node for $(uname -m): put Node 22.12 or newer on the PATH" >&2
  exit 1
fi
fetch "$root" packages

contract=$(digest proto "$web/kit/vite/generate.sh")
if [[ "$(cat "$web/kit/gen/.contract" 2>/dev/null)" != "$contract" ]]; then
  echo "pages: generating code from the contract"
  "$web/kit/vite/generate.sh" "$root/proto" "$web/kit/gen"
  echo "$contract" >"$web/kit/gen/.contract"
fi

declare -A folder=(
  [client]=services/web/client [workbench]=services/web/workbench [widget]=services/web/widget
  [audit]=audit/console [console]=admin/console
)
shared=$(digest package-lock.json "$web/kit" "$web/tsconfig.base.json" "$web/build.sh")
failed=0
for app in client workbench widget audit console; do
  if ((${#wanted[@]})) && [[ ! " ${wanted[*]} " == *" $app "* ]]; then continue; fi
  dir=$root/${folder[$app]}
  [[ -f $dir/vite.config.mjs ]] || continue
  stamp="$shared $(digest "$dir")"
  page=index.html
  if [[ $app == widget ]]; then page=frame.html; fi
  if [[ -f $out/$app/$page && "$(cat "$out/.stamps/$app" 2>/dev/null)" == "$stamp" ]]; then continue; fi
  echo "pages: building $app"
  if (cd "$dir" && tsc -p . && vite build --logLevel warn --emptyOutDir --outDir "$out/$app"); then
    mkdir -p "$out/.stamps"
    echo "$stamp" >"$out/.stamps/$app"
  else
    echo "pages: $app does not build" >&2
    failed=1
  fi
done
exit $failed
