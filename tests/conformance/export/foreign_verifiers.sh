#!/bin/sh
# An export, verified by programs that share no line with the product: sha256sum, openssl, Go's sumdb packages, Python's mail and CSV
# readers.   foreign_verifiers.sh EXPORT_DIR VKEY_FILE GO_CHECK
# GO_CHECK: where the Go program is, or is built to. Needs Debian's golang-go and golang-golang-x-mod-dev, no network.
set -eu
export_dir=$1
key=$2
go_check=$3
tlog=$(cd "$(dirname "$0")/../../../audit/tlog/go_check" && pwd)

(cd "$export_dir" && sha256sum --check --strict --quiet files.sha256)
listed=$(sed -n 's/.*"sha256": "\(.*\)",*/\1/p' "$export_dir/manifest.json")
test "$listed" = "$(sha256sum < "$export_dir/files.sha256" | cut -d' ' -f1)"
"$tlog/openssl_check.sh" "$export_dir/checkpoint" "$key"
"$tlog/openssl_check.sh" "$export_dir/manifest.note" "$key"
grep -qxF "manifest $(openssl dgst -sha256 -binary "$export_dir/manifest.json" | base64)" "$export_dir/manifest.note"

if [ ! -x "$go_check" ]; then
  (cd "$tlog" && GO111MODULE=off GOPATH=/usr/share/gocode GOPROXY=off GOFLAGS='' GOCACHE="${go_check}-cache" go build -o "$go_check" main.go)
fi
"$go_check" export "$export_dir" "$key"

/usr/bin/python3 - "$export_dir" <<'PYTHON'
import csv, email, email.policy, glob, json, sys
rows = list(csv.reader(open(sys.argv[1] + "/messages.csv", encoding="utf-8-sig", newline="")))
mails = sorted(glob.glob(sys.argv[1] + "/items/*/*.eml"))
assert len(rows) == len(mails) + 1, (len(rows), len(mails))
text_at = rows[0].index("text")
for row, path in zip(rows[1:], mails):
    assert len(row) == len(rows[0]), row
    mail = email.message_from_binary_file(open(path, "rb"), policy=email.policy.default)
    assert not mail.defects, (path, mail.defects)
    for name in mail.keys():
        assert not mail[name].defects, (path, name, mail[name].defects)
    text = json.load(open(path[:-4] + ".json", encoding="utf-8")).get("content", {}).get("text", "")
    assert mail.get_content().startswith(text), path
    assert row[text_at].lstrip("'") == text.lstrip("'"), path
print("read by Python:", len(mails), "mails and rows")
PYTHON
