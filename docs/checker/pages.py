"""Reads the pages: prose, words in backquotes, headings and fenced blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`]*)$")


class Block:
    """A fenced block. `info` is what follows the opening fence, for example `console`."""

    def __init__(self, info, line, lines):
        self.info, self.line, self.lines = info.split(), line, lines


class Page:
    def __init__(self, path, text):
        self.path, self.blocks, prose, opening = path, [], [], None
        for number, line in enumerate(text.split("\n"), 1):
            fence = FENCE.match(line)
            if opening:
                if fence and fence["fence"].startswith(opening["fence"]) and not fence["info"]:
                    opening = None
                else:
                    self.blocks[-1].lines.append(line.removeprefix(opening["indent"]))
                line = ""
            elif fence:
                opening = fence
                self.blocks.append(Block(fence["info"], number, []))
                line = ""
            prose.append(line)
        self.prose = prose

    @property
    def name(self):
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else self.path.name

    def file_of(self, block):
        """The file of the repository that a block shows, for example ```` ```python examples/login.py ````."""
        file = self.path.parent / block.info[1] if len(block.info) == 2 else None
        return file if file and file.is_file() else None

    def codes(self):
        """Each piece of text in backquotes, with its line."""
        for number, line in enumerate(self.prose, 1):
            for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
                yield number, code.replace("\\|", "|")

    def first_cells(self, heading):
        """Each piece of text in backquotes in the first column of tables with this heading, with its line."""
        is_table = False
        for number, line in enumerate(self.prose, 1):
            first = re.match(r" *\| *((?:[^|\\]|\\.)*?) *\|", line)
            is_table = bool(first) and (is_table or first[1] == heading)
            for code in re.findall(r"`([^`]+)`", first[1]) if is_table else []:
                yield number, code

    def links(self):
        """The target of each link and picture, with its line."""
        for number, line in enumerate(self.prose, 1):
            line = re.sub(r"`[^`]*`", "", line)
            for target in re.findall(r"\]\(([^)\s]+)\)", line) + re.findall(r'<img [^>]*\bsrc="([^"]+)"', line):
                yield number, target

    def pictures(self):
        """The file and the alternative text of each picture in HTML, with its line."""
        for number, line in enumerate(self.prose, 1):
            for file, text in re.findall(r'<img [^>]*\bsrc="([^"]+)"[^>]*\balt="([^"]+)"', line):
                yield number, self.path.parent / file, text

    def preparations(self):
        """The commands in `<!-- run: … -->`, with their lines."""
        found = ((number, re.fullmatch(r" *<!-- run: (.*) -->", line)) for number, line in enumerate(self.prose, 1))
        return [(number, comment[1]) for number, comment in found if comment]

    def anchors(self):
        """The anchors of the headings, by GitHub's rules."""
        found = {}
        for line in self.prose:
            heading = re.match(r"#{1,6} +(.*?) *#*$", line)
            if heading:
                anchor = anchor_of(heading[1])
                count = found[anchor] = found.get(anchor, -1) + 1
                if count:
                    found[f"{anchor}-{count}"] = 0
        return set(found)


def anchor_of(heading):
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def read(path):
    return Page(path, path.read_text(encoding="utf-8"))


def all_pages():
    paths = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "clients/README.md", "fuzz/README.md")]
    return [read(path) for path in [*paths, *sorted((ROOT / "docs").rglob("*.md"))]]
