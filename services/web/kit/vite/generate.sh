#!/bin/bash
# generate.sh PROTO_DIR OUT_DIR: TypeScript of the contract, by protoc and protoc-gen-es (both on PATH).
# The methods' options are for servers; without them the pages need not carry google/protobuf/descriptor.proto.
set -euo pipefail
proto=$(realpath "$1") out=$(realpath -m "$2")
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
cd "$proto"
find yizhan -name '*.proto' | while read -r file; do
  mkdir -p "$plain/$(dirname "$file")"
  sed -e '/^ *option (yizhan\.common\.v1\.[a-z]*)/d' -e '/^extend google\.protobuf\.MethodOptions/,/^}/d' \
    -e '/^import "google\/protobuf\/descriptor\.proto"/d' "$file" >"$plain/$file"
done
rm -rf "$out"
mkdir -p "$out"
cd "$plain"
find yizhan -name '*.proto' -print0 | xargs -0 protoc --es_out="$out" --es_opt=target=ts,import_extension=none 2>&1 | grep -v 'is unused' >&2 || true
test -f "$out/yizhan/im/v1/message_service_pb.ts"
