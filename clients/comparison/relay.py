"""Servers for trial.py: a relay that changes answers."""

import http.client
import threading
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Ignores callers that disconnected before their answer."""


class Relay(BaseHTTPRequestHandler):
    """Passes requests on to `server.target`, and applies `server.change` to the answer."""

    protocol_version = "HTTP/1.1"

    def relay(self):
        target = urllib.parse.urlsplit(self.server.target)
        connection = http.client.HTTPConnection(target.hostname, target.port)
        path = self.path.removeprefix(self.server.base_path)
        connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(self.body())
        response = connection.getresponse()
        headers = {}
        for name, value in response.getheaders():
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
        answer = [response.status, headers, response.read()]
        connection.close()
        self.answer(*(self.server.change(self.path, answer) or answer))

    def body(self):
        if self.headers.get("Transfer-Encoding"):
            lines = []
            while not lines or lines[-2:] != [b"0\r\n", b"\r\n"]:
                lines.append(self.rfile.readline())
            return b"".join(lines)
        return self.rfile.read(int(self.headers.get("Content-Length", 0))) or None

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                for line in value.split("\n"):
                    self.send_header(name, line)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:1], body[1:]) if part))
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.relay
        raise AttributeError(name)


@contextmanager
def serving(handler, **attributes):
    server = Server(("127.0.0.1", 0), handler)
    vars(server).update(attributes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def relay(target, change, base_path=""):
    """Starts a server whose answers are the target's, with `change` applied and chunked. Returns its URL."""
    with serving(Relay, target=target, change=change, base_path=base_path) as server:
        yield f"http://127.0.0.1:{server.server_port}{base_path}"
