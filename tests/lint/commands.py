"""Holds manuals and completion to what the programs themselves say with --help: every flag and command, none invented.

usage: commands.py YIZHAN YIZHAN-VERIFY
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMPLETION = ROOT / "packaging/completion/yizhan.bash"
problems = []


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def help_of(*command):
    result = run(*command, "--help")
    if result.returncode != 0 or result.stderr:
        problems.append(f"{' '.join(command)} --help ended with {result.returncode}: {result.stderr}")
    return result.stdout


def flags_of(text):
    """Flags that a summary lists: they begin a line, or stand in a line of usage."""
    lines = [line for line in text.splitlines() if re.match(r"\s+(-\w,)?--", line) or line.startswith(("usage:", "Usage:"))]
    return set(FLAG.findall("\n".join(lines)))


def commands_of(text):
    return set(re.findall(r"^  ([a-z]+) ", text.split("Subcommands:")[-1], re.M)) if "Subcommands:" in text else set()


def manual(name):
    """A manual's flags: those that head an entry of OPTIONS, and all that it mentions."""
    path = ROOT / "packaging/man" / name
    text = path.read_text().replace("\\-", "-")
    options = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", text, re.M | re.S).group(1)
    heads = re.findall(r"^\.T[PQ]\n(.*)$", options, re.M)
    for line in run("groff", "-man", "-Tutf8", "-ww", "-z", str(path)).stderr.splitlines():
        problems.append(line)
    return set(FLAG.findall("\n".join(heads))), set(FLAG.findall(text))


def compare(what, has, should):
    for flag in sorted(should - has):
        problems.append(f"{what} lacks {flag}")
    for flag in sorted(has - should):
        problems.append(f"{what} has {flag}, which the program does not take")


def completions(function, *words):
    script = 'source "$1"; shift; f=$1; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$f"; printf "%s\\n" "${COMPREPLY[@]}"'
    result = run("bash", "-c", script, "bash", str(COMPLETION), function, *words)
    if result.returncode != 0 or result.stderr:
        problems.append(f"completion of {' '.join(words)}: {result.stderr}")
    return set(result.stdout.split())


def main(yizhan, verify):
    top = help_of(yizhan)
    commands = {(): top}
    for name in sorted(commands_of(top)):
        commands[(name,)] = help_of(yizhan, name)
        for below in sorted(commands_of(commands[(name,)])):
            commands[(name, below)] = help_of(yizhan, name, below)
    ledger = re.search(r"ledger ([a-z|]+)", commands[("ledger",)]).group(1).split("|")
    everything = set().union(*(flags_of(text) for text in commands.values()))

    def below(name):
        return [command for command in commands if len(command) == 2 and command[0] == name]

    pages = {"yizhan.1": [()], "yizhan-run.1": [("run",)], "yizhan-config.1": below("config"), "yizhan-cluster.1": below("cluster"), "yizhan-backup.1": below("backup"), "yizhan-ledger.1": [("ledger",)]}
    for page, about in pages.items():
        heads, mentioned = manual(page)
        compare(page, heads, set().union(*(flags_of(commands[command]) for command in about)))
        compare(page, mentioned, mentioned & everything)
    manual_of_verify, _ = manual("yizhan-verify.1")
    compare("yizhan-verify.1", manual_of_verify, flags_of(help_of(verify)))
    synopsis = (ROOT / "packaging/man/yizhan.1").read_text()
    for command in [" ".join(c) for c in commands if c] + ["ledger " + "\\fR|\\fP".join(ledger)]:
        if f"yizhan {command}" not in synopsis:
            problems.append(f"yizhan.1 does not name 'yizhan {command}'")

    compare("completion of yizhan", completions("_yizhan", "yizhan", ""), commands_of(top) | flags_of(top))
    for command, text in commands.items():
        if not command or command == ("ledger",):
            continue
        compare(f"completion of {' '.join(command)}", {w for w in completions("_yizhan", "yizhan", *command, "-") if w[0] == "-"}, flags_of(text))
        if commands_of(text):
            compare(f"completion of {' '.join(command)}", completions("_yizhan", "yizhan", *command, "") - {"--help"}, commands_of(text))
    compare("completion of ledger", completions("_yizhan", "yizhan", "ledger", "") - {"--help"}, set(ledger))
    compare("completion of ledger", completions("_yizhan", "yizhan", "ledger", "dump", "-"), flags_of(commands[("ledger",)]))
    compare("completion of yizhan-verify", completions("_yizhan_verify", "yizhan-verify", "-"), flags_of(help_of(verify)))
    levels = set(re.search(r"--log-level.*One of: ([a-z, ]+)\.", commands[("run",)]).group(1).split(", "))
    compare("completion of --log-level", completions("_yizhan", "yizhan", "run", "--log-level", ""), levels)

    configurations(yizhan)
    print("\n".join(problems) or f"commands: {len(commands)} summaries, {len(pages) + 1} manuals and the completion agree")
    return 1 if problems else 0


def expect(what, result, code, *says):
    if result.returncode != code or not all(word in result.stdout + result.stderr for word in says):
        problems.append(f"{what}: ended with {result.returncode} and said {result.stdout + result.stderr!r}, not {code} and {says}")


def configurations(yizhan):
    """What `yizhan config` says and ends with."""
    example = ROOT / "packaging/yizhan.yaml"
    expect("config check of the example", run(yizhan, "config", "check", str(example)), 0, "in order")
    expect("config check of nothing", run(yizhan, "config", "check", "/nonexistent.yaml"), 2, "/nonexistent.yaml")
    expect("config check without a file", run(yizhan, "config", "check"), 2, "FILE")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as broken:
        broken.write("port_base: 70000\ndomian: x\n")
        broken.flush()
        expect("config check of a broken file", run(yizhan, "config", "check", broken.name), 1, ":1: ", ":2: ", '"domain"', "65530")
        expect("config print of a broken file", run(yizhan, "config", "print", "--config", broken.name), 2, ":1: ", ":2: ")
    printed = run(yizhan, "config", "print", "--config", str(example), "--port-base", "9000", "--no-demonstration")
    expect("config print", printed, 0, f'data: "/var/lib/yizhan"  # {example}:', "port_base: 9000  # --port-base", "demonstration: false  # --no-demonstration", "threads: 0  # default")
    template = (ROOT / "installer/roles/yizhan/templates/etc/yizhan/yizhan.yaml.j2").read_text()
    compare("the installer's yizhan.yaml", set(re.findall(r"^([a-z_]+):", template, re.M)), set(re.findall(r"^([a-z_]+):", printed.stdout, re.M)))
    expect("config print with a wrong flag", run(yizhan, "config", "print", "--threads", "65"), 2, "--threads must be")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
