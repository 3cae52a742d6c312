#!/usr/bin/env bash
# Syntax and style of the installer: ansible-playbook --syntax-check, ansible-lint.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_ROLES_PATH=$PWD/roles
ansible-playbook -i inventory.example.yml --syntax-check site.yml >/dev/null
ansible-lint --offline -q --profile production site.yml roles
echo "installer: syntax and style are in order"
