#!/usr/bin/env bash
# What a reviewer should not have to say: include rules, contract lint, words that must not be there.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "${1:-}" = --help ] && { sed -n '2p' "$0"; exit 0; }
status=0
/usr/bin/python3 tests/lint/includes.py || status=1
mkdir -p build
protoc -Iproto --include_source_info --descriptor_set_out=build/contracts.pb $(find proto -name '*.proto') &&
  /usr/bin/python3 tests/lint/contracts.py build/contracts.pb || status=1
for script in dev tests/run.sh tests/fuzz/run.sh packaging/build.sh packaging/try.sh packaging/completion/yizhan.bash packaging/deb/{postinst,prerm,postrm}; do
  bash -n "$script" || status=1
done
installer/check.sh || status=1
exit $status
