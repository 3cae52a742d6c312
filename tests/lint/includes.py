"""Holds the include rules of CONTRIBUTING.md: dependencies point down, a foreign header has one home."""
import pathlib
import re
import subprocess
import sys

# A folder may include itself and what is listed for it. The proto headers (yizhan/...) are open to everybody.
SERVICES = ["services/im", "services/desk", "ldap", "audit", "admin"]
ALLOWED = {
    "services/base": [],
    "services/ledger": ["services/base"],
    "services/cluster": ["services/base", "services/ledger"],
    **{s: ["services/base", "services/ledger", "services/cluster"] for s in SERVICES},
    "services/edge": ["services/base"],
    # Mains compose: they alone see every service.
    "services/appliance": ["services/base", "services/ledger", "services/cluster", "services/edge", *SERVICES],
}
FOREIGN = {
    r"rocksdb/": ["services/ledger", "audit/index", "audit/archive/item_store"],
    r"ldap\.h|lber\.h": ["ldap"],
    r"boost/(asio|beast)": ["services/edge", "services/base/http"],
    r"grpcpp/|grpc/": ["services/base/rpc", "services/cluster/etcd"],
    r"CLI/": ["services/appliance", "audit/verify", "ldap/testing"],
    r"prometheus/": ["services/base"],
    r"sodium\.h": ["ldap", "services/base"],
    r"expat\.h": ["services/edge", "services/base/objects"],
    r"curl/": ["services/base/objects"],
    r"zstd\.h": ["admin/backup"],
}


def home(path):
    folders = [f for f in ALLOWED if path.startswith(f + "/")]
    return max(folders, key=len) if folders else None


def main():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", "*.cc", "*.h"], capture_output=True, text=True, check=True)
    problems = []
    count = 0
    for name in files.stdout.split():
        path = pathlib.Path(name)
        owner = home(name)
        if owner is None or not path.exists():
            continue
        count += 1
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
            if not match:
                continue
            header = match.group(2)
            for pattern, homes in FOREIGN.items():
                if re.match(pattern, header) and not any(name.startswith((h + "/", h + ".")) for h in homes):
                    problems.append(f"{name}:{number}: {header} may only be included in {', '.join(homes)}")
            if match.group(1) == "<":
                continue
            target = next((t for t in (header, "services/" + header, str(path.parent / header)) if pathlib.Path(t).exists()), None)
            used = home(target) if target else None
            if used and used != owner and used not in ALLOWED[owner]:
                problems.append(f"{name}:{number}: {owner} must not include {used} ({header}); call its proto instead")
    print("\n".join(problems) or f"includes: {count} files follow the rules")
    return 1 if problems else 0


sys.exit(main())
