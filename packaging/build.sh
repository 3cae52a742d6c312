#!/usr/bin/env bash
# Builds the Debian package: the program, the verifier, the pages, manuals, completion, the unit.
#
#   packaging/build.sh [PRESET [OUTDIR]]      release, build/packages; PRESET dev uses the development build
#
# Prints the package's path. The same commit and the same Debian give the same bytes. Needs dpkg-dev.
set -euo pipefail
umask 022
cd "$(dirname "$(readlink -f "$0")")/.."
if [ "${1:-}" = --help ]; then sed -n '2,6p' "$0"; exit 0; fi
preset=${1:-release} out=$(realpath -m "${2:-build/packages}")
command -v dpkg-shlibdeps >/dev/null || { echo "build.sh: dpkg-shlibdeps is missing: install dpkg-dev" >&2; exit 1; }

./dev build "$preset" yizhan yizhan-verify >&2
pages=${YIZHAN_PAGES:-$PWD/build/pages}
[ -n "${YIZHAN_PAGES:-}" ] || services/web/build.sh "$pages" >&2

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
architecture=$(dpkg --print-architecture)
version=$(sed -n 's/^project(yizhan VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)~$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S).$(git rev-parse --short=8 HEAD)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

place() { install -D -m "$1" "$2" "$root/$3"; }  # place MODE FILE PATH
for program in yizhan yizhan-verify; do
  place 0755 "build/$preset/bin/$program" "usr/bin/$program"
  strip --strip-unneeded "$root/usr/bin/$program"
done
mkdir -p "$root/usr/share/yizhan"
cp -r --no-preserve=all "$pages" "$root/usr/share/yizhan/pages"
for manual in packaging/man/*; do
  place 0644 "$manual" "usr/share/man/man${manual##*.}/${manual##*/}"
  gzip -9n "$root/usr/share/man/man${manual##*.}/${manual##*/}"
done
place 0644 packaging/completion/yizhan.bash usr/share/bash-completion/completions/yizhan
ln -s yizhan "$root/usr/share/bash-completion/completions/yizhan-verify"
for unit in yizhan.service yizhan@.service yizhan-processes.target yizhan-prepare.service yizhan-prepare.timer; do
  place 0644 "packaging/systemd/$unit" "lib/systemd/system/$unit"
done
place 0644 packaging/systemd/edge-after.conf lib/systemd/system/yizhan@edge.service.d/after.conf
place 0644 packaging/systemd/sysusers.conf usr/lib/sysusers.d/yizhan.conf
place 0644 packaging/systemd/tmpfiles.conf usr/lib/tmpfiles.d/yizhan.conf
place 0644 packaging/yizhan.yaml etc/yizhan/yizhan.yaml
place 0644 packaging/deb/copyright usr/share/doc/yizhan/copyright

# What the programs are linked with, by the packages that hold it.
mkdir -p "$work/debian"
printf 'Source: yizhan\n\nPackage: yizhan\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info -e"$root/usr/bin/yizhan" -e"$root/usr/bin/yizhan-verify" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "build.sh: dpkg-shlibdeps found no libraries" >&2; exit 1; }

mkdir -p "$root/DEBIAN"
echo /etc/yizhan/yizhan.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 0755 "packaging/deb/$script" "$root/DEBIAN/$script"; done
sed -e "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@SIZE@|$(du -sk --exclude=DEBIAN "$root" | cut -f1)|; s|@DEPENDS@|$depends|" \
  packaging/deb/control.in >"$root/DEBIAN/control"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort | xargs md5sum >DEBIAN/md5sums)
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/yizhan_${version}_$architecture.deb" >&2
echo "$out/yizhan_${version}_$architecture.deb"
