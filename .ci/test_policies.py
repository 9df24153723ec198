"""Compares the policies for deployment and for operators with the template and the source code.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import botocore.session
import cfnlint
from botocore import xform_name
from policies import MAX_SIZE, actions, allows, policy, statements, table_actions
from stack import TEMPLATE, as_list
from transform import ROOT, serverless, with_code

DEPLOY = ("deploy", "deploy-services")
# The clients of the SDK, and the names of their services in IAM.
CLIENTS = {"dynamodb": "dynamodb", "sesv2": "ses", "sts": "sts"}
# IAM checks the operations in a transaction instead of the transaction, and requires no permission for
# GetCallerIdentity.
WITHOUT_PERMISSION = {"dynamodb:TransactWriteItems", "sts:GetCallerIdentity"}
# Features of resource types that the template does not use.
UNUSED = [
    # Network, file systems, layers, signing, capacity and concurrency of functions.
    "ec2:*", "elasticfilesystem:*", "s3files:*", "lambda:*CodeSigningConfig", "lambda:GetLayerVersion",
    "lambda:AssociateRuntimeAlias", "lambda:Pass*", "lambda:Put*", "lambda:DeleteProvisioned*",
    # Imports, replicas, streams to Kinesis, Contributor Insights, resource policies and items of tables; log streams.
    "dynamodb:*Replica", "dynamodb:*Import*", "dynamodb:*able*KinesisStreamingDestination",
    "dynamodb:UpdateKinesis*", "dynamodb:UpdateContributorInsights", "dynamodb:*Item", "dynamodb:Query",
    "dynamodb:Scan", "dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy", "kinesis:*",
    "logs:*LogStream*", "logs:PutLogEvents",
    # Policies, indexes, tokens and destinations of log groups.
    "logs:*DataProtectionPolicy", "logs:*IndexPolicy", "logs:DeleteResourcePolicy", "logs:PutBearer*",
    "logs:PutLogGroupDeletionProtection", "firehose:*", "s3:REST.PUT.OBJECT",
    # Definitions in S3, trust stores, sites, replication, inventories, reports and lists of buckets.
    "s3:GetObject*", "s3:DeleteObject", "s3:DeleteBucket?*", "s3:*Metadata*", "s3:PutAccelerate*",
    "s3:PutAnalytics*", "s3:PutBucketAbac", "s3:Put*Acl", "s3:PutBucketCORS", "s3:PutBucketLogging",
    "s3:PutBucketNotification", "s3:PutBucketReplication", "s3:PutBucketWebsite", "s3:PutIntelligent*",
    "s3:PutInventory*", "s3tables:*", "s3:PutMetrics*", "s3:PutObject*", "s3:PutReplication*", "s3:UpdateBucket*",
    # Machines, boundaries, connection groups, origins in a VPC, archives and tracking of email.
    "codedeploy:RegisterOnPremisesInstance", "iam:*PermissionsBoundary", "cloudfront:*ConnectionGroup",
    "cloudfront:GetVpcOrigin", "cloudfront:*WithStagingConfig", "cloudfront:CreateDistributionWithTags",
    "ses:*ArchivingOptions", "ses:*DeliveryOptions", "ses:*TrackingOptions", "ses:*VdmOptions",
    "sns:PutDataProtectionPolicy",
]


def operations():
    """The names in IAM of every operation of the SDK's clients, by the name in Rust."""
    session = botocore.session.get_session()
    found = {}
    for service, prefix in CLIENTS.items():
        for operation in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(operation), set()).add(f"{prefix}:{operation}")
    return found


def sources():
    """The source code that `accounts` may run, without tests."""
    for folder in ("accounts/src", "shared/src"):
        for file in sorted((ROOT / folder).rglob("*.rs")):
            yield file.read_text().partition("#[cfg(test)]\nmod tests")[0]


def called():
    """The actions in the source code: a client's method without arguments, or a `Call`."""
    known = operations()
    found = set()
    for text in sources():
        for name in re.findall(r"\.([a-z0-9_]+)\(\)", text):
            found |= known.get(name, set())
        for api, operation in re.findall(r'Call::\w+\(\s*Api::(\w+),\s*"(\w+)"', text):
            found.add(f"{api.lower()}:{operation}")
    return found - WITHOUT_PERMISSION


def schemas():
    """CloudFormation's schemas of the resource types in the transformed template, by type."""
    template = serverless(with_code(TEMPLATE, "code"))
    types = {resource["Type"] for resource in template["Resources"].values()}
    folder = pathlib.Path(cfnlint.__file__).parent / "data/schemas/resources"
    read = (json.loads(file.read_text()) for file in folder.glob("*.json"))
    found = {schema["typeName"]: schema for schema in read if schema["typeName"] in types}
    assert set(found) == types, types - set(found)
    return found


def granted(role):
    """The actions that the policy `calls` of a role in the template allows, by resource and suffix of its ARN."""
    [calls] = [one for one in TEMPLATE["Resources"][role]["Properties"]["Policies"] if one["PolicyName"] == "calls"]
    for statement in calls["PolicyDocument"]["Statement"]:
        for resource in as_list(statement["Resource"]):
            if resource == {"Ref": "MailArns"}:
                continue
            if "Fn::GetAtt" in resource:
                target = (as_list(resource["Fn::GetAtt"])[0].removesuffix(".Arn"), "")
            elif "configuration-set" in resource["Fn::Sub"]:
                target = ("ConfigurationSet", "")
            else:
                target = re.fullmatch(r"\$\{(\w+)\.Arn\}(.*)", resource["Fn::Sub"]).groups()
            for action in as_list(statement["Action"]):
                yield (*target, action)


def examined(constant):
    """The actions that `accounts doctor` checks with IAM, from a constant in its source code."""
    text = (ROOT / "accounts/src/doctor/roles.rs").read_text()
    [block] = re.findall(rf"const {constant}: \[Grant; \d+\] = \[(.*?)\n\];", text, re.DOTALL)
    for resource, rest, listed in re.findall(r'grant\(\s*"(\w*)",\s*"([^"]*)",\s*&\[([^\]]*)\]', block):
        for action in re.findall(r'"([^"]+)"', listed):
            yield resource, rest, action


class Operate(unittest.TestCase):
    def test_it_allows_each_call_of_the_sources(self):
        needed = called()
        for action in ("dynamodb:Scan", "ses:GetAccount", "kms:DescribeKey", "cloudformation:DescribeStacks"):
            self.assertIn(action, needed, "the sources are read")
        allowed = actions(statements("operate"))
        self.assertEqual({action for action in needed if not allows(allowed, action)}, set())

    def test_it_allows_nothing_that_is_not_called(self):
        allowed = actions(statements("operate"))
        # test_operators_role.py covers the calls to DynamoDB. DynamoDB itself makes those to KMS.
        others = {action for action in allowed if not action.startswith(("dynamodb:", "kms:"))}
        self.assertEqual(others - called(), set())
        self.assertNotIn("*", "".join(allowed))

    def test_audit_rows_cannot_be_changed(self):
        read = {"Query", "Scan"}
        described = {"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"}
        self.assertEqual(table_actions("AuditTable"), {"PutItem"} | read | described)

    def test_doctor_asks_about_what_the_roles_have(self):
        for role, constant in (("ResetUserPasswordRole", "RESET"), ("UpdateUserRegistrationPasswordRole", "UPDATE")):
            asked = set(examined("BOTH")) | set(examined(constant))
            self.assertEqual(asked, set(granted(role)), role)


class Deploy(unittest.TestCase):
    def test_it_covers_each_resource_type_of_the_template(self):
        allowed = actions(statements(*DEPLOY))
        for kind, schema in schemas().items():
            needed = {
                action
                for handler in ("create", "read", "update", "delete")
                for action in schema["handlers"].get(handler, {}).get("permissions", [])
                if not allows(UNUSED, action)
            }
            self.assertTrue(needed or kind == "AWS::SNS::TopicPolicy", kind)
            self.assertEqual({action for action in needed if not allows(allowed, action)}, set(), kind)

    def test_roles_can_be_given_the_policies_and_services_of_the_template_alone(self):
        resources = serverless(with_code(TEMPLATE, "code"))["Resources"]
        roles = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Role"]
        attached = {json.dumps(arn) for role in roles for arn in role.get("ManagedPolicyArns", [])}
        services = {
            service
            for role in roles
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
            for service in as_list(statement["Principal"]["Service"])
        }
        by_sid = {statement["Sid"]: statement for statement in statements(*DEPLOY)}
        arns = by_sid["ManagedPoliciesOfRoles"]["Condition"]["ArnLike"]["iam:PolicyARN"]
        names = {arn.rpartition(":policy/")[2] for arn in arns}
        self.assertEqual({arn.rpartition(":policy/")[2].rstrip('"}') for arn in attached}, names)
        passed = by_sid["PassRoles"]["Condition"]["StringEquals"]["iam:PassedToService"]
        self.assertEqual(set(passed), services)

    def test_it_reads_and_writes_no_item(self):
        allowed = actions(statements(*DEPLOY))
        for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem"):
            self.assertFalse(allows(allowed, f"dynamodb:{action}"), action)


class Fill(unittest.TestCase):
    """Runs policies/fill with a fake AWS CLI."""

    STACK = {
        "UsersTable": "password-services-UsersTable-1A",
        "AuditTable": "password-services-AuditTable-1B",
        "BrandsTable": "password-services-BrandsTable-1C",
        "LimitsTable": "password-services-LimitsTable-1D",
        "SessionsTable": "password-services-SessionsTable-1E",
        "Key": "k-1",
        "ConfigurationSet": "mails",
        "AlarmTopic": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "ResetUserPasswordRole": "reset-role",
        "UpdateUserRegistrationPasswordRole": "update-role",
        "ResetUserPasswordFunction": "reset-1",
        "UpdateUserRegistrationPasswordFunction": "update-1",
    }
    ARNS = [f"arn:aws:ses:eu-west-1:123456789012:identity/{name}" for name in ("example.com", "acme.example")]

    def filled(self, name):
        answers = {
            "get-caller-identity": {"Arn": "arn:aws:sts::123456789012:assumed-role/Admin/jo"},
            "list-stack-resources": {
                "StackResourceSummaries": [
                    {"LogicalResourceId": name, "PhysicalResourceId": value} for name, value in self.STACK.items()
                ]
            },
            "describe-stacks": {
                "Stacks": [{"Parameters": [{"ParameterKey": "MailArns", "ParameterValue": ",".join(self.ARNS)}]}]
            },
        }
        done = self.run_fill(name, f"import json, sys\nprint(json.dumps({answers!r}[sys.argv[2]]))", AWS_REGION="eu-west-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_fill(self, name, cli, **variables):
        """Runs policies/fill with this Python program as the AWS CLI."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "aws")
            program.write_text(f"#!/usr/bin/env python3\n{cli}\n")
            program.chmod(0o755)
            environment = {**inherited, **variables, "PATH": f"{folder}:{os.environ['PATH']}"}
            command = [sys.executable, ROOT / "policies/fill", name, "password-services"]
            return subprocess.run(command, env=environment, capture_output=True, text=True)

    def test_a_failure_of_the_aws_cli_is_one_line_with_its_message(self):
        done = self.run_fill("deploy", "import sys\nsys.exit('\\nUnable to locate credentials.\\nConfigure them.')")
        self.assertEqual(done.returncode, 1)
        message = "policies/fill: aws sts get-caller-identity: Unable to locate credentials. Configure them.\n"
        self.assertEqual((done.stdout, done.stderr), ("", message))

    def test_a_missing_region_is_one_line(self):
        identity = 'print(\'{"Arn": "arn:aws:sts::123456789012:assumed-role/Admin/jo"}\')'
        done = self.run_fill("deploy", f"import sys\nif sys.argv[1] == 'configure': sys.exit(1)\n{identity}")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Apolicies/fill: no region found: .*\n\Z")

    def test_nothing_is_left_to_fill_in_and_the_result_is_a_policy_of_iam(self):
        for name in sorted(file.stem for file in (ROOT / "policies").glob("*.json")):
            text = self.filled(name)
            self.assertNotIn("$", text)
            self.assertLessEqual(len(text.strip()), MAX_SIZE, name)
            self.assertEqual(len(json.loads(text)["Statement"]), len(policy(name)["Statement"]))

    def test_operators_get_the_identities_of_the_stack(self):
        found = json.loads(self.filled("operate"))["Statement"]
        [mail] = [statement for statement in found if statement["Sid"] == "Mail"]
        own = "arn:aws:ses:eu-west-1:123456789012:configuration-set/mails"
        self.assertEqual(mail["Resource"], [*self.ARNS, own])


if __name__ == "__main__":
    unittest.main()
