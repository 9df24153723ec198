"""Checks that the subcommands and options in the documentation exist in the programs' help."""

import functools
import re
import subprocess

from checker.pages import ROOT

BINARIES = ROOT / "target/debug"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# Programs of the repository besides `accounts`: how their command lines begin, and the arguments that print their help.
PROGRAMS = {
    "cargo run -p local -- ": [BINARIES / "local", "--help"],
    "clients/compare ": [ROOT / "clients/compare", "--help"],
}
BENCHMARKS = "cargo bench -p bench --bench functions -- "


def check(page):
    """The mistakes of a page."""
    wrong = []
    for line, code in page.codes():
        wrong += [(line, fault) for fault in faults(code, OPTION.match(code))]
    for block in page.blocks:
        for number, text in enumerate(block.lines, block.line + 1):
            wrong += [(number, fault) for fault in faults(text.removeprefix("$ "), False)]
    return [f"{page.name}:{line}: {fault}" for line, fault in wrong]


def faults(code, is_bare):
    code = re.split(r"[|;&>]", code)[0]
    for beginning, help_command in PROGRAMS.items():
        if beginning in code:
            options = OPTION.findall(code.split(beginning)[1])
            yield from (f"no option {option}" for option in options if option not in options_in(tuple(help_command)))
    if code.startswith("accounts "):
        yield from faults_of_accounts(code)
    elif code.startswith(BENCHMARKS):
        words = code.removeprefix(BENCHMARKS).split()
        yield from (f"no benchmark or option {word}" for word in words if re.match(r"(--)?[a-z]", word)
                    and word not in benchmarks())
    elif is_bare:
        yield from [f"no program has the option {option}" for option in OPTION.findall(code) if option not in known()]


def faults_of_accounts(command):
    words = command.split()[1:]
    while words and words[0].startswith("--"):
        words = words[2:]
    path = []
    for word in words:
        if word not in subcommands(tuple(path)):
            break
        path.append(word)
    if words and not path and not words[0].isupper():
        yield f"accounts has no subcommand {words[0]}"
    for option in OPTION.findall(command):
        if option not in options(tuple(path)):
            yield f"`accounts {' '.join(path)}` has no option {option}".replace(" `", "`")


@functools.cache
def help_of(path):
    command = [BINARIES / "accounts", *path, "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def subcommands(path):
    listed = re.search(r"(?ms)^Commands:\n(.*?)\n\n", help_of(path))
    return set(re.findall(r"(?m)^  ([a-z][a-z-]*)  ", listed[1])) if listed else set()


@functools.cache
def options(path):
    return set(OPTION.findall(help_of(path)))


@functools.cache
def options_in(help_command):
    return set(OPTION.findall(subprocess.run(help_command, check=True, capture_output=True, text=True).stdout))


@functools.cache
def benchmarks():
    """The names and options of the benchmarks, from their code, because their help needs a release build."""
    code = (ROOT / "bench/benches/functions/main.rs").read_text()
    names = re.findall(r"(?m)^    ([A-Z]\w+),$", code.split("enum Subject {")[1].split("\n}")[0])
    fields = re.findall(r"#\[arg\(long.*\n    (\w+):", code)
    return {name.lower() for name in names} | {f"--{field}" for field in fields}


@functools.cache
def known():
    """The options of all programs."""
    found = benchmarks().union(*(options_in(tuple(command)) for command in PROGRAMS.values()))
    return found.union(*(options(path) for path in all_paths(())))


def all_paths(path):
    yield path
    for name in subcommands(path) - {"help"}:
        yield from all_paths((*path, name))
