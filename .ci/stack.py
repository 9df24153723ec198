"""template.yaml for tests: with a value for every parameter, and transformed."""

import re

from samcli.cli.types import CfnParameterOverridesType
from transform import ROOT, deployed, template, with_code

RESET = "ResetUserPasswordFunction"
UPDATE = "UpdateUserRegistrationPasswordFunction"
BOTH = {RESET, UPDATE}

TEMPLATE = template()


def owners_values():
    """The parameters of parameters.example.yaml, read as `sam deploy` reads them."""
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
    """The resources of the transformed template with these changes to parameters."""
    parameters = values(**changes)
    # Another architecture needs another binary.
    code = with_code(source, f"code-{parameters['Architecture']}")
    return deployed(code, parameters)["Resources"]


def holds(condition, parameters):
    """Whether a condition of the template, given by name or in full, holds with these parameters."""
    if isinstance(condition, str):
        condition = TEMPLATE["Conditions"][condition]
    [(function, arguments)] = condition.items()
    if function == "Condition":
        return holds(arguments, parameters)
    if function == "Fn::Equals":
        left, right = arguments
        return parameters[left["Ref"]] == right
    answers = [holds(argument, parameters) for argument in arguments]
    if function == "Fn::Not":
        return not answers[0]
    return all(answers) if function == "Fn::And" else any(answers)


def decided(value, parameters):
    """A value with each `Fn::If` resolved for these parameters; `AWS::NoValue` is None."""
    if isinstance(value, list):
        return [decided(inner, parameters) for inner in value]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": "AWS::NoValue"}:
        return None
    if "Fn::If" in value:
        condition, then, otherwise = value["Fn::If"]
        return decided(then if holds(condition, parameters) else otherwise, parameters)
    return {name: decided(inner, parameters) for name, inner in value.items()}


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def as_list(value):
    """CloudFormation and IAM treat a single value as a list of one."""
    return value if isinstance(value, list) else [value]


def references(value):
    """All names that `Ref` and `Fn::Sub` use in a value."""
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
