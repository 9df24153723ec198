"""Tests clients/compare on two servers with the demo data, and on relays. Argument: the base URL of one server. The other
server's is in OTHER_BASE_URL; without it, one server plays both parts."""

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
    """Runs clients/compare. Returns its exit code, result and messages."""
    command = [sys.executable, ROOT / "clients/compare", "--old", old, "--new", new, "--rate", "0", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def get(url):
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read()


def outboxes():
    """The pages of both outboxes, which list every email."""
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
with check("a truncated header is found"):
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
with check("known deviations are not differences"):
    def original(path, answer):
        return [401, {"WWW-Authenticate": 'basic realm="/auth/basic"', "Vary": "Accept"}, b""] if answer[0] == 401 else None
    with relay(NEW, original) as url:
        code, result, _ = compare(url, NEW, "--only", "routing/*")
    equal((code, result["differences"]), (0, []))
    equal([one["rows"] for one in result["known"]], [["401 and 403 have no body; clients read the reason phrase"]])
    with relay(NEW, original) as url:
        code, result, _ = compare(url, NEW, "--only", "soap1?/no-credential")
    equal((code, [one["rows"] for one in result["known"]]), (0, [["SOAP: 401 and 403 have no body"]]))
with check("a broken host is a difference, despite known deviations"):
    def with_body(body):
        # Except for the path by which compare recognises the service.
        return lambda path, answer: None if path.endswith("?WSDL") else [*answer[:2], body]
    def down(path, answer):
        return [503, {}, b"down"] if "x-status" in map(str.lower, answer[1]) else None
    def with_headers(**headers):
        return lambda path, answer: [answer[0], {**answer[1], **headers}, answer[2]]
    def without(header):
        return lambda path, answer: [answer[0], {key: value for key, value in answer[1].items() if key.lower() != header}, answer[2]]
    def by_https(path, answer):
        return [*answer[:2], answer[2].replace(b'address location="http:', b'address location="https:')]
    for only, change, part in [
        ("soap1?/wsdl", with_body(b"<broken"), "body"),
        ("xsd/*", with_body(b"<broken"), "body"),
        ("doc.op*", with_body(b"garbage"), "body"),
        ("doc.plain", with_body(b"garbage"), "body"),
        ("metadata/[jcl]*", with_body(b"garbage"), "body"),
        ("routing/*", with_body(b"garbage"), "body"),
        ("textxml-route/wrong-password", down, "status"),
        ("auth/*logout*", without("set-cookie"), "set-cookie"),
        ("routing/*", without("vary"), "vary"),
        ("routing/*", with_headers(**{"Cache-Control": "public, max-age=3600"}), "cache-control"),
        ("soap1?/wsdl", by_https, "addresses"),
        ("doc.wsdl*", by_https, "addresses"),
    ]:
        with relay(NEW, change) as url:
            code, result, _ = compare(OLD, url, "--only", only)
        equal((only, code, result["alike"], result["known"]), (only, 1, result["alike"], []))
        contains(parts(result), part)
with check("a broken host is a difference where the original differs"):
    def aged(path, answer):
        text = answer[2].replace(b'element="dto:', b'element="tns:').replace(b"</xs:schema>", b"<!-- AssignRoles --></xs:schema>")
        text = text.replace(b"<body>", b"<body>AssignRoles ?callback= ")
        cookies = answer[1].get("Set-Cookie", "ss-id=x;path=/;HttpOnly\nss-pid=y;path=/;expires=Sat, 28 Nov 2026 00:13:10 GMT;HttpOnly")
        return [answer[0], {**answer[1], "Set-Cookie": cookies.replace(";SameSite=Strict", ""), "Cache-Control": "private"}, text]
    with relay(OLD, aged) as old:
        for only in ("soap1?/wsdl", "xsd/3", "metadata/list", "metadata/json", "auth/*logout*"):
            code, result, _ = compare(old, NEW, "--only", only)
            equal((only, code, result["differences"]), (only, 0, []))
            for change in (with_body(b"<broken"), without("set-cookie"), with_headers(**{"Cache-Control": "public"})):
                with relay(NEW, change) as url:
                    code, result, _ = compare(old, url, "--only", only)
                is_changed = "logout" in only or change("", [200, {}, b""])[1:] != [{}, b""]
                equal((only, change, code), (only, change, int(is_changed)))
with check("a malformed answer does not end a run"):
    for headers, body in [
        ({"Content-Type": "text/xml", "Content-Encoding": "gzip"}, b"\x1f\x8b\x08\0\0\0\0\0\0\xffgarbage"),
        ({"Content-Type": "application/json"}, b"[" * 100_000),
        ({"Content-Type": "text/html"}, b"<![x["),
        ({"Content-Type": "text/plain", "Location": "http://["}, b""),
    ]:
        with relay(NEW, lambda path, answer: [200, headers, body] if path.endswith("wsdl1") else None) as url:
            code, result, _ = compare(OLD, url, "--only", "doc.wsdl-value")
        equal((code, result and len(result["differences"])), (1, 1))
with check("redirects are compared and not followed"):
    with relay(NEW, lambda path, answer: [302, {"Location": "/login?redirect=x", "Vary": "Accept"}, b""] if path.endswith(".jsv") else None) as url:
        code, result, _ = compare(url, NEW, "--only", "routing/suffix-jsv")
    equal((code, [one["rows"] for one in result["known"]]), (0, [["401 and 403 for a browser: a redirect to `/login`"]]))
with check("a base path makes no difference"):
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
            named = f"https://regapi.example.invalid:{server.server_port}"
            code, _, messages = compare(named, url, "--old-address", "127.0.0.1", SSL_CERT_FILE=certificate)
            equal(code, 75)
            contains(messages, "certificate is not valid for 'regapi.example.invalid'")
            code, _, messages = compare(url, url)
            equal(code, 75)
            contains(messages, "certificate verify failed")
with check("a server that runs neither service"):
    with serving(SimpleHTTPRequestHandler) as server:
        SimpleHTTPRequestHandler.log_message = Relay.log_message
        code, _, messages = compare(f"http://127.0.0.1:{server.server_port}", NEW)
    equal(code, 2)
    contains(messages, "runs neither service")
    class Same(Relay):
        """Sends the same answer for every path."""

        def relay(self):
            self.body()
            self.answer(*self.server.same)

    wsdl = get(f"{NEW}/webservices/IFCommonService.asmx?WSDL")
    for same in ([200, {}, b"ResetUserPassword"], [200, {}, wsdl], [401, {}, b"ResponseStatus"]):
        with serving(Same, same=same) as server, tempfile.NamedTemporaryFile("w") as file:
            file.write(harmless.ADMIN)
            file.flush()
            code, _, messages = compare(f"http://127.0.0.1:{server.server_port}", NEW, "--credential", file.name)
        equal(code, 2)
        contains(messages, "runs neither service")
with check("--old-address and --new-address change the connection and keep the name"):
    port = urllib.parse.urlsplit(NEW).port
    named = f"http://regapi.example.invalid:{port}"
    code, result, messages = compare(named, NEW, "--old-address", "127.0.0.1", "--only", "soap11/wsdl")
    equal((code, result and result["differences"]), (0, []))
    contains(result["old"], "regapi.example.invalid")
    code, result, _ = compare(NEW, named, "--new-address", "127.0.0.1", "--only", "soap11/wsdl")
    equal((code, result and result["differences"]), (0, []))
    code, _, messages = compare(OLD, "http://localhost:1", "--new-address", "example.invalid", "--credential", "/dev/null")
    equal(code, 2)
    contains(messages, "a credential is sent only over https")
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
        ((OLD, NEW, "--only", "nothing"), "no case of these services matches nothing"),
        ((OLD, "http://example.com", "--credential", "/dev/null"), "a credential is sent only over https"),
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
