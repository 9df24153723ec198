"""Checks the policy of operators, policies/operate.json, against the calls that `accounts` makes.

`python -m unittest discover -s .ci` with what `.ci/run` installs; it builds and starts `local`.
"""

import http.server
import json
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from policies import table_actions
from services import Local

TABLES = {
    "Users": "UsersTable",
    "Users/index": "UsersTable}/index/*",
    "Audit": "AuditTable",
    "Brands": "BrandsTable",
    "Limits": "LimitsTable",
}


def allowed():
    """The DynamoDB actions that the policy allows, by resource."""
    return {resource: table_actions(placeholder) for resource, placeholder in TABLES.items()}


def needed(operation, body):
    """The permissions that a call needs. IAM checks a transaction by the operations in it."""
    if operation == "TransactWriteItems":
        for item in body["TransactItems"]:
            for action, inner in item.items():
                yield ("ConditionCheckItem" if action == "ConditionCheck" else f"{action}Item"), inner["TableName"]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in body["RequestItems"]:
            yield operation, table
    else:
        index = "/index" if "IndexName" in body else ""
        yield operation, body["TableName"] + index


class Recorder(http.server.ThreadingHTTPServer):
    """Passes calls on to DynamoDB and records the permissions that they need."""

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.seen = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.seen.update(needed(operation, json.loads(body)))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(self.server.upstream, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                status, content, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as refused:
            status, content, kind = refused.code, refused.read(), refused.headers["Content-Type"]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class OperatorsRole(unittest.TestCase):
    def test_the_policy_allows_what_the_commands_do(self):
        local = Local()
        self.addCleanup(local.stop)
        recorder = Recorder(local.dynamodb)
        self.addCleanup(recorder.server_close)
        self.addCleanup(recorder.shutdown)
        def accounts(*arguments):
            local.accounts(*arguments, dynamodb=recorder.url)

        accounts("add", "new", "--id", "4711", "--email", "new@example.com", "--no-password")
        for command in (
            ("find",),
            ("show",),
            ("end-sessions",),
            ("disable",),
            ("enable",),
            # `revoke` checks that another administrator is left, and there is one.
            ("grant", "Admin"),
            ("revoke", "Admin"),
            ("audit",),
        ):
            accounts(*command, "new")
        accounts("find", "new@example.com")
        accounts("list")
        accounts("audit", "--event", "role.")
        accounts("set", "new", "--email", "newer@example.com")
        accounts("reset", "new")
        accounts("pending")
        accounts("expire", "new")
        accounts("expire", "--imported-before", "2026-01-01")
        accounts("check-keys")
        accounts("brand", "set", "acme", "--product-name", "Acme")
        accounts("brand", "show", "acme")
        accounts("brand", "list")
        accounts("brand", "remove", "acme", "--yes")
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("username,id,email,display_name,brand,language,roles,disabled\n")
            file.write("new,4711,newest@example.com,New,,,,\nother,4712,other@example.com,Other,,,,\n")
            file.flush()
            accounts("import", file.name, "--overwrite", "--yes")
            accounts("import", file.name)
            accounts("import", file.name, "--disable-missing", "--yes")
        accounts("delete", "new", "--yes")

        used = {}
        for action, resource in recorder.seen:
            used.setdefault(resource, set()).add(action)
        for resource, actions in allowed().items():
            # `Describe…` is only for `doctor`, which needs a stack.
            needed = {action for action in actions if not action.startswith("Describe")}
            self.assertEqual(used.pop(resource), needed, resource)
        self.assertEqual(used, {}, "nothing else was needed")


if __name__ == "__main__":
    unittest.main()
