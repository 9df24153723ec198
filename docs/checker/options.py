"""Checks that the subcommands and options in the documentation exist in the programs' help."""

import functools
import re
import subprocess

from checker.pages import ROOT

BINARIES = ROOT / "target/debug"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# Programs of the repository besides `accounts`, each with the arguments that print its help.
PROGRAMS = ([BINARIES / "local", "--help"], [ROOT / "clients/compare", "--help"])
# Options of the benchmarks, whose help is not available without a release build.
BENCHMARKS = {"--rounds", "--seconds", "--starts", "--users"}


def check(page):
    """The mistakes of a page."""
    wrong = []
    for line, code in page.codes():
        wrong += [(line, fault) for fault in faults(code, OPTION.match(code))]
    for block in page.blocks:
        for number, text in enumerate(block.lines, block.line + 1):
            command = re.match(r"(?:\$ )?(accounts .*)", text)
            wrong += [(number, fault) for fault in faults(command[1], False)] if command else []
    return [f"{page.name}:{line}: {fault}" for line, fault in wrong]


def faults(code, is_bare):
    if code.startswith("accounts "):
        yield from faults_of_accounts(re.split(r"[|;&>]", code)[0])
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
def known():
    """The options of all programs."""
    found = set(BENCHMARKS)
    for command in PROGRAMS:
        found.update(OPTION.findall(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return found.union(*(options(path) for path in all_paths(())))


def all_paths(path):
    yield path
    for name in subcommands(path) - {"help"}:
        yield from all_paths((*path, name))
