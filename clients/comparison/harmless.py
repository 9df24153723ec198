"""Makes recorded requests harmless: afterwards they name no recorded account and contain no recorded credential.

Requests that cannot be shown to be harmless are not sent.
"""

import base64
import binascii
import gzip
import html
import json
import re
import secrets
import urllib.parse
import zlib
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

# The accounts of the recordings, by their valid credentials.
ADMIN, WITHOUT_ROLE = "admin:p@55wOrd", "bob:p@55wOrd"

RECORDED_NAME = re.compile(r"(?<![A-Za-z])(?:jdoe|bob)(?![A-Za-z])|echo(?=:)|(?<==)string\b|(?<=>)string(?=<)")
RECORDED_ADDRESS = re.compile(r"[\w.+-]+(@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
USERNAME_ELEMENT = re.compile(r"<(?:[\w.-]+:)?username\b[^>]*?(?:/>|>(.*?)(?:</(?:[\w.-]+:)?user|$))", re.I | re.S)
MARKUP = re.compile(r"<!\[CDATA\[|\]\]>|<[^>]*>")


@dataclass(frozen=True)
class Nobody:
    """A random name, address and password that no account has."""

    name: str = field(default_factory=lambda: f"compare-{secrets.token_hex(8)}")
    password: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def address(self):
        # RFC 2606 reserves the domain, so no email can be sent to it.
        return f"{self.name}@example.invalid"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: tuple = ()
    body: bytes = b""

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), "")

    def without(self, name):
        return replace(self, headers=tuple(h for h in self.headers if h[0].lower() != name))


def recorded(request):
    """The request in a line of the corpora."""
    encoded, headers = request.get("body_b64"), request.get("headers", [])
    body = (request.get("body") or "").encode() if encoded is None else base64.b64decode(encoded)
    return Request(request["method"], request["path"], tuple(map(tuple, headers)), body)


def reset(request, nobody, reached):
    """The request with `nobody` as every user name, or None. A request that `reached` the operation must
    have a name, because an old host may otherwise use somebody's."""
    edited = edit(request, lambda text: RECORDED_NAME.sub(nobody.name, text))
    names = [] if edited is None else [name for name in usernames(edited) if name.strip()]
    is_harmless = all(nobody.name in name for name in names) and (names or not reached)
    return edited if edited is not None and is_harmless else None


def update(request, nobody):
    """The request with `nobody`'s address as every address and without a credential, or None."""
    edited = edit(request, lambda text: RECORDED_ADDRESS.sub(rf"{nobody.name}\1example.invalid", text))
    words = [] if edited is None else visible(edited).split()
    if edited is None or any(nobody.address not in word for word in words if "@" in word):
        return None
    return edited.without("authorization").without("cookie")


def refused_update(request, nobody, credential):
    """The request with a valid credential if its body is well-formed JSON or XML with `nobody`'s address, else
    None. A server might read other bodies only in part and find another customer."""
    scheme, known = basic(request)
    edited = update(request, nobody) if known == ADMIN and request.method == "POST" else None
    if edited is None or edited.header("content-encoding") or "email=" in edited.path.lower():
        return None
    return with_basic(edited, scheme, credential) if addresses(edited) == [nobody.address] else None


def addresses(request):
    """The values of Email in a JSON or XML body. Empty if it is not well-formed."""
    media_types = (request.path.partition("/reply/")[0].strip("/"), request.header("content-type").lower())
    try:
        if any("json" in media_type for media_type in media_types):
            pairs = json.loads(request.body, object_pairs_hook=list)
            return [value for name, value in pairs if name.lower() == "email"]
        if any("xml" in media_type for media_type in media_types):
            root = ElementTree.fromstring(request.body)
            return [element.text for element in root.iter() if element.tag.rpartition("}")[2].lower() == "email"]
    except (ValueError, TypeError, ElementTree.ParseError):
        pass
    return []


def failed_login(request, nobody):
    """The request with `nobody`'s name and password instead of another wrong pair, or None."""
    scheme, known = basic(request)
    name, _, password = known.partition(":")
    if known in (ADMIN, WITHOUT_ROLE) or not name.strip() or not password:
        return None
    blank = name[: len(name) - len(name.lstrip())]
    edited = update(request, nobody)
    return edited and with_basic(edited, scheme, f"{blank}{nobody.name}:{nobody.password}")


def unreadable_login(request, nobody):
    """The request with its own Authorization header, if that contains no user name, or None."""
    values = [value for key, value in request.headers if key.lower() == "authorization"]
    if len(values) != 1 or ":" in basic(request)[1] or not (edited := update(request, nobody)):
        return None
    value = re.sub(r"admin|bob", nobody.name, values[0])
    return replace(edited, headers=(*edited.headers, ("Authorization", value)))


def basic(request):
    """Scheme and decoded text of the only Authorization header."""
    values = [value for key, value in request.headers if key.lower() == "authorization"]
    scheme, _, encoded = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    try:
        decoded = base64.b64decode("".join(encoded.split())).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    return scheme, decoded if scheme.lower() == "basic" else ""


def with_basic(request, scheme, credential):
    value = f"{scheme} {base64.b64encode(credential.encode()).decode()}"
    return replace(request, headers=(*request.headers, ("Authorization", value)))


def usernames(request):
    """All values that a server could treat as a user name: parameters of the query and the form, elements."""
    text = html.unescape(decoded(request)[0])
    pairs = [pair.partition("=") for pair in re.split(r"[&?]", request.path) + re.split("[&?]", text)]
    found = [urllib.parse.unquote_plus(value) for name, _, value in pairs if is_username(name)]
    return found + [MARKUP.sub("", match.group(1) or "") for match in USERNAME_ELEMENT.finditer(text)]


def is_username(parameter):
    return urllib.parse.unquote_plus(parameter).strip("\ufeff ").lower() == "username"


def visible(request):
    """Query and body as text, with escapes decoded."""
    query = request.path.partition("?")[2]
    return html.unescape(urllib.parse.unquote(f"{query}\n{decoded(request)[0]}"))


def edit(request, change):
    """The request with `change` applied to its path and the text of its body, or None if the body is not text."""
    try:
        text, encode = decoded(request)
        return replace(request, path=change(request.path), body=encode(change(text)))
    except (OSError, EOFError, ValueError, zlib.error):
        return None


def decoded(request):
    """The text of the body, and the function that turns text into a body again."""
    wrap, unwrap = framing(request)
    body = unwrap(request.body)
    charset = charset_of(body)
    return body.decode(charset), lambda text: wrap(text.encode(charset))


def framing(request):
    """The framing of the body: compressed, chunked or plain."""
    encoding = request.header("content-encoding")
    if request.header("transfer-encoding") == "chunked":
        return chunked, unchunked
    if encoding == "gzip" and request.body:
        return gzip.compress, gzip.decompress
    if encoding == "deflate" and request.body:
        bits = 15 if request.body[0] == 0x78 else -15
        return lambda body: deflate(body, bits), lambda body: zlib.decompress(body, bits)
    return bytes, bytes


def deflate(body, bits):
    compressor = zlib.compressobj(wbits=bits)
    return compressor.compress(body) + compressor.flush()


def charset_of(body):
    """UTF-16 if the first characters are, else Latin-1, which preserves every byte."""
    if body[:2] == b"\xff\xfe" or body[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if body[:2] == b"\xfe\xff" or body[:1] == b"\0" else "latin-1"


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


def unchunked(body):
    text = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return text
        text, body = text + body[: int(size, 16)], body[int(size, 16) + 2 :]
