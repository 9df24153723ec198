"""Selects the recorded requests to send, and their credentials."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from comparison import harmless
from comparison.harmless import Nobody, Request, recorded

ROOT = Path(__file__).parents[2]
RESET = ROOT / "functions/reset-user-password/tests/corpus/cases.jsonl"
UPDATE = ROOT / "functions/update-user-registration-password/tests/corpus/cases.jsonl"
BINDING = UPDATE.with_name("binding.jsonl")
PAGES = Path(__file__).with_name("pages.jsonl")


@dataclass(frozen=True)
class Case:
    service: str
    name: str
    request: Request
    nobody: Nobody
    login: str = ""  # "", "failed" or "credential"


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def select(services, credential, only="*"):
    """The cases to send, and the names of recorded requests that cannot be made harmless."""
    found = {"reset": {}, "update": {}}
    for line in lines(PAGES):
        found["update"][line["name"]] = [page(line)]
    for line in lines(RESET):
        make = partial(harmless.reset, recorded(line["request"]), reached=reached(line["expect"]))
        found["reset"][line["name"]] = [] if is_nameless(line["expect"]) else made(("reset", line["name"], ""), make)
    for line in lines(UPDATE):
        request, bound = recorded(line["request"]), bound_address(line["expect"])
        found["update"][line["name"]] = logins(line["name"], request, credential if bound else "")
    for line in lines(BINDING) if credential else []:
        if bound_address(line["expect"]):
            make = partial(harmless.refused_update, with_headers(line["request"]), credential=credential)
            found["update"][line["name"]] = made(("update", line["name"], "credential"), make)
    by_name = [item for service in services for item in found[service].items() if fnmatchcase(item[0], only)]
    cases = [case for _, cases in by_name for case in cases]
    return distinct(cases), [name for name, cases in by_name if not cases]


def page(line):
    """The request in a line of pages.jsonl, in which NOBODY is a placeholder for a random name and password."""
    nobody = Nobody()
    request = harmless.edit(recorded(line["request"]), lambda text: text.replace("NOBODY", nobody.name))
    return Case("update", line["name"], request, nobody, line.get("login", ""))


def reached(expected):
    """Whether the recorded request reached ResetUserPassword."""
    body = expected.get("body") or ""
    return "ResetUserPasswordResult" in body or "<string xmlns" in body


def is_nameless(expected):
    """Whether an old host calls ResetUserPassword without a user name for this request."""
    return "username is required." in (expected.get("body") or "")


def bound_address(expected):
    """Whether the recorded request reached UpdateUserRegistrationPassword with its address."""
    if "dto" in expected:
        return bool(expected["dto"]["Email"])
    answer = json.dumps(expected.get("json") or expected.get("body") or "")
    refused_password = "NewPassword" in answer and not re.search(r"FieldName\W+Email\b", answer)
    return expected["status"] == 200 or "NotFound" in answer or refused_password


def logins(name, request, credential):
    """A request of UpdateUserRegistrationPassword, once for each harmless login."""
    cases = []
    if not harmless.basic(request)[1] and request.header("authorization"):
        cases += made(("update", name, ""), partial(harmless.unreadable_login, request))
    else:
        cases += made(("update", name, ""), partial(harmless.update, request))
    cases += made(("update", name, "failed"), partial(harmless.failed_login, request))
    if credential:
        refused = partial(harmless.refused_update, request, credential=credential)
        cases += made(("update", name, "credential"), refused)
    return cases


def made(what, make):
    """The case, unless it cannot be made harmless."""
    (service, name, login), nobody = what, Nobody()
    request = make(nobody)
    return [Case(service, name, request, nobody, login)] if request else []


def with_headers(request):
    """A line of the binding corpus as a request by the administrator."""
    content_type = request.get("content_type")
    headers = [["Content-Type", content_type]] if content_type else []
    admin = Request("POST", request["path"], (("Accept", "application/json"),))
    admin = harmless.with_basic(admin, "Basic", harmless.ADMIN)
    return recorded({**request, "method": "POST", "headers": headers + list(admin.headers)})


def distinct(cases):
    """The cases without duplicate requests: many cases differ only in their credential."""
    seen = {}
    for case in cases:
        request = repr((case.service, case.login, case.request)).replace(case.nobody.name, "NOBODY")
        # The name of a failed login is in Base64.
        seen.setdefault(case.name if case.login == "failed" else request, case)
    return list(seen.values())
