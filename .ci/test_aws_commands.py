"""Checks that the commands of the AWS CLI and of SAM on the pages exist, with their options and the names in their queries.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import functools
import re
import shlex
import sys
import unittest

import botocore.session
import jmespath
from botocore import xform_name
from samcli.commands.build.command import cli as build
from samcli.commands.deploy.command import cli as deploy
from samcli.commands.local.invoke.cli import cli as local_invoke
from transform import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from checker.pages import all_pages  # noqa: E402

# A word of a command in the shell. A substitution is part of a word.
SUBSTITUTION = r"\$\((?:[^()]|\([^()]*\))*\)"
WORD = re.compile(rf""" *((?:'[^']*'|"(?:\\.|{SUBSTITUTION}|[^"\\])*"|{SUBSTITUTION}|\\.|[^\s'"|;&()<>])+)""", re.DOTALL)
# The options of every command, without those that the pages do not use.
GLOBAL = {"cli-binary-format", "cli-input-json", "cli-read-timeout", "output", "query", "region"}
# Commands of the AWS CLI that are no operations, with their options.
OTHERS = {
    ("configure", "export-credentials"): {"format", "profile"},
    ("logs", "tail"): {"filter-pattern", "format", "since"},
    ("sso", "login"): set(),
}
# `sam local` stands for `sam local invoke`.
SAM_COMMANDS = {"build": build, "deploy": deploy, "local": local_invoke}
# Options that the AWS CLI names differently from the API.
RENAMED = {"notification-endpoint": "endpoint"}


def texts():
    """The text of all blocks and all commands in sentences, with the page and whether it is in a sentence."""
    for page in all_pages():
        for block in page.blocks:
            yield page.name, False, "\n".join(block.lines).replace("\\\n", " ")
        for _, code in page.codes():
            yield page.name, True, code


def commands():
    """Each AWS command of all pages: the page, whether it is in a sentence, the service, the command and its arguments."""
    for page, is_in_sentence, text in texts():
        for found in re.finditer(r"\baws ([a-z0-9-]+) ([a-z0-9-]+)", text):
            yield page, is_in_sentence, (found[1], found[2], arguments(text[found.end() :]))


def sam_commands():
    """Each SAM command of all pages: the page, and the words of the command."""
    for page, _, text in texts():
        for found in re.finditer(r"(?<![\w/.-])sam (?=(build|deploy|local)\b)", text):
            yield page, arguments(text[found.end() :])


def sam_faults(words):
    """The options that a SAM command does not have."""
    command = SAM_COMMANDS[words[0]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if word.startswith("-") and word not in known]


def arguments(text):
    """The words up to the end of the command."""
    words = []
    while word := WORD.match(text):
        words += shlex.split(re.sub(SUBSTITUTION, "value", word[1]))
        text = text[word.end() :]
    return words


@functools.cache
def model(service):
    return botocore.session.get_session().get_service_model(service)


def operation(service, command, words):
    """The model of the operation that a command calls. `wait` calls that of its waiter."""
    if command == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service)
        [name] = [name for name in waiters.waiter_names if xform_name(name, "-") == words[0]]
        return model(service).operation_model(waiters.get_waiter(name).operation)
    [name] = [name for name in model(service).operation_names if xform_name(name, "-") == command]
    return model(service).operation_model(name)


def options_of(shape):
    names = set()
    for member, type_ in shape.members.items() if shape else ():
        names.add(xform_name(member, "-"))
        if type_.type_name == "boolean":
            names.add("no-" + xform_name(member, "-"))
    return names


def required(shape):
    return {xform_name(member, "-") for member in shape.required_members} if shape else set()


def names_of(shape, seen):
    """The names of all members of a shape, at any depth."""
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    inner = {"structure": lambda: shape.members.values(), "list": lambda: [shape.member], "map": lambda: [shape.value]}
    found = set(getattr(shape, "members", ()))
    return found.union(*(names_of(part, seen) for part in inner.get(shape.type_name, list)()))


def fields(tree):
    """The names of members in a query."""
    found = {tree["value"]} if tree["type"] == "field" else set()
    return found.union(*(fields(child) for child in tree["children"]))


def faults(service, command, words, is_in_sentence=False):
    options = {RENAMED.get(word[2:], word[2:]) for word in words if word.startswith("--")}
    if (service, command) in OTHERS:
        yield from options - OTHERS[service, command]
        return
    called = operation(service, command, words)
    yield from options - options_of(called.input_shape) - GLOBAL
    # A command in a sentence leaves out what the reader knows.
    if not is_in_sentence and "cli-input-json" not in options:
        yield from (f"without {name}" for name in required(called.input_shape) - options)
    if "query" in options:
        query = jmespath.compile(words[words.index("--query") + 1])
        # Attributes of items are in lower case.
        used = {name for name in fields(query.parsed) if service != "dynamodb" or name[0].isupper()}
        yield from used - names_of(called.output_shape, set())


class AwsCommands(unittest.TestCase):
    def test_the_aws_cli_knows_every_command(self):
        found = list(commands())
        self.assertGreater(len(found), 80)
        for page, is_in_sentence, command in found:
            with self.subTest(page=page, command=command):
                self.assertEqual(list(faults(*command, is_in_sentence)), [])

    def test_sam_knows_every_option(self):
        found = list(sam_commands())
        self.assertGreater(len(found), 10)
        for page, words in found:
            self.assertEqual(sam_faults(words), [], f"{page}: sam {' '.join(words)}")

    def test_it_notices_mistakes(self):
        self.assertEqual(sam_faults(["local", "invoke", "--event", "a.json"]), [])
        self.assertEqual(sam_faults(["local", "invoke", "--evnt", "a.json"]), ["--evnt"])
        right = "--table-name T --query 'Table.KeySchema[].AttributeName'"
        self.assertEqual(list(faults("dynamodb", "describe-table", arguments(right))), [])
        for part, wrong in (("table-name", "table"), ("--table-name T", ""), ("KeySchema", "Keys")):
            mistaken = arguments(right.replace(part, wrong))
            self.assertNotEqual(list(faults("dynamodb", "describe-table", mistaken)), [])
        with self.assertRaises(ValueError):
            list(faults("dynamodb", "describe-tables", []))


if __name__ == "__main__":
    unittest.main()
