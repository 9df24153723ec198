"""Finds differences between two answers, and separates known deviations."""

import json
import os.path
import re
import urllib.parse
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import Path

DEVIATIONS = Path(__file__).with_name("deviations.jsonl")
# Headers that no client reads (Server, X-Powered-By, …) are left out.
HEADERS = (
    "content-type", "www-authenticate", "allow", "location", "x-status", "content-disposition", "vary", "cache-control"
)
ADDRESS = re.compile(r'address location="([^"]*)"')
EXCERPT = 160


@dataclass
class Difference:
    """A difference that one or several cases share. `rows` are the deviations that explain it."""

    aspects: dict
    rows: list = field(default_factory=list)
    cases: list = field(default_factory=list)


class Text(HTMLParser):
    """The visible text of a page."""

    def __init__(self):
        super().__init__()
        self.words, self.hidden = [], False

    def handle_starttag(self, tag, attrs):
        self.hidden = tag in ("style", "script", "title")

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        self.words += [] if self.hidden else data.split()


def comparable(case, host, answer):
    """The parts of an answer that clients may read, without the names of the host and of nobody."""
    headers = answer.headers
    parts = {"status": answer.status, **{name: headers[name] for name in HEADERS if name in headers}}
    if "location" in parts:
        parts["location"] = absolute(host.url + case.request.path, parts["location"])
    if "set-cookie" in headers:
        parts["set-cookie"] = "\n".join(cookie(line) for line in headers["set-cookie"].split("\n"))
    if "content-type" in parts:
        parts["content-type"] = re.sub(r"\s", "", parts["content-type"]).lower()
    parts["body"] = body_of(answer)
    if addresses := ADDRESS.findall(parts["body"]):
        parts["addresses"] = " ".join(addresses)
    # A URL with the other scheme does not count as the host's, because it leads clients to another
    # port.
    own = f"{host.scheme}://{host.authority}{host.base_path}"
    names = {case.nobody.name: "NOBODY", own: "BASE", host.authority: "HOST", host.hostname: "HOST"}
    return {name: replaced(value, names) for name, value in parts.items()}


def absolute(base, location):
    try:
        return urllib.parse.urljoin(base, location)
    except ValueError:
        return location


def cookie(line):
    """The name and attributes of a cookie. Its value and its expiry are reduced to whether they exist."""
    pair, *attributes = (part.strip() for part in line.split(";"))
    name, _, value = pair.partition("=")
    attributes = ("expires" if text.lower().startswith("expires=") else text.lower() for text in attributes)
    return "; ".join([f"{name}={'VALUE' if value else ''}", *sorted(attributes)])


def body_of(answer):
    """JSON with sorted members, the visible text of a page, or the body as it is."""
    text, media_type = answer.body.decode("utf-8", "backslashreplace"), answer.headers.get("content-type", "")
    if "json" in media_type:
        try:
            return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    if "html" in media_type:
        page = Text()
        try:
            page.feed(text)
        except AssertionError:  # for a malformed declaration
            return text
        return " ".join(page.words)
    return text


def replaced(value, names):
    if isinstance(value, str):
        for name, stand_in in names.items():
            value = value.replace(name, stand_in).replace(urllib.parse.quote(name, safe=""), stand_in)
    return value


def difference(case, old, new, deviations):
    """The difference between two comparable answers, or None."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not names:
        return None
    return Difference({name: (old.get(name), new.get(name)) for name in names}, explained(names, case, (old, new), deviations))


def explained(names, case, answers, deviations):
    """The rows of deviations that together explain all these parts. Empty if a part remains unexplained."""
    left, rows = set(names), []
    for line in deviations:
        parts = left & set(line.get("only", left))
        if parts and explains(line, case, answers):
            rows.append(line["row"])
            left -= parts
    return [] if left else rows


def deviations():
    """The known deviations. `row` is the beginning of a row of docs/deviations.md, and `cases` are patterns of
    names. `old` and `new` are patterns that the parts of the old and of the new answer must match. Because
    of `new`, a broken answer of the new host still counts as a difference. `only` names the parts that are
    explained, if not all are."""
    with open(DEVIATIONS, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def explains(deviation, case, answers):
    named = any(fnmatchcase(case.name, pattern) for pattern in deviation.get("cases", ["*"]))
    old, new = (is_like(answer, deviation.get(side, {})) for side, answer in zip(("old", "new"), answers))
    return named and case.service == deviation["service"] and old and new


def is_like(answer, patterns):
    return all(re.fullmatch(pattern, str(answer.get(name, "")), re.S) for name, pattern in patterns.items())


def gather(found):
    """One difference for all cases that differ in the same way."""
    gathered = {}
    for case, one in found:
        label = f"{case.name} ({case.login})" if case.login else case.name
        gathered.setdefault(repr(one.rows or one.aspects), one).cases.append(label)
    return list(gathered.values())


def excerpts(old, new):
    """Both texts around the first difference, each on one line."""
    texts = ("none" if text is None else str(text) for text in (old, new))
    old, new = (text.replace("\r", "\\r").replace("\n", "\\n") for text in texts)
    same = len(os.path.commonprefix([old, new]))
    start = max(0, same - EXCERPT // 4) if max(len(old), len(new)) > EXCERPT else 0
    return tuple(f"{'…' * (start > 0)}{text[start : start + EXCERPT]}" for text in (old, new))
