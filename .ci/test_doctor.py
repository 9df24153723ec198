"""Checks that `accounts doctor` expects what template.yaml creates.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import re
import unittest

from stack import TEMPLATE, of_type
from transform import ROOT

FOLDER = ROOT / "accounts/src/doctor"
SOURCES = "".join(file.read_text() for file in sorted(FOLDER.glob("*.rs")))
TABLES = (FOLDER / "tables.rs").read_text().split("const TABLES")[1].split("\n];")[0]


def words(text):
    return re.findall(r'"(\w[\w-]*)"', text)


def expected_tables():
    """The tables of tables.rs: keys, indexes, whether items expire and whether the table is durable."""
    for block in TABLES.split("    Table {")[1:]:
        head, _, rest = block.partition("indexes:")
        name = re.search(r'name: "(\w+)"', head)[1]
        key = words(re.search(r"key: &\[([^\]]*)\]", head)[1])
        indexes = {
            index: (words(key), set(words(attributes)))
            for index, key, attributes in re.findall(
                r'Index \{\s*name: "([\w-]+)",\s*key: &\[([^\]]*)\],\s*attributes: &\[([^\]]*)\]', rest
            )
        }
        yield name, (key, indexes, "expires: true" in rest, "is_durable: true" in rest)


def keys(properties):
    return [key["AttributeName"] for key in properties["KeySchema"]]


def created_tables():
    """The same properties of the tables in the template."""
    for name, resource in of_type(TEMPLATE["Resources"], "AWS::DynamoDB::Table").items():
        properties = resource["Properties"]
        indexes = {
            index["IndexName"]: (keys(index), set(index["Projection"].get("NonKeyAttributes", [])))
            for index in properties.get("GlobalSecondaryIndexes", [])
        }
        expiry = properties.get("TimeToLiveSpecification", {})
        is_restorable = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        yield name, (keys(properties), indexes, expiry.get("AttributeName") == "expires_at", is_restorable)


class Doctor(unittest.TestCase):
    def test_it_expects_the_tables_of_the_template(self):
        self.assertEqual(dict(expected_tables()), dict(created_tables()))

    def test_the_template_has_the_names_it_uses(self):
        outputs = set(re.findall(r'\boutput\("(\w+)"\)', SOURCES))
        outputs |= {name for block in re.findall(r"outputs: \[([^\]]*)\]", SOURCES) for name in words(block)}
        parameters = set(re.findall(r'\b(?:parameter|number|allows)\("(\w+)"', SOURCES))
        resources = set(re.findall(r'"(\w+(?:Function|Role))"', SOURCES))
        for used, section in ((outputs, "Outputs"), (parameters, "Parameters"), (resources, "Resources")):
            self.assertGreater(len(used), 3, section)
            self.assertEqual(used - set(TEMPLATE[section]), set(), section)

    def test_it_expects_the_events_that_the_template_reports(self):
        destination = TEMPLATE["Resources"]["MailEvents"]["Properties"]["EventDestination"]
        source = (FOLDER / "configuration_sets.rs").read_text()
        block = source.split("const EVENTS")[1].split("];")[0]
        expected = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in re.findall(r"EventType::(\w+)", block)}
        self.assertEqual(expected, set(destination["MatchingEventTypes"]))


if __name__ == "__main__":
    unittest.main()
