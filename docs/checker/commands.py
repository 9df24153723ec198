"""Runs the commands in the fenced blocks of a page, and compares what they print with the page.

    console          lines that start with `$ ` are commands, the others their output: `…` stands
                     for the rest of a line, a line of only `…` for any lines. Without output, a
                     command must succeed
    sh               commands that must succeed
    (no language)    one of the two
    console REASON   not run, for this reason; `sh` too
    csv FILE         a file that later commands read; any language. If the repository has the file,
                     the check of names compares them

`<!-- run: COMMAND -->` in the page prepares what the next block needs.
"""

import re
import shutil
import subprocess
from collections import Counter

from checker.session import Session

# Commands that cannot run here, by program or by a word that the reader replaces.
SKIPPED = [
    (r"\baws (?!dynamodb)|\bpolicies/fill\b|^(logs|resource|invoke) ", "aws: needs an AWS account"),
    (r"\baws dynamodb (restore-|list-backups|update-continuous-backups)", "aws: the embedded DynamoDB has no backups"),
    (r"\bsam ", "sam: needs an AWS account"),
    (r"\bpip install\b|\brustup\b", "installs software"),
    (r"\bcargo bench\b", "cargo bench: takes minutes"),
    (r"\bcargo (?!run)", "cargo: builds and tests run elsewhere in the gate"),
    (r"\b(bench/(import|peers)|release)/|--release", "needs a release build"),
    (r"\b(clients/(run|asmx|servicestack)|events/emulate)\b|--start-directory bench|^\.ci/run", "run elsewhere in the gate"),
    (r"\b(sha256sum|unzip)\b", "needs the reader's files"),
    (r"\b(OLD_HOST|HOST|TARGET|ARN|HANDLE|EVENT|NAME|REGION|ID)\b(?!: )", "needs the reader's host or name"),
]
if shutil.which("aws") is None:
    SKIPPED.append((r"\baws ", "aws: not installed"))
REPLACED = {"USER": "jdoe", "BRAND": "brand", "ADDRESS": "a@example.com", "DATE": "2099-01-01", "TABLE": "Audit"}
# Both hosts of a comparison are the local program, without pauses between requests.
HOSTS = {
    r"^clients/compare --old https://OLD_HOST --new https://ID\.execute-api\.REGION\.amazonaws\.com$":
        "clients/compare --rate 0 --old http://127.0.0.1:3000 --new http://127.0.0.1:3000",
}
# Starts the local program, which does not end.
SERVER = re.compile(r"cargo run -p local(?: -- (--front-door))?")
# How a block of commands without a language begins.
PROGRAM = re.compile(r"(export|cargo|accounts|curl|aws|sam|pip|rustup|[.a-z]+/[a-z]+)( |$)")

# What a command prints if it fails, and only then.
FAILURE = re.compile(r"(?m)^error: |\b[1-9]\d* refused")

SAME = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\b127\.0\.0\.1:\d{5}\b", "127.0.0.1:PORT"),
    (r"[ \t]+", " "),
]


class Tally:
    """How many commands ran, and why the others did not."""

    def __init__(self):
        self.ran, self.skipped = 0, Counter()

    def report(self):
        lines = [f"{self.ran} commands ran, {sum(self.skipped.values())} were skipped:"]
        return "\n".join(lines + [f"{count:5} {reason}" for reason, count in self.skipped.most_common()])


def check(page, tally):
    """The mistakes of a page."""
    wrong = [f"{page.name}:{block.line}: {fault}" for block in page.blocks for fault in language_faults(block)]
    if not any(kind(block) for block in page.blocks):
        return wrong
    with Session() as session:
        run = Run(page, session, tally)
        for block in page.blocks:
            run.block(block)
    return wrong + run.wrong


def language_faults(block):
    """No block of commands may be left out by accident."""
    if block.info[:1] in (["bash"], ["shell"]):
        yield "use sh or console, whose commands are run"
    elif not block.info and not kind(block):
        yield "a block without commands needs a language, for example text"


class Run:
    """The commands of one page. What a skipped command defines is unknown to later ones."""

    def __init__(self, page, session, tally):
        self.page, self.session, self.tally = page, session, tally
        self.wrong, self.unknown, self.preparations = [], {}, page.preparations()

    def block(self, block):
        while self.preparations and self.preparations[0][0] < block.line:
            self.prepare(*self.preparations.pop(0))
        if not kind(block):
            if len(block.info) == 2 and not self.page.file_of(block):
                self.session.write(block.info[1], "\n".join(block.lines) + "\n")
            return
        for line, command, expected in commands(block):
            for hosts, local in HOSTS.items():
                command = re.sub(hosts, local, command)
            reason = " ".join(block.info[1:]) or reason_to_skip(command, self.unknown)
            if reason:
                self.tally.skipped[reason] += 1
                self.unknown.update(dict.fromkeys(defined(command), reason))
            else:
                self.tally.ran += 1
                self.command(line, filled(command), expected)

    def prepare(self, line, command):
        if not reason_to_skip(command, {}):
            self.unknown = {name: reason for name, reason in self.unknown.items() if name not in defined(command)}
            self.command(line, command, None)

    def command(self, line, command, expected):
        server = SERVER.fullmatch(command)
        result = self.session.serve(*filter(None, server.groups())) if server else self.session.run(command)
        fault = fault_of(result, expected)
        self.wrong += [f"{self.page.name}:{line}: {command}\n{fault}"] if fault else []


def kind(block):
    """`console`, `sh` or nothing."""
    if block.info[:1] in (["console"], ["sh"]):
        return block.info[0]
    if block.info or not block.lines:
        return None
    return "console" if block.lines[0].startswith("$ ") else "sh" if PROGRAM.match(block.lines[0]) else None


def commands(block):
    """Each command of a block, with its line and the output that is shown, or None."""
    lines = list(enumerate(block.lines, block.line + 1))
    while lines and kind(block):
        number, line = lines.pop(0)
        if kind(block) == "sh" and not line.strip():
            continue
        command = line.removeprefix("$ ")
        while lines and is_incomplete(command):
            command += "\n" + lines.pop(0)[1]
        expected = []
        while kind(block) == "console" and lines and not lines[0][1].startswith("$ "):
            expected.append(lines.pop(0)[1])
        yield number, command, expected or None


def is_incomplete(command):
    checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return command.endswith("\\") or checked.returncode != 0


def reason_to_skip(command, unknown):
    for pattern, reason in SKIPPED:
        if re.search(pattern, command, re.MULTILINE):
            return reason
    return next((reason for name, reason in unknown.items() if re.search(rf"(?<![\w-]){name}\b", command)), None)


def defined(command):
    """The functions and variables that a command defines."""
    return re.findall(r"(?m)^(\w+)\(\)", command) + re.findall(r"(?m)^(?:export )?(\w+)=\S", command)


def filled(command):
    return re.sub(r"\b(" + "|".join(REPLACED) + r")\b", lambda found: REPLACED[found[0]], command)


def fault_of(result, expected):
    output, code = result
    if expected is None:
        return None if code == 0 else f"  exit code {code}:\n{indented(output)}"
    if re.fullmatch(pattern_of(expected), plain(output)):
        has_failed = FAILURE.search("\n".join(expected)) is not None
        return None if has_failed == (code != 0) else f"  exit code {code}"
    return f"  the page shows:\n{indented(chr(10).join(expected))}\n  it prints:\n{indented(output)}"


def pattern_of(expected):
    parts = []
    for line in expected:
        if line.strip() == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(plain(part, whole=False)) for part in line.strip().split("…")) + r"\n")
    return "".join(parts)


def plain(text, whole=True):
    """Text without what differs in each run: times, ids, and the widths of columns."""
    for pattern, name in SAME:
        text = re.sub(pattern, name, text)
    if whole:
        text = "".join(f"{line.strip()}\n" for line in text.replace("\r", "").rstrip("\n").split("\n"))
    return text


def indented(text):
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
