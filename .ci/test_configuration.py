"""Checks docs/configuration.md against the template: parameters, defaults, ranges and variables.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import re
import unittest

from stack import BOTH, TEMPLATE
from transform import ROOT

# Defaults that the page describes in words.
WORDS = {
    "required": None,
    "none": "",
    "the sender": "",
    "all": "HttpGet,HttpPost,Soap,Soap12,Documentation",
}


def documented():
    """Each parameter on the page: its variable, which may be empty, its default and its meaning."""
    columns = None
    for line in (ROOT / "docs/configuration.md").read_text().split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and cells[0] == "parameter":
            columns = cells
        elif not cells:
            columns = None
        elif columns and not cells[0].startswith("-"):
            row = dict(zip(columns, cells))
            names, defaults = row["parameter"].split(", "), row["default"].split(", ")
            for number, name in enumerate(names):
                default = defaults[number] if len(defaults) == len(names) else row["default"]
                variable = row.get("variable", "").strip("`")
                yield name.strip("`"), (variable, default.strip("`"), row["meaning"])


def ranges(meaning):
    return [(int(low), int(high)) for low, high in re.findall(r"\b(\d+) to (\d+)\b", meaning)]


def set_variables():
    """The variables that parameters set."""
    settings = [TEMPLATE["Resources"][name]["Properties"]["Environment"]["Variables"] for name in BOTH]
    settings.append(TEMPLATE["Globals"]["Function"].get("Environment", {}).get("Variables", {}))
    return {variable: value for variables in settings for variable, value in variables.items()}


class Configuration(unittest.TestCase):
    def test_the_page_has_every_parameter_once(self):
        self.assertEqual(sorted(name for name, _ in documented()), sorted(TEMPLATE["Parameters"]))

    def test_the_defaults_are_those_of_the_template(self):
        for name, (_, default, _) in documented():
            expected = TEMPLATE["Parameters"][name].get("Default")
            expected = None if expected is None else str(expected)
            self.assertEqual(WORDS.get(default, default), expected, name)

    def test_the_ranges_are_those_of_the_template(self):
        seen = 0
        for name, (_, _, meaning) in documented():
            parameter = TEMPLATE["Parameters"][name]
            for found in ranges(meaning):
                seen += 1
                self.assertEqual(found, (parameter.get("MinValue"), parameter.get("MaxValue")), name)
        self.assertGreater(seen, 10)

    def test_each_parameter_sets_its_variable(self):
        variables = set_variables()
        for name, (variable, _, _) in documented():
            if variable:
                self.assertIn(f"'{name}'" if "Secret" not in name else name, repr(variables[variable]), name)


if __name__ == "__main__":
    unittest.main()
