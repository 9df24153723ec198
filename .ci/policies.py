"""The policies in policies/, as the tests look at them."""

import fnmatch
import json

from stack import as_list
from transform import ROOT

# What a managed policy may have, without white space (IAM quotas).
MAX_SIZE = 6144


def policy(name):
    return json.loads((ROOT / f"policies/{name}.json").read_text())


def statements(*names):
    return [statement for name in names for statement in policy(name)["Statement"]]


def allows(allowed, action):
    """Whether a list of actions, which may have wildcards, has this one. IAM ignores case."""
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed)


def actions(found):
    """All actions of statements."""
    return {action for statement in found for action in as_list(statement["Action"])}


def table_actions(placeholder):
    """The actions of operate.json on a table by its placeholder, and what follows that."""
    ending = f"table/${{{placeholder}"
    found = [
        statement
        for statement in statements("operate")
        if any(resource.rstrip("}").endswith(ending) for resource in as_list(statement["Resource"]))
    ]
    return {action.removeprefix("dynamodb:") for action in actions(found)}
