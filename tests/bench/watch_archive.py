"""Watches what the archive does while the load runs: watch_archive.py INFO PID OUT, until the process is gone.

OUT (JSON): the greatest lag in records, the lag when the load had ended 5 s ago (written by `final`), CPU seconds of the archive's threads
and of the whole process.  watch_archive.py final INFO waits at most 5 s for the lag to be 0 and prints it.
"""
import glob
import json
import os
import re
import sys
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")


def lag(url):
    text = urllib.request.urlopen(url, timeout=5).read().decode()
    return int(float(re.search(r"^yizhan_audit_lag_records(?:\{[^}]*\})? (\S+)", text, re.M)[1]))


def cpu(pid):
    """CPU seconds by thread name."""
    seconds = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        try:
            name = open(task + "/comm").read().strip()
            fields = open(task + "/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
    return seconds


def watch(info, pid, out):
    url, worst, last = json.load(open(info))["metrics"]["url"], 0, {}
    while os.path.exists(f"/proc/{pid}"):
        try:
            worst = max(worst, lag(url))
        except OSError:
            pass
        last = cpu(pid) or last
        json.dump({"max_lag": worst, "archive_cpu_s": round(sum(v for k, v in last.items() if k.startswith("archive")), 2),
                   "cpu_s": round(sum(last.values()), 2)}, open(out + ".partial", "w"))
        os.replace(out + ".partial", out)
        time.sleep(0.5)


def final(info):
    url, end = json.load(open(info))["metrics"]["url"], time.time() + 5
    while (left := lag(url)) and time.time() < end:
        time.sleep(0.1)
    print(left)


if sys.argv[1] == "final":
    final(sys.argv[2])
else:
    watch(*sys.argv[1:])
