"""Writes the measured section of docs/performance.md from the load program's results: report.py RESULTS DOC COMMAND."""
import collections
import glob
import json
import os
import re
import statistics
import sys

START, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NAMES = {"ours": "Yizhan", "ejabberd": "ejabberd", "prosody": "Prosody", "null": "null (stores nothing)"}


def load(folder):
    runs = collections.defaultdict(list)  # (target, history, scenario) -> results of each run
    for path in sorted(glob.glob(folder + "/*_mam-*.json")):
        match = re.match(r"(\w+?)_\w+?_mam-(\w+?)_(\w+?)_\d+(_w1)?\.json", os.path.basename(path))
        if match:
            runs[(match[1], match[2], match[3] + (match[4] or ""))].append(json.load(open(path))["results"])
    return runs


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def figure(runs, key, pick):
    return median([pick(results) for results in runs.get(key, [])])


def first(results, scenario, field):
    return next((r[field] for r in results if r["scenario"] == scenario and field in r), None)


def sustained(results, field="rate"):
    return max((r[field] for r in results if r.get("mode") == "open" and r["sustained"]), default=None)


def at_rate(results, rate, field):
    return next((r["latency"][field] for r in results if r.get("mode") == "open" and r["rate"] == rate), None)


ROWS = [
    ("1:1 messages/s sustained, history on", "on", "chat", sustained),
    ("p50 ms at 1,000 messages/s", "on", "chat", lambda r: at_rate(r, 1000, "p50_ms")),
    ("p99 ms at 1,000 messages/s", "on", "chat", lambda r: at_rate(r, 1000, "p99_ms")),
    ("log-ins/s, 2,000 people", "on", "login2k", lambda r: first(r, "login", "sessions_per_s")),
    ("resident KB per idle connection", "on", "login2k", lambda r: first(r, "idle", "rss_kb_per_conn")),
    ("group of 200, deliveries/s sustained", "on", "muc200", lambda r: sustained(r, "msgs_per_s")),
    ("group of 1,000, deliveries/s sustained", "on", "muc1000", lambda r: sustained(r, "msgs_per_s")),
    ("joining a group of 1,000, seconds", "on", "muc1000", lambda r: first(r, "muc_join", "seconds")),
    ("history pages of 50, one at a time, pages/s", "on", "mampage_w1", lambda r: first(r, "mam_page", "pages_per_s")),
    ("history pages of 50, 16 at a time, pages/s", "on", "mampage", lambda r: first(r, "mam_page", "pages_per_s")),
    ("1:1 messages/s sustained, history off (peers only)", "off", "chat", sustained),
]


def show(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def main():
    folder, doc, command = sys.argv[1:]
    runs = load(folder)
    lines = [START, "", f"Made by `{command}`. Medians of the runs; server on one core, load on the other.", "",
             "| Case | " + " | ".join(NAMES.values()) + " |", "| --- |" + " --- |" * len(NAMES)]
    for title, history, scenario, pick in ROWS:
        values = [figure(runs, (target, history, scenario), pick) for target in NAMES]
        if any(v is not None for v in values):
            lines.append(f"| {title} | " + " | ".join(show(v) for v in values) + " |")
    path = folder + "/ours.archive.jsonl"
    watched = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    if watched:
        cpu, archive = (sum(each["watched"][key] for each in watched) for key in ("cpu_s", "archive_cpu_s"))
        lines += ["", f"The archive beside it, on the same core as all of ours: at most {max(each['watched']['max_lag'] for each in watched):,} "
                  f"records behind under load, {max(each['lag_at_end'] for each in watched)} within 5 s after the load; {archive / cpu:.0%} of our CPU time."]
    text = "\n".join(lines + ["", END])
    old = open(doc).read() if os.path.exists(doc) else f"# Performance\n\n{START}\n{END}\n"
    open(doc, "w").write(re.sub(re.escape(START) + ".*?" + re.escape(END), lambda _: text, old, flags=re.S))
    print(text)


main()
