#!/usr/bin/env bash
# Installs the package in a fresh Debian 12, boots that, starts the unit, uses it, breaks its configuration, installs again, removes and purges.
#
#   packaging/try.sh DEB
#
# Needs root, and debootstrap, systemd-container, iproute2 and curl. The machine's own services and network are not
# touched: the new Debian lives in a temporary folder and in a network of its own.
set -euo pipefail
if [ "${1:-}" = --help ] || [ $# != 1 ]; then sed -n '2,7p' "$0"; exit 2; fi
deb=$(realpath "$1")
for program in debootstrap systemd-nspawn ip curl; do
  command -v "$program" >/dev/null || { echo "try.sh: $program is missing" >&2; exit 2; }
done

work=$(mktemp -d /tmp/yizhan-try.XXXXXX)
root=$work/root name=yizhan-try-$$ machine=
finish() {
  set +e
  if [ -n "$machine" ]; then kill "$machine" 2>/dev/null; wait "$machine" 2>/dev/null; fi
  ip netns del "$name" 2>/dev/null
  rm -rf --one-file-system "$work"
}
trap finish EXIT
say() { printf '» %s\n' "$*"; }
fail() { printf 'FAIL  %s\n' "$*" >&2; exit 1; }
# check WHAT COMMAND...: the command must succeed.
check() {
  local what=$1; shift
  if "$@" >"$work/out" 2>&1; then echo "ok    $what"; else cat "$work/out" >&2; fail "$what"; fi
}
says() { "${@:2}" 2>&1 | grep -qF -- "$1"; }  # says WORDS COMMAND...
not() { ! "$@"; }

say "a fresh Debian 12"
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^bookworm //p' | head -n 1)
[ -n "$mirror" ] || fail "apt knows no mirror of bookworm"
debootstrap --variant=minbase --include=systemd,dbus bookworm "$root" "$mirror" >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; fail debootstrap; }
cp -rL /etc/apt/sources.list* /etc/apt/apt.conf.d "$root/etc/apt/"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp "$deb" "$root/root/yizhan.deb"
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }
check "the lists of packages" in_root apt-get update -qq

say "installing"
check "installs, with its libraries" in_root apt-get install -y -qq --no-install-recommends /root/yizhan.deb
check "the program runs" in_root yizhan --version
check "the verifier runs" in_root yizhan-verify --help
check "its configuration is in order" in_root yizhan config check /etc/yizhan/yizhan.yaml
check "others may not read the configuration" test "$(stat -c '%a %G' "$root/etc/yizhan/yizhan.yaml")" = "640 $(stat -c %G "$root/etc/yizhan")"

say "booting"
ip netns add "$name"
ip -n "$name" link set lo up
systemd-nspawn -q -D "$root" --machine="$name" --register=no --keep-unit --network-namespace-path="/run/netns/$name" -b </dev/null >"$work/boot.log" 2>&1 &
machine=$!
inside() { nsenter -t "$(pgrep -P "$machine" | head -n 1)" -m -u -i -p -n -C -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
outside() { ip netns exec "$name" "$@"; }
for _ in $(seq 60); do case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) break ;; esac; sleep 1; done
check "nothing was started by the installation" not inside systemctl is-active -q yizhan
check "the unit starts, and says when it is ready" inside systemctl enable --now yizhan
check "it tells where it serves" says 'Serves https://' inside systemctl show yizhan -p StatusText
check "a page is served" says '<!doctype html>' outside curl -sk --max-time 10 https://localhost:8440/
check "it is healthy" says ok outside curl -s --max-time 10 http://127.0.0.1:8444/healthz
check "no password is in the journal" not says "$(sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' "$root/var/lib/yizhan/demonstration.json")" inside journalctl -u yizhan --no-pager
check "exposure is at most 2.0" inside systemd-analyze security --threshold=20 yizhan
check "it ends in order" inside systemctl stop yizhan
check "the end was a success" says Result=success inside systemctl show yizhan -p Result

say "each service as a process and a user of its own"
check "the target starts, and takes the place of the one process" inside systemctl start yizhan-processes.target
for _ in $(seq 60); do says active inside systemctl is-active yizhan@edge && break; sleep 1; done
for service in directory im desk audit admin edge; do
  check "$service runs" inside systemctl is-active -q "yizhan@$service"
  check "$service is its own user's" says "yizhan-$service" inside stat -c %U "/proc/$(inside systemctl show -P MainPID "yizhan@$service")"
  check "exposure of $service is at most 2.0" inside systemd-analyze security --threshold=20 "yizhan@$service"
done
check "others' folders are closed to it" not inside runuser -u yizhan-edge -- ls /var/lib/yizhan-processes/im
check "a page is served" says '<!doctype html>' outside curl -sk --max-time 10 https://localhost:8440/
check "it is healthy" says ok outside curl -s --max-time 10 http://127.0.0.1:8444/healthz
inside systemctl kill -s KILL yizhan@im
for _ in $(seq 30); do says active inside systemctl is-active yizhan@im && break; sleep 1; done
check "a service that dies is started again" inside systemctl is-active -q yizhan@im
check "the certificates are renewed by its own unit" inside systemctl start yizhan-prepare
check "the target stops all of it" inside systemctl stop yizhan-processes.target
check "nothing of it runs" not says yizhan@ inside systemctl list-units --no-legend --state=running 'yizhan@*'

say "a broken configuration"
cp -p "$root/etc/yizhan/yizhan.yaml" "$work/yizhan.yaml"
echo 'threads: many' >>"$root/etc/yizhan/yizhan.yaml"
check "is refused" not inside systemctl start yizhan
check "with its line in the journal" says '"threads" must be a whole number' inside journalctl -u yizhan --no-pager
check "and not tried again" says NRestarts=0 inside systemctl show yizhan -p NRestarts
cp -p "$work/yizhan.yaml" "$root/etc/yizhan/yizhan.yaml"
inside systemctl reset-failed yizhan

say "installing again, and removing"
echo '# mine' >>"$root/etc/yizhan/yizhan.yaml"
check "starts" inside systemctl start yizhan
before=$(inside systemctl show yizhan -p MainPID)
check "installs over itself" inside dpkg -i /root/yizhan.deb
check "runs again, as another process" test "$(inside systemctl show yizhan -p ActiveState -p MainPID | sort)" != "ActiveState=active
$before"
check "is ready" inside systemctl is-active -q yizhan
check "keeps a changed configuration" grep -q '# mine' "$root/etc/yizhan/yizhan.yaml"
check "is removed" inside dpkg -r yizhan
check "does not serve any more" not outside curl -sk --max-time 10 https://localhost:8440/
check "leaves no program" test ! -e "$root/usr/bin/yizhan"
check "is purged" inside dpkg -P yizhan
check "the configuration is gone" test ! -e "$root/etc/yizhan"
check "the data stays" test -e "$root/var/lib/yizhan/ledger"
inside systemctl poweroff || true
wait "$machine" || true
machine=
echo "the package holds"
