"""Checks docs/audit-row.schema.json against rows that the services and `accounts` write.

`python -m unittest discover -s .ci` with what `.ci/run` installs; it builds and starts `local`.
"""

import json
import re
import tempfile
import unittest

from jsonschema import Draft202012Validator
from services import Local
from transform import ROOT, template

SCHEMA = json.loads((ROOT / "docs/audit-row.schema.json").read_text())
DOCUMENTED = (ROOT / "docs/audit.md").read_text().split("## Log events")[0]

# The events that the run below causes. Others (for example reports about emails, and passwords that
# are used or withdrawn) are only compared with the documentation.
CAUSED = {
    "access.denied",
    "account.added",
    "account.changed",
    "account.deleted",
    "account.disabled",
    "account.email_set",
    "account.enabled",
    "account.imported",
    "account.sessions_ended",
    "brand.removed",
    "brand.set",
    "password.expired",
    "password.reset",
    "password.set",
    "role.granted",
    "role.revoked",
}


def text(attribute):
    return attribute["S"]


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        local = Local()
        try:
            local.reset("jdoe")
            local.set_password("admin:p@55wOrd")
            local.set_password("jdoe:lamp-Sodium-4417")
            local.accounts("add", "new", "--id", "4711", "--email", "new@example.com", "--no-password")
            for change in (
                ("disable",),
                ("enable",),
                ("end-sessions",),
                ("grant", "Reader"),
                ("revoke", "Reader"),
            ):
                local.accounts(*change, "new")
            local.accounts("set", "new", "--email", "newer@example.com", "--name", "New")
            local.accounts("brand", "set", "acme", "--product-name", "Acme")
            local.accounts("brand", "remove", "acme", "--yes")
            with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
                file.write("username,id,email,display_name,brand,language,roles,disabled\n")
                file.write("new,4711,newest@example.com,New,,,,\n")
                file.flush()
                local.accounts("import", file.name, "--overwrite", "--yes")
            local.accounts("expire", "jdoe")
            local.accounts("delete", "new", "--yes")
            cls.rows = local.rows()
        finally:
            local.stop()

    def test_rows_are_as_the_schema_says(self):
        Draft202012Validator.check_schema(SCHEMA)
        validator = Draft202012Validator(SCHEMA)
        for row in self.rows:
            errors = [error.message for error in validator.iter_errors(row)]
            self.assertEqual(errors, [], row)

    def test_rows_have_no_attribute_that_the_schema_does_not_know(self):
        found = {name for row in self.rows for name in row}
        self.assertEqual(found - set(SCHEMA["properties"]), set())

    def test_the_run_causes_every_expected_event(self):
        self.assertEqual({text(row["event"]) for row in self.rows} & CAUSED, CAUSED)

    def test_the_schema_refuses_what_is_no_row(self):
        validator = Draft202012Validator(SCHEMA)
        for name, value in {"event": {"S": "password.guessed"}, "at": {"S": "yesterday"}, "actor": "ops"}.items():
            self.assertFalse(validator.is_valid({**self.rows[0], name: value}), name)
        for name in SCHEMA["required"]:
            shorter = {other: value for other, value in self.rows[0].items() if other != name}
            self.assertFalse(validator.is_valid(shorter), name)


class Documentation(unittest.TestCase):
    TABLES = re.findall(r"^\| `([^|]*)` \|", DOCUMENTED, re.MULTILINE)
    NAMES = {name for cell in TABLES for name in re.findall(r"[a-z_.]+", cell)}

    def test_the_schema_has_the_documented_events_and_attributes(self):
        events = SCHEMA["properties"]["event"]["properties"]["S"]["enum"]
        self.assertEqual(len(events), len(set(events)))
        self.assertEqual({name for name in self.NAMES if "." in name}, set(events))
        attributes = {name for name in self.NAMES if "." not in name} - {"event"}
        self.assertEqual(attributes, set(SCHEMA["properties"]) - {"event", "at", "expires_at"})

    def test_changes_of_accounts_are_events_and_nothing_else_is(self):
        source = template()["Resources"]["AuditEvents"]["Properties"]["SourceParameters"]
        [criterion] = source["FilterCriteria"]["Filters"]
        pattern = json.loads(criterion["Pattern"])["dynamodb"]["NewImage"]["event"]["S"]
        prefixes = tuple(one["prefix"] for one in pattern)
        events = SCHEMA["properties"]["event"]["properties"]["S"]["enum"]
        sent = {name for name in events if name.startswith(prefixes)}
        kept_back = {"access.denied", "brand.removed", "brand.set", *(name for name in events if name.startswith("mail."))}
        self.assertEqual(set(events) - sent, kept_back)


if __name__ == "__main__":
    unittest.main()
