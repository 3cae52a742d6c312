#!/bin/sh
# Verifies the signature of a signed note with nothing but coreutils and openssl:
#   openssl_check.sh NOTE_FILE VKEY_FILE
# docs/formats/export.md explains these steps for doing them by hand.
set -eu
note=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The public key: behind the second '+' stands base64 of one byte of algorithm (1, Ed25519) and the 32 bytes of the key.
# The 12 bytes in front make it the SubjectPublicKeyInfo that openssl reads (RFC 8410).
vkey=$(cat "$2")
name=${vkey%%+*}
printf '\060\052\060\005\006\003\053\145\160\003\041\000' > "$work/key.der"
printf '%s' "${vkey#*+*+}" | base64 -d | tail -c +2 >> "$work/key.der"

# The signed text: everything before the last blank line, with its newline.
blank=$(grep -n '^$' "$note" | tail -n 1 | cut -d: -f1)
head -n $((blank - 1)) "$note" > "$work/text"

# The signature: on the line with the key's name, base64 of 4 bytes of key id and the 64 bytes of the signature.
tail -n +$((blank + 1)) "$note" | grep -F -- "— $name " | head -n 1 | sed 's/.* //' | base64 -d | tail -c +5 > "$work/signature"

openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/text" -sigfile "$work/signature"
