#!/bin/sh
# Has logs of several sizes checked by Go's sumdb packages and by openssl; then spoils one byte in each kind of file and
# expects both to notice:  check.sh TLOG_WRITE_LOG WORK_DIR. Needs Debian's golang-go and golang-golang-x-mod-dev, no network.
set -eu
write_log=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work"

export GO111MODULE=off GOPATH=/usr/share/gocode GOPROXY=off GOFLAGS= GOCACHE="$work/go-cache"
(cd "$here" && go build -o "$work/go_check" main.go)

flip() { # file offset: exchanges one byte for another letter
  byte=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null)
  if [ "$byte" = A ]; then new=B; else new=A; fi
  printf '%s' "$new" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

for size in 1 2 255 256 257 1000; do
  rm -rf "$work/log"
  "$write_log" "$work/log" "$size"
  "$work/go_check" log "$work/log" "$work/log/vkey"
  "$here/openssl_check.sh" "$work/log/checkpoint" "$work/log/vkey"
done

# The log of 1000 entries, spoilt in one place at a time.
for place in checkpoint:30 checkpoint:100 tile/entries/000:50 tile/entries/003.p/232:50 tile/0/001:77 tile/1/000.p/3:9 \
             inclusion/500.tlog-proof:60 consistency/77:5; do
  rm -rf "$work/bad"
  cp -r "$work/log" "$work/bad"
  flip "$work/bad/${place%:*}" "${place##*:}"
  if "$work/go_check" log "$work/bad" "$work/bad/vkey" 2> "$work/message"; then
    echo "a flipped byte in $place was not noticed" >&2
    exit 1
  fi
  cat "$work/message"
done
rm -rf "$work/bad"
cp -r "$work/log" "$work/bad"
flip "$work/bad/checkpoint" 20
if "$here/openssl_check.sh" "$work/bad/checkpoint" "$work/bad/vkey"; then
  echo "openssl did not notice a changed checkpoint" >&2
  exit 1
fi
rm -rf "$work/bad" "$work/log"
echo "all checks passed"
