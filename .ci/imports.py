#!/usr/bin/env python3
"""Finds cycles of imports between the files of each crate of the workspace.

    .ci/imports.py [--edges] [--self-test]

A file imports another when a path in it (`crate::…`, `super::…`, `self::…`, or one that begins with
a name in scope) leads to an item that is defined there. Re-exports are followed to the file
that defines the item. `mod x;` and `pub use x::…` alone are not imports: a module may list
its children. It imports a child when its own code names one of the child's items.

Tests inside a file (`#[cfg(test)]`) do not count. Method calls are not detected, since that would need types.

Prints each cycle with the lines that make it. Ends with status 1 if there is one. `--edges` prints
all imports; `--self-test` checks this program on planted crates instead.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOKEN = re.compile(r"r#(?=[a-z])|[A-Za-z_]\w*|::|[{}()\[\];,*#!<>=]|\S")
NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'""",
    re.DOTALL)
ITEM = re.compile(
    r"\b(?:fn|struct|enum|union|trait|type|const|static|macro_rules!|mod)\s+(?:mut\s+)?([A-Za-z_]\w*)")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


class Module:
    """A module with its own file."""

    def __init__(self, path, file, parent):
        self.path, self.file, self.parent = path, file, parent
        self.children = {}
        self.items = set()
        self.uses = []   # (line, name in scope, path, is inside a function)
        self.globs = []  # (line, path)
        self.paths = []  # (line, path) in code
        self.words = set()  # identifiers in code that begin a path

    def is_inside(self, other):
        return self.path[:len(other.path)] == other.path


def blanked(text):
    """The text without comments or literals, with its lines."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def without_tests(text):
    """The code without items that are compiled only for tests."""
    result = []
    position = 0
    for match in re.finditer(r"#\[cfg\(test\)\]\s*", text):
        if match.start() < position:
            continue
        result.append(text[position:match.start()])
        position = end_of_item(text, match.end())
        result.append(re.sub(r"[^\n]", " ", text[match.start():position]))
    return "".join(result) + text[position:]


def end_of_item(text, start):
    depth = 0
    for match in re.compile(r"[{};]").finditer(text, start):
        if match[0] == ";" and depth == 0:
            return match.end()
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if match[0] == "}" and depth == 0:
            return match.end()
    return len(text)


def tokens(code):
    """Each token and its line."""
    line, position = 1, 0
    for match in TOKEN.finditer(code):
        line += code.count("\n", position, match.start())
        position = match.start()
        yield match[0], line


def load(file, path, parent, folder, modules):
    """Reads a file and the files of its modules, whose folder is `folder`."""
    module = Module(path, file, parent)
    modules[path] = module
    code = without_tests(blanked(file.read_text(encoding="utf-8")))
    original = file.read_text(encoding="utf-8")
    # `#[path = "…"]` is a literal.
    placed = dict((name, where) for where, name in
                  re.findall(r'#\[path = "([^"]+)"\]\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+);', original))
    for name in re.findall(r"\bmod\s+(\w+)\s*;", code):
        places = [folder / f"{name}.rs", folder / name / "mod.rs"]
        if name in placed:
            places = [file.parent / placed[name]]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            continue
        module.children[name] = path + (name,)
        load(found, path + (name,), module,
             found.parent if found.name == "mod.rs" else folder / name, modules)
    module.items = set(ITEM.findall(code)) - set(module.children)
    read(module, list(tokens(code)))


def read(module, stream):
    """Collects the paths of a file. Inside an inline module, `super` leads to the file itself."""
    at, depth, inline = 0, 0, []
    while at < len(stream):
        word, line = stream[at]
        if word == "{":
            depth += 1
        elif word == "}":
            depth -= 1
            while inline and inline[-1] > depth:
                inline.pop()
        elif word == "mod" and at + 2 < len(stream) and stream[at + 2][0] == "{":
            inline.append(depth + 1)
        elif word == "use" and (at == 0 or stream[at - 1][0] in "{};)]" or stream[at - 1][0] == "pub"):
            at = read_use(module, stream, at + 1, len(inline))
            continue
        elif IDENTIFIER.match(word) and (at == 0 or stream[at - 1][0] not in (".", "::", "'")):
            path = [word]
            while at + 2 < len(stream) and stream[at + 1][0] == "::" and IDENTIFIER.match(stream[at + 2][0]):
                path.append(stream[at + 2][0])
                at += 2
            if len(path) > 1 and path[0] not in ("use", "mod"):
                add_path(module, line, path, len(inline))
            module.words.add(path[0])
        at += 1


def add_path(module, line, path, inline):
    path = outward(path, inline)
    if path:
        module.paths.append((line, tuple(path)))


def outward(path, inline):
    """A path relative to the enclosing file instead of inline modules; None if it leads into an inline module."""
    path = list(path)
    if inline and path[0] == "self":
        return None
    while inline and path and path[0] == "super":
        path.pop(0)
        inline -= 1
    if not path:
        return None
    if path[0] in ("crate", "super", "self"):
        return path
    return ["self", *path] if inline == 0 and path[0] not in ("crate",) else path


def read_use(module, stream, at, inline):
    """Reads a tree of imports."""

    def tree(prefix, at):
        path, name = list(prefix), None
        while True:
            word, line = stream[at]
            if word == "{":
                at += 1
                while stream[at][0] != "}":
                    at = tree(path, at)
                    if stream[at][0] == ",":
                        at += 1
                return at + 1
            if word == "*":
                module_path = outward(path, inline)
                if module_path:
                    module.globs.append((line, tuple(module_path)))
                return at + 1
            if word == "as":
                name = stream[at + 1][0]
                at += 2
                continue
            if word in (",", "}", ";"):
                add(path, name, line)
                return at
            if word != "::":
                path.append(word)
            at += 1

    def add(path, name, line):
        if path and path[-1] == "self" and len(path) > 1:
            path = path[:-1]
        whole = outward(path, inline)
        if whole:
            module.uses.append((line, name or path[-1], tuple(whole)))

    at = tree([], at)
    while stream[at][0] != ";":
        at += 1
    return at + 1


class Crate:
    def __init__(self, root):
        self.modules = {}
        load(root, (), None, root.parent, self.modules)

    def resolve(self, module, path, seen=frozenset()):
        """The module that defines the item of a path, and whether the path leads to the module itself;
        None if it leads out of the crate."""
        path = list(path)
        if (module.path, tuple(path)) in seen:
            return None
        seen = seen | {(module.path, tuple(path))}
        if path[0] == "crate":
            return self.within(self.modules[()], path[1:], seen)
        if path[0] == "self":
            return self.within(module, path[1:], seen)
        if path[0] == "super":
            return module.parent and self.within(module.parent, path[1:], seen) if path[1:2] != ["super"] \
                else module.parent and self.resolve(module.parent, path[1:], seen)
        return self.within(module, path, seen)

    def within(self, module, path, seen):
        while path and path[0] in module.children:
            module = self.modules[module.children[path[0]]]
            path = path[1:]
        if not path:
            return module, True
        name, rest = path[0], path[1:]
        if name in module.items:
            return module, False
        for _, bound, target in module.uses:
            if bound == name:
                return self.resolve(module, [*target, *rest], seen)
        for _, target in module.globs:
            found = self.resolve(module, target, seen)
            if found and found[1] and found[0] is not module:
                inner = self.within(found[0], path, seen | {(module.path, tuple(path))}) \
                    if (found[0].path, tuple(path), "glob") not in seen else None
                if inner:
                    return inner
        return None

    def edges(self):
        """The files that each file imports, each with a line that imports it."""
        edges = defaultdict(dict)
        for module in self.modules.values():
            heads = module.words
            for line, bound, path in module.uses:
                found = self.resolve(module, path)
                if not found or found[0] is module:
                    continue
                target, is_module = found
                if is_module and any(head[0] in (bound,) for _, head in
                                     ((0, p[1:] if p[0] == "self" else p) for _, p in module.paths) if head):
                    continue  # only the names used through it count
                if target.is_inside(module) and bound not in heads:
                    continue
                edges[module][target] = line
            for line, path in module.globs:
                found = self.resolve(module, path)
                if found and found[0] is not module and not found[0].is_inside(module) and found[0].items:
                    edges[module][found[0]] = line
            for line, path in module.paths:
                found = self.resolve(module, path)
                if found and not found[1] and found[0] is not module:
                    edges[module].setdefault(found[0], line)
        return edges


def cycles(edges):
    """The sets of files that lead to each other (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in edges.get(node, {}):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = set()
            while node not in component:
                component.add(stack.pop())
            if len(component) > 1:
                found.append(component)

    for node in list(edges):
        if node not in index:
            visit(node)
    return found


def roots():
    """The first file of every crate of the workspace, tests and benchmarks too."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return sorted({Path(target["src_path"]) for package in metadata["packages"]
                   for target in package["targets"]})


def check(root, base, show_edges=False):
    edges = Crate(root).edges()

    def name(module):
        return module.file.relative_to(base)

    if show_edges:
        for module, targets in edges.items():
            for target, line in targets.items():
                print(f"{name(module)}:{line} imports {name(target)}")
    found = cycles(edges)
    for component in found:
        print(f"{len(component)} files import each other:", file=sys.stderr)
        for module in sorted(component, key=lambda module: module.file):
            for target, line in edges[module].items():
                if target in component:
                    print(f"  {name(module)}:{line} imports {name(target)}", file=sys.stderr)
    return not found


# Files of a crate, and whether they have a cycle.
PLANTED = [
    (True, {"lib.rs": "mod a; mod b;", "a.rs": "use crate::b::B; pub struct A(B);",
            "b.rs": "use crate::a::A; pub struct B(Box<A>);"}),
    (True, {"lib.rs": "mod a; mod b;", "a.rs": "pub struct A(super::b::B);",
            "b.rs": "use super::a; pub struct B(Box<a::A>);"}),
    (True, {"lib.rs": "mod a; mod b; mod c;", "a.rs": "use crate::{b::B}; pub struct A(B);",
            "b.rs": "use crate::c::*; pub struct B(Box<C>);",
            "c.rs": "use crate::a::A; pub struct C(A);"}),
    (True, {"lib.rs": "mod a; pub struct Root; fn f() { a::g(); }",
            "a.rs": "use super::Root; pub fn g() { Root; }"}),
    (True, {"lib.rs": "mod a; use a::g; pub struct Root; fn f() { g(); }",
            "a.rs": "use crate::Root; pub fn g() { Root; }"}),
    (True, {"lib.rs": "mod m; ", "m/mod.rs": "mod a; mod b; pub use a::A; pub use b::B;",
            "m/a.rs": "use super::B; pub struct A(B);", "m/b.rs": "use crate::m::A; pub struct B(A);"}),
    (False, {"lib.rs": "mod a; mod b; pub use a::A; pub struct Root;",
             "a.rs": "use super::Root; pub struct A(Root);", "b.rs": "use crate::A; fn f(_: A) {}"}),
    (False, {"lib.rs": "mod a; mod b;", "a.rs": "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }",
             "b.rs": "use crate::a::A; pub struct B(A);"}),
    (False, {"lib.rs": "mod a; mod b;", "a.rs": "// crate::b::B\npub const A: &str = \"crate::b::B\";",
             "b.rs": "use crate::a::A; pub struct B(A);"}),
    (False, {"lib.rs": "mod a; mod b;", "a.rs": "mod inner { use super::A; fn f(_: A) {} } pub struct A;",
             "b.rs": "use crate::a::A; pub struct B(A);"}),
]


def self_test():
    for number, (has_cycle, files) in enumerate(PLANTED):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                file = Path(folder, name)
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
            found = cycles(Crate(Path(folder, "lib.rs")).edges())
        if bool(found) != has_cycle:
            sys.exit(f"planted crate {number}: a cycle is {'not ' * has_cycle}found")


def main():
    if "--self-test" in sys.argv[1:]:
        self_test()
        return
    show_edges = "--edges" in sys.argv[1:]
    if not all([check(root, ROOT, show_edges) for root in roots()]):
        sys.exit(1)


main()
