"""What differs between two answers, and which of it is meant to."""

import json
import os.path
import re
import urllib.parse
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import Path

DEVIATIONS = Path(__file__).with_name("deviations.jsonl")
# What no client looks at (Server, X-Powered-By, cookies, …) is left out.
HEADERS = ("content-type", "www-authenticate", "allow", "location", "x-status", "content-disposition")
EXCERPT = 160


@dataclass
class Difference:
    """The same difference in one or several cases; `row` is the deviation that explains it."""

    aspects: dict
    row: str = ""
    cases: list = field(default_factory=list)


class Text(HTMLParser):
    """Words of a page that people see."""

    def __init__(self):
        super().__init__()
        self.words, self.hidden = [], False

    def handle_starttag(self, tag, attrs):
        self.hidden = tag in ("style", "script")

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        self.words += [] if self.hidden else data.split()


def comparable(case, host, answer):
    """The parts of an answer that clients may look at, without the names of the host and of nobody."""
    headers = answer.headers
    parts = {"status": answer.status, **{name: headers[name] for name in HEADERS if name in headers}}
    if case.service == "reset" and "cache-control" in headers:
        parts["cache-control"] = headers["cache-control"]
    if "location" in parts:
        parts["location"] = urllib.parse.urljoin(host.url + case.request.path, parts["location"])
    if "content-type" in parts:
        parts["content-type"] = re.sub(r"\s", "", parts["content-type"]).lower()
    parts["body"] = body_of(answer)
    own = {f"{scheme}://{host.authority}{host.base_path}": "BASE" for scheme in ("http", "https")}
    names = {case.nobody.name: "NOBODY", **own, host.authority: "HOST", host.hostname: "HOST"}
    return {name: replaced(value, names) for name, value in parts.items()}


def body_of(answer):
    """JSON with sorted members, the visible text of a page, or the body as it is."""
    text, media_type = answer.body.decode("utf-8", "backslashreplace"), answer.headers.get("content-type", "")
    if "json" in media_type:
        try:
            return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
        except ValueError:
            return text
    if "html" in media_type:
        page = Text()
        page.feed(text)
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
    aspects = {name: (old.get(name), new.get(name)) for name in names}
    known = next((line for line in deviations if explains(line, case, (old, new))), None)
    return Difference(aspects, known["row"] if known else "")


def deviations():
    """Known deviations: `row` is how a row of docs/deviations.md begins, `cases` are patterns of
    names, `old` and `new` what both answers must be like, as patterns by part. `only` names the parts
    that may differ, if not all may."""
    with open(DEVIATIONS, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def explains(deviation, case, answers):
    named = any(fnmatchcase(case.name, pattern) for pattern in deviation.get("cases", ["*"]))
    old, new = answers
    parts = deviation.get("only", {**old, **new})
    return (
        named
        and case.service == deviation["service"]
        and is_like(old, deviation.get("old", {}))
        and is_like(new, deviation.get("new", {}))
        and all(old.get(name) == new.get(name) for name in {**old, **new} if name not in parts)
    )


def is_like(answer, patterns):
    return all(re.fullmatch(pattern, str(answer.get(name, "")), re.S) for name, pattern in patterns.items())


def gather(found):
    """One difference for all cases that differ alike."""
    gathered = {}
    for case, one in found:
        label = f"{case.name} ({case.login})" if case.login else case.name
        gathered.setdefault(one.row or repr(one.aspects), one).cases.append(label)
    return list(gathered.values())


def excerpts(old, new):
    """Both texts around the first place where they differ, each in one line."""
    texts = ("none" if text is None else str(text) for text in (old, new))
    old, new = (text.replace("\r", "\\r").replace("\n", "\\n") for text in texts)
    same = len(os.path.commonprefix([old, new]))
    start = max(0, same - EXCERPT // 4) if max(len(old), len(new)) > EXCERPT else 0
    return tuple(f"{'…' * (start > 0)}{text[start : start + EXCERPT]}" for text in (old, new))
