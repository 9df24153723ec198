"""The contents of the repository: files, words of the code, resources, recorded cases."""

import functools
import json
import re
import subprocess

from checker.pages import ROOT


@functools.cache
def files():
    """Files under version control, and new ones that are not ignored."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {file for file in listed.split("\n") if file and (ROOT / file).exists()}


@functools.cache
def folders():
    return {"/".join(file.split("/")[:depth]) for file in files() for depth in range(1, file.count("/") + 1)}


@functools.cache
def words():
    """All words of the code, the template and the configuration, without documentation."""
    found = set()
    for file in files():
        if file.endswith((".rs", ".yaml", ".toml", ".sh", ".json", ".wsdl")) or "." not in file.rsplit("/", 1)[-1]:
            if not file.startswith("docs/"):
                found.update(re.findall(r"\w+", (ROOT / file).read_text(encoding="utf-8", errors="ignore")))
    return found


@functools.cache
def sources():
    """The text of the code and of the recorded exchanges."""
    endings = (".rs", ".html", ".jsonl", ".txt")
    found = (ROOT / file for file in files() if file.endswith(endings) and not file.startswith("docs/"))
    return "".join(file.read_text(encoding="utf-8", errors="ignore") for file in found)


@functools.cache
def alarms():
    text = (ROOT / "template.yaml").read_text()
    return set(re.findall(r"(?m)^  (\w+):\n(?:    .*\n)*?    Type: AWS::CloudWatch::Alarm", text))


@functools.cache
def metrics():
    """Names of metrics that the functions write or the template names."""
    code = (ROOT / "shared/src/metrics.rs").read_text()
    template = (ROOT / "template.yaml").read_text()
    return set(re.findall(r"(?m)^    (\w+),$", code)) | set(re.findall(r"MetricName: (\w+)", template))


@functools.cache
def section(name):
    """The names in a section of the template."""
    text = re.search(rf"(?ms)^{name}:\n(.*?)(?=^\S|\Z)", (ROOT / "template.yaml").read_text())[1]
    return set(re.findall(r"(?m)^  (\w+):$", text))


def parameters():
    return section("Parameters")


@functools.cache
def resources():
    """Resources and outputs, with the rules that SAM makes from the events of a function."""
    template = (ROOT / "template.yaml").read_text()
    functions = re.findall(r"(?m)^  (\w+):\n    Type: AWS::Serverless::Function\n((?:(?: {4}.*)?\n)+)", template)
    rules = {function + event for function, text in functions for event in re.findall(r"(?m)^        (\w+):\n          Type: ", text)}
    return section("Resources") | section("Outputs") | rules


@functools.cache
def events():
    """Names of log events and audit rows, which are strings in the code."""
    found = set()
    for file in files():
        if file.endswith(".rs"):
            found.update(re.findall(r'"([a-z_]+\.[a-z_]+)"', (ROOT / file).read_text()))
    return found


@functools.cache
def cargo_targets():
    """Names of packages, and of tests and benchmarks that can be named on the command line of cargo."""
    found = set()
    for file in files():
        if file.endswith("Cargo.toml"):
            found.update(re.findall(r'(?m)^name = "([\w-]+)"', (ROOT / file).read_text()))
        target = re.search(r"/(?:tests|benches)/([\w-]+)(?:/main)?\.rs$", file)
        found.update([target[1]] if target else [])
    return found


@functools.cache
def cases():
    """Names of recorded exchanges."""
    found = set()
    for file in files():
        if "/tests/corpus/" in file and file.endswith(".jsonl"):
            found.update(json.loads(line).get("name") for line in (ROOT / file).read_text().splitlines() if line)
    return found


def is_ignored(path):
    """Whether Git ignores the path, because a command creates it."""
    return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0
