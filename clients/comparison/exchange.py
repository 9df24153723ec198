"""One host: sends requests to it and reads its answers, without following redirects."""

import gzip
import http.client
import socket
import ssl
import time
import urllib.parse
import zlib
from dataclasses import dataclass

# Headers that depend on the connection instead of the case.
CONNECTION_HEADERS = {"host", "content-length", "connection", "expect"}
LONGEST_BODY = 1024 * 1024
# The number of connection attempts before a host counts as unreachable. One lost packet must not
# end a long run.
ATTEMPTS = 3


class Unreachable(Exception):
    """The host cannot be reached."""


@dataclass(frozen=True)
class Answer:
    """The answer of a host. `status` is a text if there was no answer, or none that could be decompressed."""

    status: object
    headers: dict
    body: bytes

    @staticmethod
    def none(reason):
        return Answer(reason, {}, b"")


class Host:
    def __init__(self, url, address, timeout):
        parts = urllib.parse.urlsplit(url)
        self.url, self.timeout, self.scheme = url.rstrip("/"), timeout, parts.scheme
        self.hostname, self.port, self.base_path = parts.hostname, parts.port, parts.path.rstrip("/")
        self.address = address or self.hostname
        self.authority = parts.netloc.rpartition("@")[2]

    def send(self, request):
        connection = self.connect()
        try:
            self.write(connection, request)
            response = connection.getresponse()
            headers = {}
            for name, value in response.getheaders():
                name = name.lower()
                # A cookie may contain a comma.
                separator = "\n" if name == "set-cookie" else ", "
                headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
            return decompressed(response.status, headers, response.read(LONGEST_BODY))
        except TimeoutError:
            return Answer.none(f"none within {self.timeout:g} seconds")
        except (OSError, http.client.HTTPException) as error:
            return Answer.none(f"none, {type(error).__name__}")
        finally:
            connection.close()

    def connect(self):
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        connection, failures = kind(self.hostname, self.port, timeout=self.timeout), 0
        while True:
            try:
                connection.sock = self.socket(connection.port)
                return connection
            except (OSError, UnicodeError) as error:
                failures += 1
                if failures == ATTEMPTS:
                    raise Unreachable(f"{self.url} cannot be reached: {error}") from None
                time.sleep(failures)

    def socket(self, port):
        connected = socket.create_connection((self.address, port), self.timeout)
        if self.scheme == "http":
            return connected
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        try:
            return context.wrap_socket(connected, server_hostname=self.hostname)
        except OSError:
            connected.close()
            raise

    def write(self, connection, request):
        connection.putrequest(request.method, self.base_path + request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            if name.lower() not in CONNECTION_HEADERS:
                connection.putheader(name, value)
        if not request.header("transfer-encoding") and (request.body or request.method in ("POST", "PUT", "PATCH")):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)


def decompressed(status, headers, body):
    if headers.get("content-encoding", "").lower() != "gzip" or not body:
        return Answer(status, headers, body)
    try:
        return Answer(status, headers, gzip.decompress(body))
    except (OSError, EOFError, zlib.error):
        return Answer(f"{status} with a body that is not gzip", headers, b"")
