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
    "pypi:networkx==3.4.2",
]
MOST_CALLS = 6_000


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
        if "tests" in folders and "networkx" in folder:
            folders.remove("tests")
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
    """The functions and classes of the package among jedi's names, and whether there were others."""
    found = set()
    for name in names:
        if name.module_path is None:
            continue
        path = os.path.relpath(str(name.module_path), root)
        if not path.startswith("..") and (path, name.line) in definitions:
            found.add((path, name.line))
    return sorted(found)


def definitions_of(root):
    found = {}
    for path in sources(root):
        with open(path, "rb") as file:
            try:
                tree = ast.parse(file.read())
            except (SyntaxError, ValueError):
                continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found[os.path.relpath(path, root), node.lineno] = node.name
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
                types = {n.type for n in script.infer(line, chars)}
                if not types <= {"function", "class"}:
                    inferred = []
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


if __name__ == "__main__":
    for p in sys.argv[2:]:
        jedi_answers(p, fetch(p, sys.argv[1]), sys.argv[1])
