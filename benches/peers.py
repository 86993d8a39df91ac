#!/usr/bin/env python3
"""Measures hgview beside the programs that one would use in its place, and writes the table of the README.

    cargo build --release && python3 benches/peers.py                    # 100 MB and 1 GB, prints the tables
    python3 benches/peers.py --sizes 100M,1G,10G --write                 # three sizes, into README.md
    python3 benches/peers.py --only search,open --runs 3 --write         # these lines anew, the others stay

Needs nothing but Python; a peer that is not installed is left out and named (rg, less, lnav, jless, vd, jq, cp, wc;
DuckDB and polars as modules of the Python that runs this). Data are made by `cargo run --release --example generate`, the same
on every machine. All runs of a line alternate: hgview, peer, hgview, peer; figures are medians, the page cache is
warm, ratios count. Terminal programs run on a pty of 200x50 that answers what terminals are asked.
"""
import argparse
import fcntl
import json
import os
import platform
import pty
import re
import resource
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# text that every record of the data begins with, and that each program shows of it
MARK = b"tidepool__"
ROWS, COLUMNS = 50, 200
EVERYTHING = "open,packed,places,fields,search,export,memory,keys,records"
ANSWER = b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c"
ESCAPES = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[(][0-9;:?<>=!]*[ -/]*[@-~]|\x1b.")
# the longest that anything is waited for
PATIENCE = 180.0


def megabytes(size):
    return int(size[:-1]) * {"M": 1, "G": 1024}[size[-1]]


def data(folder, size):
    path = os.path.join(folder, "rows-%d.jsonl" % (megabytes(size) << 20))
    if not os.path.exists(path):
        print("writing", path, file=sys.stderr)
        command = ["cargo", "run", "-q", "--release", "--example", "generate", "--", "--bytes", size, "--out", path]
        subprocess.run(command, cwd=ROOT, check=True)
    # a file that is being written is not indexed
    os.utime(path, (time.time() - 3600,) * 2)
    return path


def zstd(path, there):
    program = (
        "import pyarrow as pa, shutil\n"
        "with open(%r, 'rb') as plain, pa.CompressedOutputStream(%r, 'zstd') as out: shutil.copyfileobj(plain, out, 1 << 24)" % (path, there)
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def parquet(path, there):
    # groups of some 30 MB, as data sets for training have them
    program = (
        "import duckdb, pyarrow.parquet as pq\n"
        "rows = duckdb.sql(\"select * from read_json('%s', format='newline_delimited', maximum_object_size=1000000000)\")\n"
        "rows = getattr(rows, 'to_arrow_reader', None) or rows.fetch_record_batch\n"
        "rows = rows(128)\n"
        "with pq.ParquetWriter('%s', rows.schema, compression='zstd', write_page_index=True) as out:\n"
        "    for batch in rows: out.write_batch(batch, row_group_size=128)" % (path, there)
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def warm(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


class Terminal:
    """A program on a pty. Reads what it writes and answers what it asks."""

    def __init__(self, command, env):
        self.bytes = 0
        self.text = b""
        gate_in, gate_out = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(gate_in, 1)
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        time.sleep(0.05)
        self.began = time.perf_counter()
        os.write(gate_out, b"x")
        os.close(gate_in)
        os.close(gate_out)

    def take(self, patience):
        """What comes within so many seconds; None when nothing does, or the program has ended."""
        if not select.select([self.fd], [], [], patience)[0]:
            return None
        try:
            new = os.read(self.fd, 1 << 20)
        except OSError:
            return None
        if b"\x1b[c" in new or b"\x1b[0c" in new:
            os.write(self.fd, ANSWER)
        if b"\x1b[6n" in new:
            os.write(self.fd, b"\x1b[1;1R")
        self.bytes += len(new)
        self.text += new
        return new

    def shows(self, count):
        """Milliseconds until so many records have been shown; None when they do not come."""
        until = time.perf_counter() + PATIENCE
        while time.perf_counter() < until:
            if ESCAPES.sub(b"", self.text).count(MARK) >= count:
                return (time.perf_counter() - self.began) * 1000
            if self.take(5) is None and not self.lives():
                return None
        return None

    def rest(self, quiet=0.4):
        """Waits until nothing is written for a while; some programs never stop."""
        until = time.perf_counter() + 10
        while time.perf_counter() < until and self.take(quiet) is not None:
            pass

    def press(self, key, quiet=0.12):
        """Milliseconds from a key to the first bytes and to the last of them, and how many bytes there are."""
        self.bytes = 0
        self.text = b""
        began = time.perf_counter()
        os.write(self.fd, key)
        if self.take(1.0) is None:
            return None
        first = last = time.perf_counter()
        while self.take(quiet) is not None:
            last = time.perf_counter()
        return (first - began) * 1000, (last - began) * 1000, self.bytes

    def lives(self):
        return os.path.exists("/proc/%d/fd/0" % self.pid)

    def status(self, name):
        total = 0
        for pid in tree(self.pid):
            try:
                with open("/proc/%d/status" % pid) as file:
                    found = re.search(name + r":\s+(\d+)", file.read())
                total += int(found[1]) if found else 0
            except OSError:
                pass
        return total / 1024

    def cpu(self):
        """Seconds of processor time so far."""
        with open("/proc/%d/stat" % self.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self, until):
        """Waits until the program has little to do: some look at the clock all the time."""
        before = -1.0
        while time.perf_counter() < until and (now := self.cpu()) - before > 0.1:
            before = now
            pause = time.perf_counter() + 2
            while time.perf_counter() < pause:
                self.take(0.1)

    def end(self):
        for pid in tree(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def tree(pid):
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        try:
            with open("/proc/%d/task/%d/children" % (found[-1], found[-1])) as file:
                todo += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return found


class Bench:
    def __init__(self, args):
        self.runs = args.runs
        self.hgview = args.hgview
        self.cache = tempfile.mkdtemp(prefix="hgview-peers-")
        self.env = {name: self.cache for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
        self.lines = []
        self.missing = []

    def has(self, program):
        if shutil.which(program):
            return True
        if program not in self.missing:
            self.missing.append(program)
        return False

    def say(self, what, size, ours, peer, theirs, goal):
        ratio = ours / theirs if theirs else float("nan")
        line = (what, size, ours, peer, theirs, ratio, goal)
        self.lines.append(line)
        print("%-44s %5s  %10.1f ms  %-34s %10.1f ms  %5.2fx  (goal %s)" % line, flush=True)

    def command(self, args, env=None):
        """Milliseconds of a whole process, and its peak of resident memory in MB."""
        began = time.perf_counter()
        process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(process.pid, 0)
        took = (time.perf_counter() - began) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            sys.exit("%s ended with %d" % (" ".join(args), process.returncode))
        return took, usage.ru_maxrss / 1024

    def pair(self, what, size, ours, theirs, goal, peer=None, written=()):
        """Two commands in turn; what they write is removed before."""
        mine, other = [], []
        for _ in range(self.runs):
            for path in written:
                if os.path.exists(path):
                    os.remove(path)
            mine.append(self.command([self.hgview, *ours], self.env)[0])
            other.append(self.command(theirs)[0])
        name = peer or " ".join(os.path.basename(part) for part in theirs[:2])
        self.say(what, size, statistics.median(mine), name, statistics.median(other), goal)

    def index(self, path):
        subprocess.run([self.hgview, "list", path], env={**os.environ, **self.env}, stdout=subprocess.DEVNULL, check=True)

    # --- what is measured

    def open(self, path, size):
        if not self.has("less"):
            return
        self.index(path)
        wanted = ROWS - 4
        cases = {"cold": [self.hgview, "--no-cache", path], "warm": [self.hgview, path], "less": ["less", "-S", path]}
        times = {name: [] for name in cases}
        for _ in range(self.runs):
            for name, command in cases.items():
                terminal = Terminal(command, self.env)
                times[name].append(terminal.shows(wanted if name != "less" else ROWS - 1))
                terminal.end()
        less = statistics.median(times["less"])
        self.say("first full screen, never seen", size, statistics.median(times["cold"]), "less -S", less, "1.2")
        self.say("first full screen, seen before", size, statistics.median(times["warm"]), "less -S", less, "1.2")

    def packed(self, path, size):
        """The first screen of the same records packed, beside that of the plain file."""
        found = {"jsonl": path}
        for ending, make in (("jsonl.zst", zstd), ("parquet", parquet)):
            # in a folder of their own: what lies beside data is looked at
            there = os.path.join(os.path.dirname(path), "packed", "%s.%s" % (os.path.basename(path)[: -len(".jsonl")], ending))
            os.makedirs(os.path.dirname(there), exist_ok=True)
            if not os.path.exists(there) and not make(path, there):
                self.missing.append(ending + " (pyarrow, duckdb)")
                continue
            os.utime(there, (time.time() - 3600,) * 2)
            found[ending] = there
        for what, flags in (("never seen", ["--no-cache"]), ("seen before", [])):
            times = {name: [] for name in found}
            for name, there in found.items():
                if not flags:
                    self.index(there)
                warm(there)
            for _ in range(self.runs):
                for name, there in found.items():
                    terminal = Terminal([self.hgview, *flags, there], self.env)
                    times[name].append(terminal.shows(ROWS - 4))
                    terminal.end()
            plain = statistics.median(times.pop("jsonl"))
            for name, took in times.items():
                self.say("first full screen of .%s, %s" % (name, what), size, statistics.median(took), "hgview, the same as .jsonl", plain, "2")

    def places(self, path, size):
        lines = subprocess.run(["wc", "-l", path], capture_output=True, check=True).stdout.split()[0].decode()
        self.pair("all places and the last record, never seen", size, ["show", "--no-cache", path, "--nth", lines], ["wc", "-l", path], "1.2")
        self.index(path)
        self.pair("the last record, seen before", size, ["show", path, "--nth", lines], ["wc", "-l", path], "50 ms")

    def fields(self, path, size):
        columns = "{'instance_id': 'VARCHAR', 'model': 'VARCHAR'}"
        duck = (
            "import duckdb; duckdb.sql(\"select count(instance_id), count(model) from read_json('%s', columns=%s, "
            "format='newline_delimited', maximum_object_size=1000000000)\").fetchall()" % (path, columns)
        )
        polars = (
            "import polars as pl; pl.scan_ndjson('%s', schema={'instance_id': pl.String, 'model': pl.String})"
            ".select(pl.col('instance_id').count(), pl.col('model').count()).collect()" % path
        )
        for name, program in (("duckdb", duck), ("polars", polars)):
            if subprocess.run([sys.executable, "-c", "import " + name], capture_output=True).returncode:
                self.missing.append(name)
                continue
            peer, what = [sys.executable, "-c", program], name + ", two columns"
            summary = ["list", "--no-cache", "--json", "--fields", "id,task,outcome,steps,tokens,cost,model", path]
            self.pair("all fields of the list, never seen", size, summary, peer, "0.5", what)
            self.pair("the whole list, with failures and verdicts, never seen", size, ["list", "--no-cache", path], peer, "-", what)

    def search(self, path, size):
        if not self.has("rg"):
            return
        for what, pattern, goal in (
            ("search, rare text", "Harbormaster_7", "1.3"),
            ("search, rare text in any case", "(?i)harbormaster_7", "1.3"),
            ("search, regular expression", r"Harbor(master|mistress)_[0-9]{3}\b", "1.5"),
        ):
            self.pair(what + ", never seen", size, ["search", "--no-cache", "-c", pattern, path], ["rg", "-c", pattern, path], goal, "rg -c")

    def export(self, path, size):
        half = os.path.join(self.cache, "half.jsonl")
        whole = os.path.join(self.cache, "whole.jsonl")
        query = ["--where", "resolved = true"]
        self.index(path)
        out = ["export", "--format", "raw", "--out", half, "--force", *query, path]
        done = subprocess.run([self.hgview, *out], env={**os.environ, **self.env}, capture_output=True, text=True)
        if done.returncode:
            sys.exit("export: " + done.stderr)
        # the source of the copy is the first export
        source = os.path.join(self.cache, "source.jsonl")
        os.rename(half, source)
        written = [half, half + ".manifest.json", os.path.splitext(half)[0] + ".manifest.json", whole]
        self.pair("export raw, a part, seen before", size, out, ["cp", source, whole], "1.3", "cp of as many bytes", written)
        for path in [source, *written]:
            if os.path.exists(path):
                os.remove(path)

    def memory(self, path, size):
        programs = {"hgview": [self.hgview, path], "less": ["less", "-S", path], "lnav": ["lnav", path], "jless": ["jless", path], "vd": ["vd", path]}
        found = {}
        for name, command in programs.items():
            is_small = os.path.getsize(path) < 2 << 30
            # these hold everything
            if name not in ("hgview", "less") and not (is_small and self.has(name)):
                continue
            terminal = Terminal(command, self.env)
            # not every program shows the records' ids at once, or at all
            terminal.rest(2.0)
            until = time.perf_counter() + PATIENCE
            terminal.settle(until)
            found[name] = terminal.status("VmHWM") - terminal.status("RssFile")
            idle = terminal.cpu()
            time.sleep(3)
            if name == "hgview":
                self.idle = (terminal.cpu() - idle) / 3 * 100
            terminal.end()
        for name, peak in found.items():
            if name == "hgview":
                continue
            ratio = found["hgview"] / peak
            self.lines.append(("peak memory of the explorer", size, found["hgview"], name, peak, ratio, "0.33" if name != "less" else "-"))
            print("%-44s %5s  %10.1f MB  %-34s %10.1f MB  %5.2fx" % ("peak memory", size, found["hgview"], name, peak, ratio))
        print("%-44s %5s  %10.2f %% of a processor, idle" % ("", size, self.idle))

    def records(self, folder, counts=(1_000, 1_000_000)):
        """What a record takes in memory, when all of it is known that the list shows."""
        peaks = []
        for count in counts:
            path = os.path.join(folder, "short-%d.jsonl" % count)
            if not os.path.exists(path):
                with open(path, "w") as file:
                    for nth in range(count):
                        row = {"instance_id": "tidepool__harbor-%d" % nth, "messages": [
                            {"role": "user", "content": "Moor it."}, {"role": "assistant", "content": "Moored, %d." % nth}]}
                        file.write(json.dumps(row) + "\n")
                os.utime(path, (time.time() - 3600,) * 2)
            terminal = Terminal([self.hgview, path], self.env)
            terminal.rest(2.0)
            terminal.settle(time.perf_counter() + PATIENCE)
            peaks.append(terminal.status("RssAnon"))
            terminal.end()
        each = (peaks[1] - peaks[0]) * (1 << 20) / (counts[1] - counts[0])
        told = "{:,} records, judged and hashed, take {:.0f} MB, {:,} take {:.0f} MB: {:.0f} bytes a record"
        line = told.format(counts[1], peaks[1], counts[0], peaks[0], each)
        print(line, flush=True)
        self.lines.append((line, "", None, "", None, None, ""))

    def keys(self, path, size):
        self.index(path)
        terminal = Terminal([self.hgview, path], self.env)
        terminal.shows(ROWS - 4)
        firsts, lasts, sizes = [], [], []
        terminal.rest()
        for screen in ("list", "trajectory"):
            if screen == "trajectory":
                terminal.press(b"\r", 0.5)
            for _ in range(60):
                pressed = terminal.press(b"j")
                if pressed:
                    firsts.append(pressed[0])
                    lasts.append(pressed[1])
                    sizes.append(pressed[2])
        terminal.end()
        firsts.sort()
        sizes.sort()
        at = lambda values, part: values[min(len(values) - 1, int(len(values) * part))]
        line = "a key to its frame: p50 %.1f ms, p99 %.1f ms; bytes p50 %d, p99 %d" % (at(firsts, 0.5), at(firsts, 0.99), at(sizes, 0.5), at(sizes, 0.99))
        print("%-44s %5s  %s" % ("", size, line), flush=True)
        self.lines.append((line, size, None, "", None, None, ""))


def version(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
        text = (done.stdout or done.stderr).strip().splitlines()
        return text[0] if text else ""
    except OSError:
        return ""


def machine():
    model = ""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    peers = [["less", "-V"], ["rg", "--version"], ["lnav", "-V"], ["jless", "--version"], ["vd", "--version"], ["cp", "--version"]]
    versions = [version(peer) for peer in peers if shutil.which(peer[0])]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    for module in ("duckdb", "polars"):
        found = version([sys.executable, "-c", "import %s as m; print(m.__name__, m.__version__)" % module])
        if found and "Error" not in found and "Traceback" not in found:
            versions.append(found)
    return "%d processors (%s), %.0f GB, Linux %s; %s" % (os.cpu_count(), model, memory, platform.release(), "; ".join(versions))


def rows_and_notes(lines):
    """Rows of the table and the sentences below it, by what they are about."""
    rows, notes = {}, {}
    for what, size, ours, peer, theirs, ratio, goal in lines:
        if ours is None:
            text = "%s%s." % (size + ": " if size else "", what)
            notes[subject(text)] = text
            continue
        unit = "MB" if what.startswith("peak") else "ms"
        cells = (what, size, "%.0f %s" % (ours, unit), peer, "%.0f %s" % (theirs, unit), "%.2f" % ratio, goal)
        rows[what, size, peer] = "| " + " | ".join(cells) + " |"
    return rows, notes


def subject(note):
    """What a sentence is about: its size and its words, without figures."""
    size, words = re.match(r"(\d+[MG]: )?(.*)", note).groups()
    return size, re.sub(r"\d[\d.,]*", "#", words)


def known_in(text):
    """The same of a table that was written before."""
    rows, notes = {}, {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 7 and cells[0] and set(cells[0]) != {"-"}:
            rows[cells[0], cells[1], cells[3]] = line
        elif line and not line.startswith("|") and " processors (" not in line:
            notes[subject(line)] = line
    return rows, notes


def table(rows, notes):
    head = ["| | data | hgview | peer | | ratio | goal |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows.values(), "", *notes.values()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100M,1G")
    parser.add_argument("--only", default=EVERYTHING)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", default=os.path.join(tempfile.gettempdir(), "hgview-bench"))
    parser.add_argument("--hgview", default=os.path.join(ROOT, "target", "release", "hgview"))
    parser.add_argument("--write", action="store_true", help="put what was measured into the table of README.md")
    args = parser.parse_args()
    os.makedirs(args.data, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bench = Bench(args)
    try:
        for size in args.sizes.split(","):
            path = data(args.data, size)
            warm(path)
            for what in args.only.split(","):
                if what != "records":
                    getattr(bench, what)(path, size)
        if "records" in args.only:
            bench.records(args.data)
    finally:
        shutil.rmtree(bench.cache, ignore_errors=True)
    missing = "" if not bench.missing else " Not installed, left out: %s." % ", ".join(sorted(set(bench.missing)))
    measured = rows_and_notes(bench.lines)
    tail_line = "\n\n%s%s\n" % (machine() + ".", missing)
    print("\n" + table(*measured) + tail_line)
    if args.write:
        readme = os.path.join(ROOT, "README.md")
        with open(readme) as file:
            old = file.read()
        begin, end = "<!-- peers -->\n", "<!-- /peers -->"
        if begin not in old:
            sys.exit("README.md has no place for the table")
        head, rest = old.split(begin, 1)
        before, tail = rest.split(end, 1)
        rows, notes = measured
        if args.only != EVERYTHING:
            # what was not measured this time stays as it was, and so do the words about the machine
            rows, notes = known_in(before)
            rows.update(measured[0])
            notes.update(measured[1])
            tail_line = "\n\n" + before.strip().splitlines()[-1] + "\n"
        text = table(rows, notes) + tail_line
        with open(readme, "w") as file:
            file.write(head + begin + "\n" + text + "\n" + end + tail)


if __name__ == "__main__":
    main()
