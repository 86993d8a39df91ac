#!/usr/bin/env python3
"""Compares hgview's resolution of Python calls with jedi's `goto`, over packages taken at run time.

    cargo build --release --example python_calls
    python3 examples/python/compare_calls.py --work /tmp/calls [--set tuned|held|all] [--show 20]

Each package stands in a folder of its own below --work: standard library packages are copied from the Python that
runs this script, others come as wheels from PyPI (`pip download --no-deps`). Jedi's answers are kept there as JSON, as
it takes minutes to hours; ours are made anew.

What is compared: for every call, bare decorator and `raise X` whose callee is a name or an attribute, the functions and
classes of the package that the callee means. A dependency is a pair (function or module that calls, definition that is
called); recall is the share of jedi's that we have, precision the share of ours that jedi has. Where `goto` ends at an
assignment, its `infer` decides (an alias), as our side follows aliases too. Differences are listed by cause.

Needs jedi (`pip install jedi==0.20.0`).
"""

import argparse
import ast
import collections
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile

# Rules were made by looking at the differences in the first, never at those in the second.
TUNED = ["std:email", "std:unittest", "pypi:click==8.1.8", "pypi:jinja2==3.1.6", "pypi:requests==2.32.3"]
HELD = [
    "std:asyncio",
    "std:logging",
    "std:http",
    "std:json",
    "std:argparse",
    "pypi:flask==3.1.0",
    "pypi:attrs==25.3.0",
    "pypi:rich==14.0.0",
    "pypi:werkzeug==3.1.3",
    "pypi:starlette==0.46.2",
    "pypi:marshmallow==3.26.1",
]

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
        lib = sysconfig.get_path("stdlib")
        path = os.path.join(lib, name)
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
                yield os.path.join(folder, name)


class Calls(ast.NodeVisitor):
    """The places (line, byte column) of the names that are called, with the line of the function around them."""

    def __init__(self):
        self.found = []
        self.around = [0]

    def add(self, callee, kind):
        if isinstance(callee, ast.Name):
            self.found.append((callee.lineno, callee.col_offset, callee.id, kind, self.around[-1]))
        elif isinstance(callee, ast.Attribute):
            column = callee.end_col_offset - len(callee.attr.encode())
            self.found.append((callee.end_lineno, column, callee.attr, kind, self.around[-1]))

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
        self.around.append(node.lineno)
        for decorator in node.decorator_list:
            self.add(decorator, "decorator")
            self.visit(decorator)
        self.around.pop()
        self.visit(node.args)
        if node.returns is not None:
            self.visit(node.returns)
        self.around.append(node.lineno)
        for statement in node.body:
            self.visit(statement)
        self.around.pop()

    visit_AsyncFunctionDef = visit_FunctionDef


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


def definitions_of(root):
    """All functions and classes, by place and by full name."""
    found = {"by_line": {}, "by_name": {}}
    for path in sources(root):
        below = os.path.relpath(path, root)
        module = below[:-3].replace(os.sep, ".").removesuffix(".__init__")
        with open(path, "rb") as file:
            try:
                tree = ast.parse(file.read())
            except (SyntaxError, ValueError):
                continue
        waiting = [(module, tree)]
        while waiting:
            around, node = waiting.pop()
            for child in ast.iter_child_nodes(node):
                name = around
                if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    name = f"{around}.{child.name}"
                    found["by_line"][below, child.lineno] = child.name
                    found["by_name"][name] = (below, child.lineno)
                waiting.append((name, child))
    return found


def ask_jedi(job):
    """Jedi's answers for one file: [line, column, name, kind, caller, targets by goto, targets by infer]."""
    import jedi

    root, path, definitions = job
    with open(path, encoding="utf-8") as file:
        text = file.read()
    calls = Calls()
    calls.visit(ast.parse(text))
    lines = text.split("\n")
    project = jedi.Project(root)
    script = jedi.Script(text, path=path, project=project, environment=jedi.InterpreterEnvironment())
    rows = []
    for line, column, name, kind, around in calls.found:
        chars = len(lines[line - 1].encode()[:column].decode(errors="replace"))
        inferred = []
        try:
            names = script.goto(line, chars, follow_imports=True)
            direct = targets_of(names, root, definitions)
            if not direct and any(name.type in ("statement", "param", "instance") for name in names):
                inferred = targets_of(script.infer(line, chars), root, definitions)
        except Exception as error:  # jedi's own faults: told, never an answer
            rows.append([line, column, name, kind, around, [], [], repr(error)[:80]])
            continue
        rows.append([line, column, name, kind, around, direct, inferred, None])
    return os.path.relpath(path, root), rows


def jedi_answers(package, root, work):
    kept = os.path.join(work, package.replace(":", "-") + ".jedi.json")
    if os.path.exists(kept):
        with open(kept) as file:
            return json.load(file)
    definitions = definitions_of(root)
    jobs = [(root, path, definitions) for path in sources(root)]
    start = time.time()
    answers = {}
    with multiprocessing.Pool(2, maxtasksperchild=8) as pool:
        for path, rows in pool.imap_unordered(ask_jedi, jobs):
            answers[path] = rows
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
        answers[row["file"], row["line"], row["column"], row["via"]] = targets
    return answers


def compare(answers, ours):
    """The dependencies of both, with the calls that make them."""
    theirs, own, aliases = (collections.defaultdict(list) for _ in range(3))
    for file, rows in answers.items():
        for line, column, name, kind, around, direct, inferred, _ in rows:
            place = (file, line, column, name, kind)
            for target in direct:
                theirs[(file, around), tuple(target)].append(place)
            for target in inferred:
                aliases[(file, around), tuple(target)].append(place)
            for target in ours.get((file, line, column, kind), []):
                own[(file, around), tuple(target)].append(place)
    return theirs, own, aliases


def call_text(root, place):
    file, line, column, _, _ = place
    with open(os.path.join(root, file), encoding="utf-8") as source:
        return source.read().split("\n")[line - 1].strip()[:100]


def form(root, place):
    """What kind of callee it is: the cause by which differences are counted."""
    file, line, column, name, kind = place
    with open(os.path.join(root, file), "rb") as source:
        before = source.read().split(b"\n")[line - 1][:column].decode(errors="replace").rstrip()
    if not before.endswith("."):
        return "name"
    before = before[:-1]
    if before.endswith(("self", "cls")):
        return "self.f()"
    if before.endswith(")"):
        return "super().f()" if before.endswith("super()") else "g().f()"
    if before.endswith("]"):
        return "x[…].f()"
    tail = before.replace("self.", "self:").split()[-1] if before.split() else ""
    if "self:" in tail:
        return "self.x.f()"
    return "x.f()"


def report(package, root, answers, ours, show):
    theirs, own, aliases = compare(answers, ours)
    both = theirs.keys() & own.keys()
    extra = own.keys() - theirs.keys() - aliases.keys()
    followed = (own.keys() & aliases.keys()) - theirs.keys()
    missing = theirs.keys() - own.keys()
    for title, keys, places in [("missing", missing, theirs), ("extra", extra, own)]:
        for key in sorted(keys)[:show]:
            place = places[key][0]
            (file, line), callee = key[1], place[3]
            kind = form(root, place)
            print(f"  {title} [{kind}] {place[0]}:{place[1]}: {call_text(root, place)}  -> {callee} {file}:{line}")
    calls = sum(len(rows) for rows in answers.values())
    lost = collections.Counter(form(root, theirs[key][0]) for key in missing)
    gained = collections.Counter(form(root, own[key][0]) for key in extra)
    return {
        "package": package,
        "calls": calls,
        "jedi": len(theirs),
        "ours": len(own),
        "both": len(both),
        "aliases": len(followed),
        "extra": len(extra),
        "missing": len(missing),
        "lost": lost,
        "gained": gained,
    }


def total(name, rows):
    count = {key: sum(row[key] for row in rows) for key in ("calls", "jedi", "ours", "both", "aliases", "extra", "missing")}
    lost, gained = (sum((row[key] for row in rows), collections.Counter()) for key in ("lost", "gained"))
    return {"package": name, **count, "lost": lost, "gained": gained}


def line_of(row):
    right = row["both"] + row["aliases"]
    precision = right / max(1, right + row["extra"])
    recall = row["both"] / max(1, row["jedi"])
    return (
        f"{row['package']:24} {row['calls']:7} calls  jedi {row['jedi']:6}  ours {row['ours']:6}  aliases {row['aliases']:4}"
        f"  precision {precision:.3f}  recall {recall:.3f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--work", required=True, help="folder for packages and jedi's answers")
    parser.add_argument("--set", choices=["tuned", "held", "all"], default="all")
    parser.add_argument("--only", help="one package")
    parser.add_argument("--binary", default="target/release/examples/python_calls")
    parser.add_argument("--show", type=int, default=0, help="differences to print of each package")
    options = parser.parse_args()
    sets = {"tuned": [("tuned", TUNED)], "held": [("held", HELD)], "all": [("tuned", TUNED), ("held", HELD)]}
    totals = []
    for name, packages in sets[options.set]:
        rows = []
        for package in packages:
            if options.only and options.only not in package:
                continue
            root = fetch(package, options.work)
            answers = jedi_answers(package, root, options.work)
            row = report(package, root, answers, our_answers(options.binary, root), options.show)
            print(line_of(row), flush=True)
            rows.append(row)
        totals.append(total(name, rows))
    for row in totals:
        print(line_of(row))
        print("  missing by callee:", dict(row["lost"].most_common()))
        print("  extra by callee:  ", dict(row["gained"].most_common()))


if __name__ == "__main__":
    main()
