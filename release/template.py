"""Makes the template of a release, whose functions are zips that are already built."""

import re

BUILD = re.compile(
    r"      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: (?P<binary>.+)\n"
)
WORKSPACE = "    # The whole workspace, because its root has the release profile.\n    CodeUri: .\n"
ARCHITECTURE = re.compile(r"(  Architecture:\n(?:    .*\n)*?    Default: ).+\n")


def of_release(text, architecture):
    """The template for this architecture, with zips instead of code that `sam build` would build."""
    head, *functions = BUILD.split(text)
    if WORKSPACE not in head or not ARCHITECTURE.search(head) or len(functions) != 4:
        raise ValueError("template.yaml does not have the form that release/template.py expects")
    head = head.replace(WORKSPACE, "")
    head = ARCHITECTURE.sub(rf"\g<1>{architecture}\n", head)
    parts = [head]
    for binary, rest in zip(functions[::2], functions[1::2]):
        properties = "    Properties:\n"
        parts.append(rest.replace(properties, f"{properties}      CodeUri: {binary}.zip\n", 1))
    return "".join(parts)
