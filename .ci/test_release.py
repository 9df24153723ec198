"""Tests of a release's template: the same stack, with functions that are already built."""

import sys
import unittest

from samtranslator.yaml_helper import yaml_parse
from stack import TEMPLATE
from transform import ROOT

sys.path.insert(0, str(ROOT / "release"))
import template  # noqa: E402

SOURCE = (ROOT / "template.yaml").read_text()


class Release(unittest.TestCase):
    def test_it_is_the_same_stack_with_built_functions(self):
        for architecture in ("x86_64", "arm64"):
            released = yaml_parse(template.of_release(SOURCE, architecture))
            expected = yaml_parse(SOURCE)
            del expected["Globals"]["Function"]["CodeUri"]
            expected["Parameters"]["Architecture"]["Default"] = architecture
            for resource in expected["Resources"].values():
                metadata = resource.get("Metadata", {})
                if metadata.pop("BuildMethod", None):
                    binary = metadata.pop("BuildProperties")["Binary"]
                    resource["Properties"]["CodeUri"] = f"{binary}.zip"
            self.assertEqual(released, expected)

    def test_every_function_is_in_it(self):
        released = yaml_parse(template.of_release(SOURCE, "x86_64"))
        zips = {
            resource["Properties"].get("CodeUri")
            for resource in released["Resources"].values()
            if resource["Type"] == "AWS::Serverless::Function"
        }
        self.assertEqual(zips, {"reset-user-password.zip", "update-user-registration-password.zip"})
        functions = [
            name
            for name, resource in TEMPLATE["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        ]
        self.assertEqual(len(functions), len(zips))

    def test_another_template_is_refused_rather_than_half_changed(self):
        with self.assertRaises(ValueError):
            template.of_release(SOURCE.replace("rust-cargolambda", "makefile"), "x86_64")


if __name__ == "__main__":
    unittest.main()
