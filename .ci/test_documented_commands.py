"""Checks that the roles that the pages name may run the AWS commands on these pages.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import re
import sys
import unittest

import botocore.session
from botocore import xform_name
from policies import actions, allows, statements
from transform import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from checker.pages import read  # noqa: E402

SETUP, DEPLOYER, ON_CALL = ("setup",), ("deploy", "deploy-services"), ("operate", "oncall")
# The policies that a page names, by the beginning of a heading. Other sections belong to "".
PAGES = {
    "deploy.md": {
        "0. ": None,  # An administrator creates policies.
        "1. ": SETUP,
        "2. ": SETUP,
        "3. ": SETUP,
        "4. ": DEPLOYER,
        "5. ": DEPLOYER,
        "6. ": DEPLOYER,
        "7. ": ("operate",),
        "8. ": ("operate",),
        "9. ": ("operate",),
        "": SETUP,
    },
    "operations.md": {"Rotating keys": (*SETUP, *DEPLOYER), "": ON_CALL},
    "troubleshooting.md": {"A deployment fails": DEPLOYER, "": ON_CALL},
    "upgrade.md": {"Roll back": ("oncall", *DEPLOYER), "Restore": (*DEPLOYER, "restore"), "": DEPLOYER},
    "front-door.md": {"": (*SETUP, *DEPLOYER)},
    "migration.md": {"": (*SETUP, *DEPLOYER, "operate")},
}
# Services and commands whose names in IAM differ from those of the AWS CLI.
SERVICES = {"sesv2": "ses", "service-quotas": "servicequotas"}
COMMANDS = {
    ("lambda", "invoke"): "lambda:InvokeFunction",
    ("logs", "tail"): "logs:FilterLogEvents",
    ("acm", "wait"): "acm:DescribeCertificate",
    ("cloudformation", "wait"): "cloudformation:DescribeStacks",
    ("dynamodb", "wait"): "dynamodb:DescribeTable",
    ("apigatewayv2", "get-domain-name"): "apigateway:GET",
}
# IAM requires no permission for it.
WITHOUT_PERMISSION = {("sts", "get-caller-identity")}
# The administrator creates and updates policies, and the owner of the domain changes DNS.
# upgrade.md warns against update-stack.
OTHERS = {
    ("iam", "create-policy"),
    ("iam", "create-policy-version"),
    ("iam", "delete-policy-version"),
    ("route53", "list-resource-record-sets"),
    ("route53", "change-resource-record-sets"),
    ("cloudformation", "update-stack"),
}


def action_of(service, command):
    """The action in IAM of a command of the AWS CLI."""
    if (service, command) in COMMANDS:
        return COMMANDS[service, command]
    operations = botocore.session.get_session().get_service_model(service).operation_names
    [operation] = [name for name in operations if xform_name(name, "-") == command]
    return f"{SERVICES.get(service, service)}:{operation}"


def commands(name):
    """The AWS commands of a page, each with its second-level heading and its line."""
    page = read(ROOT / "docs" / name)
    lines = list(page.prose)
    for block in page.blocks:
        lines[block.line : block.line + len(block.lines)] = block.lines
    heading = ""
    for number, line in enumerate(lines, 1):
        if page.prose[number - 1].startswith("## "):
            heading = line.removeprefix("## ")
        for service, command in re.findall(r"\baws ([a-z0-9-]+) ([a-z0-9-]+)", line):
            yield heading, number, (service, command)


def policies_of(name, heading):
    """The policies that the page names for a section."""
    found = PAGES[name]
    return found[next(beginning for beginning in found if heading.startswith(beginning))]


class DocumentedCommands(unittest.TestCase):
    def test_the_role_that_a_page_names_may_run_its_commands(self):
        for name in PAGES:
            seen = 0
            for heading, line, command in commands(name):
                policies = policies_of(name, heading)
                if policies is None or command in WITHOUT_PERMISSION | OTHERS:
                    continue
                seen += 1
                action = action_of(*command)
                self.assertTrue(allows(actions(statements(*policies)), action), f"{name}:{line}: {action} of {policies}")
            self.assertGreater(seen, 0, f"{name} has commands")

    def test_whoever_is_on_call_can_roll_a_function_back(self):
        allowed = actions(statements(*ON_CALL))
        for action in ("lambda:GetAlias", "lambda:ListVersionsByFunction", "lambda:UpdateAlias"):
            self.assertTrue(allows(allowed, action), action)

    def test_only_the_restorer_may_read_and_write_items_of_all_tables(self):
        for name in ("setup", "oncall"):
            for statement in statements(name):
                if allows(actions([statement]), "dynamodb:DeleteItem"):
                    self.assertTrue(statement["Resource"].endswith("-SessionsTable-*"), name)
        self.assertFalse(allows(actions(statements("oncall")), "dynamodb:RestoreTableToPointInTime"))


if __name__ == "__main__":
    unittest.main()
