"""clients/compare on two servers with the demo data, and on others. Argument: the base URL of one server; that of the
other is in OTHER_BASE_URL, and without it one is both."""

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from check import check, equal, finish  # noqa: E402
from comparison import harmless  # noqa: E402
from comparison.cases import ROOT, select  # noqa: E402
from comparison.differences import deviations, excerpts, explains  # noqa: E402
from comparison.relay import Relay, relay, serving  # noqa: E402

NEW = sys.argv[1].rstrip("/")
OLD = os.environ.get("OTHER_BASE_URL", NEW)
ACCOUNTS = re.compile(rb"jdoe|admin:|admin$|\bbob\b|a@example\.com")


def compare(old, new, *options, **environment):
    """Exit code, result and messages."""
    command = [sys.executable, ROOT / "clients/compare", "--old", old, "--new", new, "--rate", "0", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def get(url):
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read()


def outboxes():
    """The pages of both outboxes, which list every mail."""
    return [get(f"{url}/outbox") for url in (OLD, NEW)]


def parts(result):
    return sorted({name for one in result["differences"] for name in one["parts"]})


def contains(text, part):
    if part not in text:
        raise AssertionError(f"no {part!r} in {text!r}")


def login_status(credential):
    request = harmless.with_basic(harmless.Request("POST", "/UpdateUserRegistrationPassword"), "Basic", credential)
    target = urllib.parse.urlsplit(NEW)
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=20)
    connection.request("POST", request.path, b"", dict(request.headers))
    return connection.getresponse().status


with check("two servers are alike, and nothing is mailed"):
    mails = outboxes()
    code, result, _ = compare(OLD, NEW)
    equal((code, result["differences"], result["known"]), (0, [], []))
    equal(result["alike"], result["requests"])
    equal(outboxes(), mails)
with check("with a credential: nothing is mailed, and passwords stay"):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(harmless.ADMIN + "\n")
        file.flush()
        mails = outboxes()
        code, result, _ = compare(OLD, NEW, "--credential", file.name, "--only", "[!ad]*/*")
    equal((code, result["differences"]), (0, []))
    equal(outboxes(), mails)
    equal((login_status(harmless.ADMIN), login_status(harmless.WITHOUT_ROLE)), (400, 403))
with check("a wrong credential is sent once"):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("nobody-here:wrong")
        file.flush()
        code, _, messages = compare(OLD, NEW, "--credential", file.name)
    equal(code, 2)
    contains(messages, "refuses the credential; it was sent once")
with check("no request names an account or has a recorded credential"):
    for case in select(["reset", "update"], "USER:PASSWORD")[0]:
        texts = [case.request.path, harmless.decoded(case.request)[0], harmless.basic(case.request)[1]]
        if ACCOUNTS.search(" ".join(texts).encode()):
            raise AssertionError(f"{case.name}: {case.request}")
with check("a cut header is found"):
    def without_charset(path, answer):
        if "text/xml" in answer[1].get("content-type", answer[1].get("Content-Type", "")):
            return [answer[0], {"Content-Type": "text/xml", "Cache-Control": "private, max-age=0"}, answer[2]]
    with relay(NEW, without_charset) as url:
        code, result, _ = compare(OLD, url, "--only", "get.happy.*")
    equal((code, parts(result)), (1, ["content-type"]))
    equal(result["differences"][0]["cases"], ["get.happy.helppage"])
with check("a changed byte is found, once for all cases"):
    with relay(NEW, lambda path, answer: [*answer[:2], answer[2].replace(b"If the username", b"if the username")]) as url:
        code, result, _ = compare(OLD, url, "--only", "get.enc.*")
    equal((code, parts(result), len(result["differences"])), (1, ["body"], 1))
    equal(len(result["differences"][0]["cases"]), result["requests"])
with check("an excerpt shows the difference"):
    equal(excerpts("x" * 300 + "a" + "y" * 300, "x" * 300 + "b" + "y" * 300)[0][41], "a")
    equal(excerpts(None, "7\r\n"), ("none", "7\\r\\n"))
with check("a status is found"):
    with relay(NEW, lambda path, answer: [503, *answer[1:]] if path.endswith("wsdl1") else None) as url:
        code, result, _ = compare(OLD, url, "--only", "doc.*")
    equal((code, parts(result)), (1, ["status"]))
    equal(result["differences"][0]["parts"]["status"], {"old": 500, "new": 503})
with check("known deviations are no difference"):
    def original(path, answer):
        return [401, {"WWW-Authenticate": 'basic realm="/auth/basic"'}, b""] if answer[0] == 401 else None
    with relay(NEW, original) as url:
        code, result, _ = compare(url, NEW, "--only", "routing/*")
    equal((code, result["differences"]), (0, []))
    equal([one["row"] for one in result["known"]], ["401 and 403 have no body; clients read the reason phrase"])
    with relay(NEW, original) as url:
        code, result, _ = compare(url, NEW, "--only", "soap1?/no-credential")
    equal((code, [one["row"] for one in result["known"]]), (0, ["SOAP: 401 and 403 have no body"]))
with check("redirects are compared and not followed"):
    with relay(NEW, lambda path, answer: [302, {"Location": "/login?redirect=x"}, b""] if path.endswith(".jsv") else None) as url:
        code, result, _ = compare(url, NEW, "--only", "routing/suffix-jsv")
    equal((code, [one["row"] for one in result["known"]]), (0, ["401 and 403 for a browser: a redirect to `/login`"]))
with check("a base path is no difference"):
    with relay(NEW, lambda path, answer: [*answer[:2], answer[2].replace(b"/webservices/IF", b"/old/webservices/IF")], "/old") as url:
        code, result, _ = compare(url, NEW, "--only", "doc.wsdl*")
    equal((code, result["differences"]), (0, []))
with check("a host that does not answer in time"):
    with relay(NEW, lambda path, answer: time.sleep(8) if path.endswith("wsdl1") else None) as url:
        code, result, _ = compare(OLD, url, "--only", "doc.wsdl-value", "--timeout", "4")
    equal((code, result["differences"][0]["parts"]["status"]["new"]), (1, "none within 4 seconds"))
with check("https"):
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *subject]
        subprocess.run(command, check=True, capture_output=True)
        with serving(Relay, target=NEW, change=lambda path, answer: None, base_path="") as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            url = f"https://localhost:{server.server_port}"
            code, result, _ = compare(url, url, "--only", "get.happy.*", SSL_CERT_FILE=certificate)
            equal((code, result["differences"]), (0, []))
            code, _, messages = compare(url, url)
            equal(code, 75)
            contains(messages, "certificate verify failed")
with check("a server that is neither"):
    with serving(SimpleHTTPRequestHandler) as server:
        SimpleHTTPRequestHandler.log_message = Relay.log_message
        code, _, messages = compare(f"http://127.0.0.1:{server.server_port}", NEW)
    equal(code, 2)
    contains(messages, "is neither service")
with check("a host that cannot be reached"):
    with serving(Relay) as server:
        closed = f"http://127.0.0.1:{server.server_port}"
    code, _, messages = compare(OLD, closed)
    equal(code, 75)
    contains(messages, f"{closed} cannot be reached")
with check("usage"):
    for options, message in [
        ((OLD, "ftp://host"), "ftp://host is not a URL like https://HOST/PATH"),
        ((OLD, "http://host:x"), "http://host:x is not a URL"),
        ((OLD, NEW, "--only", "nothing"), "no case of these services is named nothing"),
        ((OLD, "http://example.com", "--credential", "/dev/null"), "a credential is sent by https only"),
        ((OLD, NEW, "--credential", "/dev/null"), "the credential is not USER:PASSWORD"),
        ((OLD, NEW, "--credential", "/nowhere"), "the credential cannot be read"),
    ]:
        code, _, messages = compare(*options)
        equal(code, 2)
        contains(messages, message)
with check("every known deviation is a row of docs/deviations.md, for a case that is sent"):
    rows = (ROOT / "docs/deviations.md").read_text(encoding="utf-8")
    cases = select(["reset", "update"], "USER:PASSWORD")[0]
    for line in deviations():
        contains(rows, f"\n| {line['row']} ")
        if not any(explains({key: line[key] for key in line if key in ("service", "cases")}, case, ({}, {})) for case in cases):
            raise AssertionError(f"no case: {line}")

finish()
