"""Reads template.yaml and prints what SAM's transform makes of it, as it does when deployed."""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class ManagedPolicies:
    """The ARNs are SAM's own when this has none."""

    def load(self):
        return {}


template = yaml_parse(sys.stdin)
# Where `sam deploy` would have put the code.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
json.dump(transform(template, {}, ManagedPolicies()), sys.stdout)
