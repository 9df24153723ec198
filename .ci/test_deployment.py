"""Tests of deployments: versions, gradual deployments, the first deployment and deletion of the stack.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import copy
import hashlib
import json
import tomllib
import unittest

from samcli.cli.types import CfnParameterOverridesType
from stack import BOTH, RESET, TEMPLATE, UPDATE, deploy, holds, of_type, owners_values, references, values
from transform import OPTIONS, ROOT, serverless, with_code

# Values that differ from the defaults and the example, for parameters that are not numbers.
OTHER = {
    "AlarmEmail": "somebody@example.org",
    "Architecture": "arm64",
    "AsmxProtocols": "Soap",
    "CommonServiceCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a",
    "CommonServiceCloudFrontCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1c",
    "CommonServiceDomain": "a.example.org",
    "CommonServiceMinimumTls": "TLSv1",
    "DeletionProtection": "DISABLED",
    "Deployment": "AllAtOnce",
    "EventBus": "accounts",
    "FrontDoor": "CLOUDFRONT",
    "FrontDoorOtherSecretName": "front-door-4",
    "FrontDoorSecretName": "front-door-3",
    "LogDays": "30",
    "LoginUrl": "https://example.org/other",
    "MailArns": "arn:aws:ses:us-east-1:123456789012:identity/example.org",
    "MailFrom": "other@example.org",
    "MailLanguage": "de",
    "NotifyPasswordSet": "always",
    "ProductName": "Other",
    "RegistrarServicesCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0b",
    "RegistrarServicesCloudFrontCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1d",
    "RegistrarServicesDomain": "b.example.org",
    "ReplyTo": "help@example.org",
    "ResetMode": "dual",
    "SelfTest": "ENABLED",
    "SelfTestUsername": "somebody",
    "SupportContact": "other@example.org",
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/other/1e",
}
# The parameters that a front door needs and reads.
FRONT_DOOR = {
    name: value
    for name, value in OPTIONS.items()
    if name in ("FrontDoor", "WebAclArn")
    or name.startswith(("CommonService", "RegistrarServices", "FrontDoor"))
}
# The parameters without which a parameter has no effect.
TOGETHER = {
    **{name: FRONT_DOOR for name in FRONT_DOOR},
    "CommonServiceMinimumTls": FRONT_DOOR,
    "CommonServiceCertificateArn": {"CommonServiceDomain": OTHER["CommonServiceDomain"]},
    "CommonServiceDomain": {},
    "FrontDoor": {**FRONT_DOOR, "FrontDoor": "NONE"},
    "RegistrarServicesCertificateArn": {"RegistrarServicesDomain": OTHER["RegistrarServicesDomain"]},
    "RegistrarServicesDomain": {},
}
# The properties of a function that are not part of a version.
NOT_OF_A_VERSION = {"ReservedConcurrentExecutions", "Tags"}
# The properties of a version that SAM itself checks. The architecture shows in the code.
SEEN_BY_SAM = {"Architectures", "Code", "Environment", "MemorySize"}


def version(resources, function):
    """The logical ID of a function's version. CloudFormation publishes a version when the ID changes. A version
    with the same ID and a different description would be an update, which CloudFormation refuses."""
    [found] = [
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Version" and name.startswith(f"{function}Version")
    ]
    return found


def kept(resources, function):
    """The properties that are part of a version of the function."""
    properties = resources[function]["Properties"]
    return {name: value for name, value in properties.items() if name not in NOT_OF_A_VERSION}


def differing(of, before, after):
    return {function for function in BOTH if of(before, function) != of(after, function)}


def readers(parameter):
    """The functions whose variables use the parameter."""
    resources = TEMPLATE["Resources"]
    return {
        function
        for function in BOTH
        if parameter in references(resources[function]["Properties"]["Environment"])
    }


class Versions(unittest.TestCase):
    """A version is published if and only if a property of it changes. Lambda refuses a version without a
    change, and without a new version, the alias keeps the old values."""

    def test_a_parameter_publishes_the_functions_that_read_it(self):
        for name in TEMPLATE["Parameters"]:
            together = TOGETHER.get(name, {})
            before = deploy(**together)
            other = OTHER.get(name) or str(int(values()[name]) + 1)
            after = deploy(**{**together, name: other})
            expected = BOTH if name == "Architecture" else readers(name)
            with self.subTest(name):
                self.assertNotEqual(before, after, "the parameter does nothing")
                self.assertEqual(differing(version, before, after), expected)
                self.assertEqual(differing(kept, before, after), expected)

    def test_readers_are_as_the_names_say(self):
        for name, expected in {
            "ResetMode": BOTH,
            "MailFrom": BOTH,
            "SelfTestUsername": {RESET},
            "CredentialCacheSeconds": {UPDATE},
            "SessionHours": {UPDATE},
            "FrontDoor": BOTH,
            "FrontDoorSecretName": BOTH,
            "FrontDoorOtherSecretName": BOTH,
            "WebAclArn": set(),
            "NotifyPasswordSet": {UPDATE},
            "ResetConcurrency": set(),
            "AnonymousRate": set(),
            "AlarmEmail": set(),
        }.items():
            self.assertEqual(readers(name), expected, name)

    def test_without_a_change_nothing_is_published(self):
        before = deploy()
        self.assertEqual(before, deploy())
        changed = copy.deepcopy(TEMPLATE)
        changed["Resources"][RESET]["Properties"]["Tags"] = {"team": "accounts"}
        changed["Resources"]["DeadLettersAlarm"]["Properties"]["Threshold"] = 2
        after = deploy(changed)
        self.assertNotEqual(before, after)
        self.assertEqual(differing(version, before, after), set())

    def test_code_and_memory_publish(self):
        before = deploy()
        for name, value in {"MemorySize": 2048, "CodeUri": "s3://bucket/other"}.items():
            changed = copy.deepcopy(TEMPLATE)
            changed["Resources"][RESET]["Properties"][name] = value
            self.assertEqual(differing(version, before, deploy(changed)), {RESET}, name)

    def test_a_variable_has_the_digest_of_what_sam_does_not_look_at(self):
        resources = serverless(with_code(TEMPLATE, "code"))["Resources"]
        for function in BOTH:
            unseen = {
                name: value
                for name, value in kept(resources, function).items()
                if name not in SEEN_BY_SAM
            }
            self.assertIn("Timeout", unseen)
            digest = hashlib.sha256(json.dumps(unseen, sort_keys=True).encode()).hexdigest()
            variables = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
            self.assertEqual(variables["SETTINGS_DIGEST"], digest[:8], function)

    def test_a_version_has_no_property_besides_its_function(self):
        for function in BOTH:
            name = version(deploy(), function)
            properties = deploy()[name]["Properties"]
            self.assertEqual(properties, {"FunctionName": {"Ref": function}})

    def test_globals_read_no_parameter_into_variables(self):
        used = set(references(TEMPLATE["Globals"]["Function"]["Environment"]))
        self.assertEqual(used & set(TEMPLATE["Parameters"]), set())


class Deployment(unittest.TestCase):
    def test_a_gradual_deployment_heeds_alarms(self):
        resources = deploy()
        groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
        self.assertEqual(len(groups), 2)
        for group in groups:
            alarms = group["Properties"]["AlarmConfiguration"]
            self.assertTrue(alarms["Enabled"])
            self.assertEqual(len(alarms["Alarms"]), 4)
            for alarm in alarms["Alarms"]:
                # A time without requests must not stop a deployment.
                properties = resources[alarm["Name"]["Ref"]]["Properties"]
                self.assertEqual(properties["TreatMissingData"], "notBreaching")
        for alias in of_type(resources, "AWS::Lambda::Alias").values():
            self.assertIn("CodeDeployLambdaAliasUpdate", alias["UpdatePolicy"])

    def test_all_at_once_uses_no_codedeploy_and_ignores_alarms(self):
        by_sam_alone = serverless(with_code(TEMPLATE, "code"), values(Deployment="AllAtOnce"))
        for resources in (deploy(Deployment="AllAtOnce"), by_sam_alone["Resources"]):
            aliases = of_type(resources, "AWS::Lambda::Alias").values()
            self.assertEqual(len(aliases), 2)
            for alias in aliases:
                self.assertNotIn("UpdatePolicy", alias)
            kinds = {resource["Type"] for resource in resources.values()}
            self.assertEqual({kind for kind in kinds if "CodeDeploy" in kind}, set())

    def test_the_mapping_has_every_way_to_deploy(self):
        ways = TEMPLATE["Parameters"]["Deployment"]["AllowedValues"]
        self.assertEqual(sorted(TEMPLATE["Mappings"]["Deployments"]), sorted(ways))

    def test_no_concurrency_is_reserved_by_default(self):
        name = "ReservedConcurrentExecutions"
        for function, parameter in {RESET: "ResetConcurrency", UPDATE: "UpdateConcurrency"}.items():
            self.assertNotIn(name, deploy()[function]["Properties"])
            reserved = deploy(**{parameter: "35"})[function]["Properties"][name]
            self.assertEqual(str(reserved), "35")


# Tables whose loss only resets counters and sessions.
DISPOSABLE = {"LimitsTable", "SessionsTable"}


class StackDeletion(unittest.TestCase):
    def test_only_what_is_worth_it_outlives_the_stack(self):
        resources = deploy()
        outliving = {
            name
            for name, resource in resources.items()
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
        }
        stores = {"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket"}
        expected = {name for kind in stores for name in of_type(resources, kind)} - DISPOSABLE
        self.assertEqual(outliving, expected)
        retained = [
            resource["Type"]
            for resource in resources.values()
            if resource.get("DeletionPolicy") == "Retain"
        ]
        self.assertEqual(set(retained) - {"AWS::Lambda::Version"}, set())

    def test_all_tables_but_the_disposable_ones_are_protected(self):
        for protection, expected in {"ENABLED": True, "DISABLED": False}.items():
            tables = of_type(deploy(DeletionProtection=protection), "AWS::DynamoDB::Table")
            for name, table in tables.items():
                is_protected = table["Properties"]["DeletionProtectionEnabled"]
                self.assertEqual(is_protected, expected and name not in DISPOSABLE, name)


class Options(unittest.TestCase):
    def test_every_option_is_looked_at(self):
        """checkov skips resources whose condition is false."""
        parameters = {**values(), **{name: str(value) for name, value in OPTIONS.items()}}
        off = [name for name in TEMPLATE["Conditions"] if not holds(name, parameters)]
        self.assertEqual(off, [])


class SamConfig(unittest.TestCase):
    def test_the_owner_fills_in_what_has_no_default(self):
        required = {
            name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter
        }
        self.assertEqual(set(owners_values()), required)
        self.assertEqual(len(required), 5)
        for name, value in owners_values().items():
            pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
            for one in value.split(",") if name == "MailArns" else [value]:
                self.assertRegex(one, f"^({pattern})$", name)

    def test_build_and_deploy_read_the_owners_file(self):
        config = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
        for command in ("build", "deploy"):
            overrides = config[command]["parameters"]["parameter_overrides"]
            self.assertEqual(overrides, "file://parameters.yaml")
        self.assertIn("/parameters.yaml", (ROOT / ".gitignore").read_text().splitlines())
        parameters = config["deploy"]["parameters"]
        # CloudFormation applies the tags of a stack to all its resources.
        self.assertEqual(parameters["tags"], "application=password-services")
        self.assertIn("CAPABILITY_AUTO_EXPAND", parameters["capabilities"])

    def test_a_parameter_on_the_command_line_adds_to_those_of_the_file(self):
        given = (f"file://{ROOT}/parameters.example.yaml", "Deployment=AllAtOnce")
        read = CfnParameterOverridesType().convert(given, None, None)
        self.assertEqual(read, {**owners_values(), "Deployment": "AllAtOnce"})


if __name__ == "__main__":
    unittest.main()
