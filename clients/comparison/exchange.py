"""One host: sends requests to it and reads its answers, without following redirects."""

import gzip
import http.client
import time
import urllib.parse
from dataclasses import dataclass

# What the connection decides, and not the case.
CONNECTION_HEADERS = {"host", "content-length", "connection", "expect"}
LONGEST_BODY = 1024 * 1024
# Connections that are tried before a host is unreachable: a long run must not end with one lost packet.
ATTEMPTS = 3


class Unreachable(Exception):
    """No connection to the host."""


@dataclass(frozen=True)
class Answer:
    """What a host answered; `status` is a text when it did not."""

    status: object
    headers: dict
    body: bytes

    @staticmethod
    def none(reason):
        return Answer(reason, {}, b"")


class Host:
    def __init__(self, url, timeout):
        parts = urllib.parse.urlsplit(url)
        self.url, self.timeout, self.scheme = url.rstrip("/"), timeout, parts.scheme
        self.hostname, self.port, self.base_path = parts.hostname, parts.port, parts.path.rstrip("/")
        self.authority = parts.netloc.rpartition("@")[2]

    def send(self, request):
        connection = self.connect()
        try:
            self.write(connection, request)
            response = connection.getresponse()
            headers = {}
            for name, value in response.getheaders():
                headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
            return Answer(response.status, headers, plain(response.read(LONGEST_BODY), headers))
        except TimeoutError:
            return Answer.none(f"none within {self.timeout:g} seconds")
        except (OSError, EOFError, http.client.HTTPException) as error:
            return Answer.none(f"none, {type(error).__name__}")
        finally:
            connection.close()

    def connect(self):
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        connection, failures = kind(self.hostname, self.port, timeout=self.timeout), 0
        while True:
            try:
                connection.connect()
                return connection
            except (OSError, UnicodeError) as error:
                failures += 1
                connection.close()
                if failures == ATTEMPTS:
                    raise Unreachable(f"{self.url} cannot be reached: {error}") from None
                time.sleep(failures)

    def write(self, connection, request):
        connection.putrequest(request.method, self.base_path + request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            if name.lower() not in CONNECTION_HEADERS:
                connection.putheader(name, value)
        if not request.header("transfer-encoding") and (request.body or request.method in ("POST", "PUT", "PATCH")):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)


def plain(body, headers):
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" and body else body
