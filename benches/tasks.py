#!/usr/bin/env python3
"""Measures how long `hgview tasks build --check` takes to make tasks of whole packages, with nothing known of them before.

    cargo build --release && python3 benches/tasks.py                       # of the packages of this Python
    python3 benches/tasks.py --files 5000 --repos 10 --limit 1000 DIR...    # of the largest entries of these folders
    python3 benches/tasks.py --jobs 2 --runs 3 sdists/*.tar.gz

Needs nothing but Python. Every entry of a folder (a package of a `site-packages`) is a repository; the largest are
copied into a temporary folder until there are enough files, so that links and caches play no part. Prints files, tasks
and the median of the times, and fails when there are fewer tasks than asked for.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def python_files(path):
    """The Python files below a folder, links not followed."""
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        for name in names:
            whole = os.path.join(folder, name)
            if name.endswith(".py") and not os.path.islink(whole):
                yield whole


def packages(paths):
    """(number of files, path) of every folder in some folders, the largest first; archives count as they are."""
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append((0, path))
            continue
        for name in sorted(os.listdir(path)):
            inner = os.path.join(path, name)
            if os.path.isdir(inner) and not name.startswith((".", "_")) and not name.endswith(".dist-info"):
                size = sum(1 for _ in python_files(inner))
                found += [(size, inner)] if size else []
    return sorted(found, reverse=True)


def chosen(found, repos, files):
    """Packages that together come near to `files` files: the largest that leave room for the others."""
    least = 40
    taken, count = [], 0
    for size, path in found:
        rest = repos - len(taken)
        if rest and count + size + (rest - 1) * least <= files:
            taken.append(path)
            count += size
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", default=[sysconfig.get_path("purelib")])
    parser.add_argument("--repos", type=int, default=10)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--program", default=os.path.join(ROOT, "target", "release", "hgview"))
    asked = parser.parse_args()
    taken = chosen(packages(asked.paths), asked.repos, asked.files)
    with tempfile.TemporaryDirectory(prefix="hgview-tasks-") as folder:
        sources = os.path.join(folder, "repos")
        os.mkdir(sources)
        for path in taken:
            to = os.path.join(sources, os.path.basename(path))
            if os.path.isdir(path):
                shutil.copytree(path, to, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.so", ".*"))
            else:
                shutil.copy(path, to)
        times = []
        for run in range(asked.runs):
            out = os.path.join(folder, "tasks-%d.jsonl" % run)
            command = [asked.program, "tasks", "build", sources, "--each", "--check", "--no-cache", "-o", out, "--json"]
            command += ["--limit", str(asked.limit), "--jobs", str(asked.jobs)]
            began = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True)
            times.append(time.monotonic() - began)
            if done.returncode == 2:
                sys.exit(done.stderr)
        report = json.loads(done.stdout)
        for own in report["repositories"]:
            print("%-40s %6d files %6d tasks" % (own["repo"], own["files"], own["tasks"]))
        files = sum(own["files"] for own in report["repositories"])
        kinds = {kind: sum(strata.values()) for kind, strata in report["types"].items()}
        print("%d repositories, %d Python files, %d tasks %s" % (len(taken), files, report["tasks"], kinds))
        print("left out:", report["left_out"])
        print("%.1f s (median of %d runs on %d threads)" % (statistics.median(times), asked.runs, asked.jobs))
        sys.exit(0 if report["tasks"] >= asked.limit else 1)


if __name__ == "__main__":
    main()
