"""Transforms template.yaml like CloudFormation before a deployment: with AWS::LanguageExtensions, as
implemented by SAM CLI, and with SAM's own transform.

Run as a program, it prints the result of SAM's transform, for cfn-lint. With `--options-on`, it prints
the untransformed template with defaults that enable all options, for checkov, which skips disabled ones.
"""

import copy
import json
import logging
import os
import pathlib
import sys

from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# SAM determines the AWS partition from the region.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
# What SAM's libraries log is not about the template.
logging.disable()
ROOT = pathlib.Path(__file__).parent.parent
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "password-services",
}
# The parameters that enable everything that is off by default.
OPTIONS = {
    "AlarmEmail": "operators@example.org",
    "AuditArchiveDays": 400,
    "CommonServiceCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a",
    "CommonServiceCloudFrontCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0c",
    "CommonServiceDomain": "common.example.org",
    "EventBus": "default",
    "FrontDoor": "CLOUDFRONT",
    "FrontDoorOtherSecretName": "front-door-2",
    "FrontDoorSecretName": "front-door-1",
    "RegistrarServicesCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0b",
    "RegistrarServicesCloudFrontCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0d",
    "RegistrarServicesDomain": "registrar.example.org",
    "ResetConcurrency": 40,
    "SelfTest": "ENABLED",
    "UpdateConcurrency": 40,
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/front-door/0e",
}


class ManagedPolicies:
    """An empty list, so that SAM uses its own ARNs."""

    def load(self):
        return {}


def template():
    """template.yaml with short forms (`!Ref`) expanded."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def with_code(source, code):
    """A copy whose functions use code that `sam package` uploaded with this name."""
    copied = copy.deepcopy(source)
    copied["Globals"]["Function"]["CodeUri"] = f"s3://bucket/{code}"
    return copied


def with_options(source):
    """A copy whose defaults enable everything."""
    copied = copy.deepcopy(source)
    for name, value in OPTIONS.items():
        copied["Parameters"][name]["Default"] = value
    return copied


def serverless(source, parameters=None):
    """The template after the transform AWS::Serverless-2016-10-31 alone."""
    return transform(copy.deepcopy(source), dict(parameters or {}), ManagedPolicies())


def deployed(source, parameters):
    """The template after both transforms, in order, with these values of its parameters."""
    values = {**PSEUDO_PARAMETERS, **parameters}
    expanded = expand_language_extensions(source, parameter_values=values, enabled=True)
    return serverless(expanded.expanded_template, values)


if __name__ == "__main__":
    if sys.argv[1:] == ["--options-on"]:
        json.dump(with_options(template()), sys.stdout, indent=2)
    else:
        json.dump(serverless(with_code(template(), "code")), sys.stdout)
