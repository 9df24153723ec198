"""template.yaml as the tests look at it: with a value for every parameter, and transformed."""

import re

from samcli.cli.types import CfnParameterOverridesType
from transform import ROOT, deployed, template, with_code

RESET = "ResetUserPasswordFunction"
UPDATE = "UpdateUserRegistrationPasswordFunction"
BOTH = {RESET, UPDATE}

TEMPLATE = template()


def owners_values():
    """The parameters of parameters.example.yaml, as `sam deploy` reads them."""
    return CfnParameterOverridesType().convert(f"file://{ROOT}/parameters.example.yaml", None, None)


def values(**changes):
    """A value for every parameter."""
    defaults = {
        name: str(parameter["Default"])
        for name, parameter in TEMPLATE["Parameters"].items()
        if "Default" in parameter
    }
    return {**defaults, **owners_values(), **changes}


def deploy(source=TEMPLATE, **changes):
    """The resources of the transformed template with these parameters changed."""
    parameters = values(**changes)
    # Another architecture is another binary.
    code = with_code(source, f"code-{parameters['Architecture']}")
    return deployed(code, parameters)["Resources"]


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def as_list(value):
    """CloudFormation and IAM take one thing for a list of one."""
    return value if isinstance(value, list) else [value]


def references(value):
    """The names that `Ref` and `Fn::Sub` use anywhere in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref":
                yield inner
            elif name == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
