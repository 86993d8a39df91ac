#!/usr/bin/env python3
"""Compares hgview's resolution of Python calls with jedi's `goto`, and writes the table of the README.

    cargo build --release --example calls
    python3 benches/calls.py --work /tmp/calls                     # asks jedi, prints the tables
    python3 benches/calls.py --work /tmp/calls --write             # into README.md
    python3 benches/calls.py --work /tmp/calls --only json --show 20

Packages are taken at run time: those of the standard library from the Python that runs this, others as wheels from PyPI
(`pip download --no-deps`); what cannot be had is told and left out. Each stands in a folder of its own below --work,
with jedi's answers beside it, as it takes minutes to hours: what was asked before is not asked again.

What is compared. Of each package --sample functions are drawn (seeded; all with `--sample 0`) from those that stand in
no other function and whose name does not begin with an underscore. Of each, and of what is defined in it, every call,
bare decorator and bare `raise X` counts whose callee is a name or an attribute. A dependency is a function (file, line of
its `def`) with a function or class of the same package (file, line of its `def` or `class`) that such a call means.
Jedi's dependencies are those of `goto(follow_imports=True)`; precision is the share of ours that it has, recall the
share of its that we have. Where `goto` ends at an assignment its `infer` decides whether ours is right (an alias).

Differences are counted by cause. Those that somebody looked up in the sources stand in benches/calls.json: package, call,
definition, who is right, why.

Needs jedi (`pip install jedi==0.20.0`).
"""

import argparse
import ast
import collections
import json
import multiprocessing
import os
import platform
import random
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CHECKED = os.path.join(HERE, "calls.json")
SEED = 7

# Rules were made, and mended, by looking at differences in these …
LOOKED_AT = [
    "std:argparse",
    "std:asyncio",
    "std:email",
    "std:http",
    "std:json",
    "std:logging",
    "std:unittest",
    "pypi:attrs==25.3.0",
    "pypi:click==8.1.8",
    "pypi:flask==3.1.0",
    "pypi:jinja2==3.1.6",
    "pypi:marshmallow==3.26.1",
    "pypi:requests==2.32.3",
    "pypi:rich==14.0.0",
    "pypi:starlette==0.46.2",
    "pypi:werkzeug==3.1.3",
]
# … and not in these.
NOT_LOOKED_AT = [
    "std:importlib",
    "std:xml",
    "pypi:docutils==0.21.2",
    "pypi:httpx==0.28.1",
    "pypi:pytest==8.3.5",
    "pypi:tqdm==4.67.1",
]
SETS = [("looked at while rules were made", LOOKED_AT), ("not looked at while rules were made", NOT_LOOKED_AT)]


def fetch(package, work):
    """The folder that holds the package, fetched where it is not there."""
    source, name = package.split(":")
    root = os.path.join(work, "packages", name.replace("==", "-"))
    if os.path.isdir(root):
        return root
    part = root + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    if source == "std":
        path = os.path.join(sysconfig.get_path("stdlib"), name)
        if os.path.isdir(path):
            skip = shutil.ignore_patterns("__pycache__", "test", "tests")
            shutil.copytree(path, os.path.join(part, name), ignore=skip)
        else:
            shutil.copy(path + ".py", part)
    else:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", part, name]
        subprocess.run(pip, check=True)
        for wheel in os.listdir(part):
            with zipfile.ZipFile(os.path.join(part, wheel)) as archive:
                archive.extractall(part)
            os.remove(os.path.join(part, wheel))
    os.rename(part, root)
    return root


def sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(".dist-info"))
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, name), root)


def parsed(root, file):
    with open(os.path.join(root, file), "rb") as source:
        try:
            return ast.parse(source.read())
        except (SyntaxError, ValueError):
            return ast.Module([], [])


class Calls(ast.NodeVisitor):
    """Places of the names that are called: (line, byte column, kind), by the line of the outermost function around."""

    def __init__(self):
        self.found = []
        self.outermost = None
        self.functions = []
        # what the base of a callee is, for the causes
        self.bases = {}
        self.parameters = []

    def add(self, callee, kind):
        if self.outermost is None:
            return
        if isinstance(callee, ast.Name):
            place = (callee.lineno, callee.col_offset, kind)
        elif isinstance(callee, ast.Attribute):
            place = (callee.end_lineno, callee.end_col_offset - len(callee.attr.encode()), kind)
        else:
            return
        self.found.append((place, self.outermost))
        self.bases[place] = self.base_of(callee)

    def base_of(self, callee):
        """What the callee is read from, in the words of the table."""
        if isinstance(callee, ast.Name):
            return "a name"
        value = callee.value
        is_direct = True
        while not isinstance(value, ast.Name):
            if isinstance(value, (ast.Call, ast.Await)):
                function = getattr(value, "func", None)
                is_super = isinstance(function, ast.Name) and function.id == "super"
                return "a method of `super()`" if is_super else "a method of what a call gives"
            if isinstance(value, ast.Subscript):
                return "a method of an element"
            if not isinstance(value, ast.Attribute):
                return "a method of some other expression"
            value = value.value
            is_direct = False
        for own, untyped in reversed(self.parameters):
            if value.id == own:
                return "a method of `self`" if is_direct else "a method of an attribute of `self`"
            if value.id in untyped:
                return "a method of a parameter that has no type"
        return "a method of another name"

    def visit_Call(self, node):
        self.add(node.func, "call")
        self.generic_visit(node)

    def visit_Raise(self, node):
        if node.exc is not None:
            self.add(node.exc, "raise")
        self.generic_visit(node)

    def visit_ClassDef(self, node):
        for decorator in node.decorator_list:
            self.add(decorator, "decorator")
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        is_outermost = self.outermost is None
        if is_outermost:
            self.outermost = node.lineno
            self.functions.append((node.lineno, node.name))
        for decorator in node.decorator_list:
            self.add(decorator, "decorator")
            self.visit(decorator)
        # defaults and annotations are evaluated by what the function stands in
        self.outermost = None if is_outermost else self.outermost
        self.visit(node.args)
        if node.returns is not None:
            self.visit(node.returns)
        self.outermost = node.lineno if is_outermost else self.outermost
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = every[0].arg if every and every[0].arg in ("self", "cls", "mcs", "mcls") else None
        self.parameters.append((own, {one.arg for one in every if one.annotation is None and one.arg != own}))
        for statement in node.body:
            self.visit(statement)
        self.parameters.pop()
        if is_outermost:
            self.outermost = None

    visit_AsyncFunctionDef = visit_FunctionDef


def drawn(root, sample):
    """The functions that are compared, and their calls by file: place → outermost function's line; what they are read from."""
    functions, calls, bases = [], {}, {}
    for file in sources(root):
        seen = Calls()
        seen.visit(parsed(root, file))
        functions += [(file, line) for line, name in seen.functions if not name.startswith("_")]
        calls[file], bases[file] = seen.found, seen.bases
    if sample and len(functions) > sample:
        functions = sorted(random.Random(SEED).sample(functions, sample))
    wanted = set(functions)
    kept = {file: {place: line for place, line in found if (file, line) in wanted} for file, found in calls.items()}
    return functions, {file: found for file, found in kept.items() if found}, bases


def definitions_of(root):
    """All functions and classes, by place and by full name."""
    found = {"by_line": {}, "by_name": {}}
    for file in sources(root):
        module = file[:-3].replace(os.sep, ".").removesuffix(".__init__")
        waiting = [(module, parsed(root, file))]
        while waiting:
            around, node = waiting.pop()
            for child in ast.iter_child_nodes(node):
                name = around
                if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    name = f"{around}.{child.name}"
                    found["by_line"][file, child.lineno] = child.name
                    found["by_name"][name] = (file, child.lineno)
                waiting.append((name, child))
    return found


def targets_of(names, root, definitions):
    """The functions and classes of the package among jedi's names."""
    found = set()
    for name in names:
        # a parameter stands on the line of its function, too
        if name.module_path is None or name.type not in ("function", "class", "property"):
            continue
        path = os.path.relpath(str(name.module_path), root)
        if (path, name.line) in definitions["by_line"]:
            found.add((path, name.line))
        elif path.endswith(".pyi") and name.full_name in definitions["by_name"]:
            # of packages of the standard library jedi knows stubs, and prefers them
            found.add(definitions["by_name"][name.full_name])
    return sorted(found)


def ask_jedi(job):
    """Jedi's answers for calls of one file, by place: targets by goto, targets by infer, jedi's own fault."""
    import jedi

    root, file, places, definitions = job
    with open(os.path.join(root, file), encoding="utf-8") as source:
        text = source.read()
    lines = text.split("\n")
    project = jedi.Project(root)
    script = jedi.Script(text, path=os.path.join(root, file), project=project, environment=jedi.InterpreterEnvironment())
    answers = {}
    for line, column, kind in places:
        chars = len(lines[line - 1].encode()[:column].decode(errors="replace"))
        inferred = []
        try:
            names = script.goto(line, chars, follow_imports=True)
            direct = targets_of(names, root, definitions)
            if not direct and any(name.type in ("statement", "param", "instance") for name in names):
                inferred = targets_of(script.infer(line, chars), root, definitions)
        except Exception as error:  # jedi's own faults: told, never an answer
            answers[line, column, kind] = ([], [], repr(error)[:80])
            continue
        answers[line, column, kind] = (direct, inferred, None)
    return file, answers


def key_of(file, place):
    return "%s:%d:%d:%s" % (file, *place)


def jedi_answers(package, root, calls, work):
    """Jedi's answers by [key_of]; kept in the folder for the next time."""
    kept = os.path.join(work, package.replace(":", "-") + ".answers.json")
    answers = {}
    if os.path.exists(kept):
        with open(kept) as file:
            answers = json.load(file)
    asked = {file: [place for place in found if key_of(file, place) not in answers] for file, found in calls.items()}
    definitions = definitions_of(root)
    # in pieces, so that a long file does not keep one core busy to the end
    jobs = [
        (root, file, places[at : at + 200], definitions)
        for file, places in asked.items()
        for at in range(0, len(places), 200)
    ]
    if not jobs:
        return answers
    start = time.time()
    with multiprocessing.Pool(2, maxtasksperchild=8) as pool:
        for file, found in pool.imap_unordered(ask_jedi, jobs):
            answers.update({key_of(file, place): answer for place, answer in found.items()})
    print(f"{package}: jedi took {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    with open(kept + ".part", "w") as file:
        json.dump(answers, file)
    os.rename(kept + ".part", kept)
    return answers


def our_answers(binary, root):
    lines = subprocess.run([binary, "calls", root], check=True, capture_output=True, text=True).stdout.splitlines()
    answers = {}
    for row in map(json.loads, lines):
        targets = [(target["file"], target["line"]) for target in row["targets"]]
        answers[row["file"], (row["line"], row["column"], row["via"])] = targets
    return answers


def checked():
    """What was looked up: (package, call, definition) → (who is right, why)."""
    if not os.path.exists(CHECKED):
        return {}
    with open(CHECKED) as file:
        return {tuple(row[:3]): (row[3], row[4]) for row in json.load(file)}


def call_text(root, file, place):
    with open(os.path.join(root, file), encoding="utf-8") as source:
        return source.read().split("\n")[place[0] - 1].strip()[:100]


class Comparison:
    """A package compared: counts, and the differences with the first call that makes each."""

    def __init__(self, package, root, sample, work, binary):
        self.package, self.root = package, root
        self.functions, calls, self.bases = drawn(root, sample)
        self.calls = sum(map(len, calls.values()))
        jedi = jedi_answers(package, root, calls, work)
        ours = our_answers(binary, root)
        theirs, own, aliases = {}, {}, set()
        # functions and calls of which jedi says at all what they mean
        self.answered = collections.defaultdict(set)
        for file, found in calls.items():
            for place, line in sorted(found.items()):
                direct, inferred, _ = jedi[key_of(file, place)]
                for target in direct:
                    theirs.setdefault(((file, line), tuple(target)), (file, place))
                    self.answered[file, line].add(tuple(target))
                aliases |= {((file, line), tuple(target)) for target in inferred}
                for target in ours.get((file, place), []):
                    own.setdefault(((file, line), tuple(target)), (file, place))
        self.jedi = jedi
        self.theirs, self.own = theirs, own
        self.both = len(theirs.keys() & own.keys())
        self.aliases = len((own.keys() & aliases) - theirs.keys())
        self.extra = sorted(own.keys() - theirs.keys() - aliases)
        self.missing = sorted(theirs.keys() - own.keys())

    def cause(self, difference, is_extra):
        file, place = (self.own if is_extra else self.theirs)[difference]
        form = self.bases[file].get(place, "a name")
        if not is_extra:
            return form
        direct = self.jedi[key_of(file, place)][0]
        return f"{form}: jedi finds another definition" if direct else f"{form}: jedi finds none in the package"

    def row_of(self, difference, is_extra):
        """As it stands in the file of what was looked up."""
        file, place = (self.own if is_extra else self.theirs)[difference]
        return (self.package, "%s:%d:%d" % (file, place[0], place[1]), "%s:%d" % difference[1])


def counted(rows):
    """Counts of several comparisons: functions, calls, jedi's, ours, both, aliases, ours alone."""
    take = [
        [len(row.functions), row.calls, len(row.theirs), len(row.own), row.both, row.aliases, len(row.extra)] for row in rows
    ]
    return [sum(column) for column in zip(*take)] if take else [0] * 7


def cells(name, counts):
    functions, calls, jedi, ours, both, aliases, extra = counts
    right = both + aliases
    precision, recall = right / max(1, right + extra), both / max(1, jedi)
    numbers = [f"{number:,}" for number in (functions, calls, jedi, ours)]
    return [name, *numbers, f"{precision:.3f}", f"{recall:.3f}"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def differences(rows, is_extra, known):
    """Counts by cause, with how many were looked up and who was right."""
    counts, verdicts = collections.Counter(), collections.defaultdict(collections.Counter)
    for row in rows:
        for difference in row.extra if is_extra else row.missing:
            cause = row.cause(difference, is_extra)
            counts[cause] += 1
            verdict = known.get(row.row_of(difference, is_extra))
            if verdict:
                verdicts[cause][verdict[0]] += 1
    lines = []
    for cause, count in counts.most_common():
        seen = verdicts[cause]
        told = ", ".join(f"{number} {who}" for who, number in sorted(seen.items())) or "none"
        lines.append([cause, f"{count:,}", told])
    return lines


def machine():
    import jedi

    return f"jedi {jedi.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def text_of(sets, known, options):
    functions = f"up to {options.sample} functions of each, drawn with seed {SEED}" if options.sample else "all functions"
    parts = [f"{functions}; {machine()}. Each call is one that stands in such a function.\n"]
    every = [row for _, rows in sets for row in rows]
    lines = []
    for name, rows in sets:
        lines += [cells(row.package.partition(":")[2].replace("==", " "), counted([row])) for row in rows]
        lines.append(cells(f"**{name}**", counted(rows)))
    lines.append(cells("**all**", counted(every)))
    parts.append(table(["package", "functions", "calls", "jedi's", "ours", "precision", "recall"], lines) + "\n")
    for title, is_extra in (("jedi has it, hgview has not", False), ("hgview has it, jedi has not", True)):
        lines = differences(every, is_extra, known)
        parts.append(table([title, "dependencies", "looked up: who is right"], lines) + "\n")
    whys = collections.Counter()
    for row in every:
        for is_extra in (False, True):
            for difference in row.extra if is_extra else row.missing:
                verdict = known.get(row.row_of(difference, is_extra))
                if verdict:
                    whys[f"{verdict[0]} right", verdict[1]] += 1
    if whys:
        lines = [[who, why, str(number)] for (who, why), number in whys.most_common()]
        parts.append(table(["looked up", "cause", "dependencies"], lines) + "\n")
    return "\n".join(parts)


def write(text):
    path = os.path.join(ROOT, "README.md")
    begin, end = "<!-- calls -->", "<!-- /calls -->"
    with open(path, encoding="utf-8") as file:
        head, rest = file.read().split(begin)
        tail = rest.split(end)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + text + end + tail)


def show(row, limit, known):
    for is_extra in (False, True):
        for difference in (row.extra if is_extra else row.missing)[:limit]:
            file, place = (row.own if is_extra else row.theirs)[difference]
            title = "ours alone" if is_extra else "jedi's alone"
            verdict = known.get(row.row_of(difference, is_extra), ("",))[0]
            target = "%s:%d" % difference[1]
            text = call_text(row.root, file, place)
            print(f"  {title} [{row.cause(difference, is_extra)}] {file}:{place[0]}:{place[1]}: {text} -> {target} {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--work", required=True, help="folder for packages and jedi's answers")
    parser.add_argument("--only", help="packages with this in their name")
    parser.add_argument("--sample", type=int, default=300, help="functions of each package; 0: all")
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/examples/calls"))
    parser.add_argument("--show", type=int, default=0, help="differences to print of each package")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    options = parser.parse_args()
    known = checked()
    sets = []
    for name, packages in SETS:
        rows = []
        for package in packages:
            if options.only and options.only not in package:
                continue
            try:
                root = fetch(package, options.work)
            except (OSError, subprocess.CalledProcessError, zipfile.BadZipFile) as error:
                print(f"{package} is left out: {error}", file=sys.stderr)
                continue
            rows.append(Comparison(package, root, options.sample, options.work, options.binary))
            print(" | ".join(cells(package, counted(rows[-1:]))), file=sys.stderr, flush=True)
            show(rows[-1], options.show, known)
        if rows:
            sets.append((name, rows))
    text = text_of(sets, known, options)
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
