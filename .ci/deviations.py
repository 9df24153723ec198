#!/usr/bin/env python3
"""Checks docs/deviations.md: every row has a reason and names an existing case, event or test. Also checks that
clients/comparison/deviations.jsonl names existing rows."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/deviations.md"
COMPARISON = ROOT / "clients/comparison/deviations.jsonl"
DEFAULT_FILE = "tests/suite/flow.rs"
CORPORA = "functions/*/tests/corpus/*.jsonl"


def main():
    cases = {json.loads(line)["name"] for path in ROOT.glob(CORPORA) for line in path.read_text().splitlines() if line}
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = files.stdout.split("\n")
    tests = {}
    for file in files:
        if file.endswith(".rs") and (ROOT / file).exists():
            for name in re.findall(r"\bfn (\w+)\(", (ROOT / file).read_text()):
                tests.setdefault(name, []).append(file)
    wrong = [f"{COMPARISON.name} names a row that docs/deviations.md does not have: {row}" for row in compared() if not any(cells[0].startswith(row) for cells in rows())]
    for legacy, _, reason, evidence in rows():
        names = re.findall(r"`([^`]+)`", evidence)
        if not reason or not (names or evidence.startswith("the same")):
            wrong.append(f"no reason, or no case or test: {legacy}")
        wrong += [f"no case, file or test {name}: {legacy}" for name in names if not exists(name, cases | set(tests), files)]
        wrong += [f"{name} is in {tests[name]}, which the row must name: {legacy}" for name in names if name in tests and not is_found(tests[name], names)]
    print("\n".join(wrong))
    return 1 if wrong else 0


def compared():
    """The beginnings of rows that clients/comparison/deviations.jsonl names."""
    return {json.loads(line)["row"] for line in COMPARISON.read_text().splitlines() if line}


def is_found(files, names):
    """Whether one of the files is the default one or is named in a row."""
    where = [DEFAULT_FILE, *(name for name in names if name.endswith(".rs"))]
    return any(file.endswith(f"/{name}") or file == name for file in files for name in where)


def rows():
    """Cells of the tables of both services; the third table is about API Gateway."""
    services = DOCUMENT.read_text().split("\n## What a gateway changes")[0]
    for line in services.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and not cells[0].startswith(("-", "legacy")):
            yield cells


def exists(name, names, files):
    """Whether a case, test or file with this name exists; `…/` stands for a folder."""
    return name in names or any(file.endswith("/" + name.removeprefix("…/").removeprefix("events/…/")) or file == name for file in files)


if __name__ == "__main__":
    sys.exit(main())
