"""Helpers for tests of the IAM policies in policies/."""

import fnmatch
import json

from stack import as_list
from transform import ROOT

# The maximum length of a managed policy in characters, without white space (IAM quotas).
MAX_SIZE = 6144


def policy(name):
    return json.loads((ROOT / f"policies/{name}.json").read_text())


def statements(*names):
    return [statement for name in names for statement in policy(name)["Statement"]]


def allows(allowed, action):
    """Whether a list of actions, which may contain wildcards, includes this one. IAM ignores case."""
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed)


def actions(found):
    """All actions of statements."""
    return {action for statement in found for action in as_list(statement["Action"])}


def table_actions(placeholder):
    """The actions that operate.json allows on a table. `placeholder` is the table's, with the rest of the ARN."""
    ending = f"table/${{{placeholder}"
    found = [
        statement
        for statement in statements("operate")
        if any(resource.rstrip("}").endswith(ending) for resource in as_list(statement["Resource"]))
    ]
    return {action.removeprefix("dynamodb:") for action in actions(found)}
