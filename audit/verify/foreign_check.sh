#!/bin/sh
# The sample export, checked by programs that are not ours: sha256sum, openssl, Go's sumdb packages and Python's mail and
# CSV readers; and by yizhan-verify.  foreign_check.sh EXPORT_WRITE_SAMPLE YIZHAN_VERIFY WORK_DIR
set -eu
write_sample=$1
verify=$2
work=$3
tlog=$(cd "$(dirname "$0")/../tlog/go_check" && pwd)
rm -rf "$work/sample"
mkdir -p "$work/sample"
"$write_sample" "$work/sample"
export_dir=$work/sample/export
key=$work/sample/vkey

"$verify" "$export_dir" --key "$key"
(cd "$export_dir" && sha256sum --check --strict --quiet files.sha256)
listed=$(sed -n 's/.*"sha256": "\(.*\)",*/\1/p' "$export_dir/manifest.json")
test "$listed" = "$(sha256sum < "$export_dir/files.sha256" | cut -d' ' -f1)"
"$tlog/openssl_check.sh" "$export_dir/checkpoint" "$key"
"$tlog/openssl_check.sh" "$export_dir/manifest.note" "$key"
grep -qxF "manifest $(openssl dgst -sha256 -binary "$export_dir/manifest.json" | base64)" "$export_dir/manifest.note"

export GO111MODULE=off GOPATH=/usr/share/gocode GOPROXY=off GOFLAGS= GOCACHE="$work/go-cache"
(cd "$tlog" && go build -o "$work/go_check" main.go)
"$work/go_check" export "$export_dir" "$key"

python3 - "$export_dir" <<'EOF'
import csv, email, email.policy, glob, json, sys
rows = list(csv.reader(open(sys.argv[1] + "/messages.csv", encoding="utf-8-sig", newline="")))
columns = {name: i for i, name in enumerate(rows[0])}
mails = sorted(glob.glob(sys.argv[1] + "/items/*/*.eml"))
assert len(rows) == len(mails) + 1, (len(rows), len(mails))
for row, path in zip(rows[1:], mails):
    assert len(row) == len(rows[0]), row
    mail = email.message_from_binary_file(open(path, "rb"), policy=email.policy.default)
    assert not mail.defects, (path, mail.defects)
    for name in mail.keys():
        assert not mail[name].defects, (path, name, mail[name].defects)
    item = json.load(open(path[:-4] + ".json", encoding="utf-8"))
    text = item.get("content", {}).get("text", "")
    assert mail.get_content().startswith(text), path
    assert row[columns["text"]].lstrip("'") == text.lstrip("'"), path
    title = item["context"].get("conversation_title", "")
    assert title in str(mail["subject"]), (path, mail["subject"])
    assert row[columns["conversation_title"]] == title, path
    author = item["context"]["names"].get(row[columns["author_id"]], "")
    assert mail["from"].addresses[0].display_name == author, (path, mail["from"])
print("read by Python:", len(mails), "mails and rows")
EOF

# One byte of one item: found by ours and by the others.
printf 'x' | dd of="$export_dir/items/000/000003.leaf" bs=1 seek=20 conv=notrunc 2>/dev/null
if "$verify" "$export_dir" --key "$key"; then exit 1; fi
if "$work/go_check" export "$export_dir" "$key"; then exit 1; fi
if (cd "$export_dir" && sha256sum --check --strict --quiet files.sha256); then exit 1; fi
echo "all checks passed"
