#!/usr/bin/env python3
"""Runs every fuzz target until it has had its processor time, in slices, several at once; goes on where it was stopped.

    fuzz/seeds && (cd fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz build -s none)
    python3 fuzz/campaign.py [--seconds 1800] [--slice 300] [--jobs 2] [--only clean,ansi]

Seconds and executions of each target are kept in fuzz/artifacts/<target>/spent.json and printed as a table at the end;
what made a target fail lies beside that. Ends with 1 where there is such a finding.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
BINARIES = TARGET / "x86_64-unknown-linux-gnu" / "release"
# what a fuzzed input may need before that counts as a finding
TIMEOUT, MEMORY_MB = 60, 4096
# bytes of an input, in turns: short ones are many a second, long ones get to where sizes count
LENGTHS = (600, 40000)


def spent(name):
    """Seconds of the processor and executions that a target had."""
    path = HERE / "artifacts" / name / "spent.json"
    return json.loads(path.read_text()) if path.exists() else {"seconds": 0.0, "executions": 0}


def findings(name):
    folder = HERE / "artifacts" / name
    return sorted(file.name for kind in ("crash", "timeout", "oom", "leak") for file in folder.glob(f"{kind}-*"))


def run(name, seconds, binary):
    """One slice of a target; what it had is written down."""
    had = spent(name)
    slices = had.get("slices", 0)
    folder, corpus = HERE / "artifacts" / name, HERE / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    words, length = HERE / "corpus" / "words", LENGTHS[slices % len(LENGTHS)]
    command = [binary, str(corpus), f"-artifact_prefix={folder}/", f"-max_total_time={seconds}", f"-max_len={length}",
               f"-timeout={TIMEOUT}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1", "-verbosity=1"]
    if words.exists():
        command.append(f"-dict={words}")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=lambda: os.nice(19))
        _, _, usage = os.wait4(process.pid, 0)
    text = (folder / "log").read_text(errors="replace")
    counts = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text) or re.findall(r"^#(\d+)", text, re.M) or ["0"]
    had["slices"] = slices + 1
    had["seconds"] += usage.ru_utime + usage.ru_stime
    had["executions"] += int(counts[-1])
    (folder / "spent.json").write_text(json.dumps(had))


def work(name, args):
    binary = args.binaries / name
    while spent(name)["seconds"] < args.seconds and not findings(name):
        before = spent(name)["seconds"]
        run(name, args.slice, binary)
        if spent(name)["seconds"] <= before:
            break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=1800, help="of the processor, for each target")
    parser.add_argument("--slice", type=int, default=300, help="seconds of the clock between two looks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="targets, separated by commas")
    parser.add_argument("--binaries", type=pathlib.Path, default=BINARIES, help="where the built targets are")
    args = parser.parse_args()
    names = sorted(file.stem for file in (HERE / "fuzz_targets").glob("*.rs"))
    if args.only:
        names = [name for name in names if name in args.only.split(",")]
    missing = [name for name in names if not (args.binaries / name).exists()]
    if missing:
        sys.exit(f"not built: {', '.join(missing)} (cargo fuzz build -s none)")
    # those that had least come first
    names.sort(key=lambda name: spent(name)["seconds"])
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in [pool.submit(work, name, args) for name in names]:
            done.result()
    print(f"{'target':<12}{'seconds':>9}{'executions':>14}  findings")
    for name in sorted(names):
        had = spent(name)
        print(f"{name:<12}{had['seconds']:>9.0f}{had['executions']:>14,}  {' '.join(findings(name)) or '-'}")
    sys.exit(1 if any(findings(name) for name in names) else 0)


if __name__ == "__main__":
    main()
