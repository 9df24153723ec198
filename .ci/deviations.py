#!/usr/bin/env python3
"""Checks docs/deviations.md: every row has a reason, and a case, event or test that exists."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/deviations.md"
CORPORA = "functions/*/tests/corpus/*.jsonl"


def main():
    cases = {json.loads(line)["name"] for path in ROOT.glob(CORPORA) for line in path.read_text().splitlines() if line}
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = files.stdout.split("\n")
    source = "".join((ROOT / file).read_text() for file in files if file.endswith(".rs") and (ROOT / file).exists())
    tests = set(re.findall(r"\bfn (\w+)\(", source))
    wrong = []
    for legacy, _, reason, evidence in rows():
        names = re.findall(r"`([^`]+)`", evidence)
        if not reason or not (names or evidence.startswith("the same")):
            wrong.append(f"no reason, or no case or test: {legacy}")
        wrong += [f"no case, file or test {name}: {legacy}" for name in names if not exists(name, cases | tests, files)]
    print("\n".join(wrong))
    return 1 if wrong else 0


def rows():
    """Cells of the tables of both services; the third table is about API Gateway."""
    services = DOCUMENT.read_text().split("\n## What a gateway changes")[0]
    for line in services.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and not cells[0].startswith(("-", "legacy")):
            yield cells


def exists(name, names, files):
    """Whether there is a case, test or file of this name; `…/` stands for a folder."""
    return name in names or any(file.endswith("/" + name.removeprefix("…/").removeprefix("events/…/")) or file == name for file in files)


if __name__ == "__main__":
    sys.exit(main())
