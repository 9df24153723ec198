"""Checks that links, files, tests, variables, parameters, resources, metrics, alarms and events exist."""

import fnmatch
import re

from checker import others, tree
from checker.pages import ROOT, read

FILE_ENDINGS = "rs|py|md|yaml|toml|json|jsonl|mjs|cs|sh|java|html|csv"


def check(page):
    """The mistakes of a page."""
    wrong = [(line, fault) for line, target in page.links() for fault in link_faults(page, target)]
    written = {block.info[1] for block in page.blocks if len(block.info) == 2}
    for line, code in page.codes():
        if code in written:
            continue
        wrong += [(line, fault) for fault in code_faults(code)]
        wrong += [(line, fault) for fault in command_faults(code)]
    for block in page.blocks:
        wrong += [(block.line, fault) for fault in example_faults(page, block)]
        if block.info[:1] in ([], ["sh"], ["console"]):
            wrong += [(block.line, fault) for fault in command_faults("\n".join(block.lines))]
        if block.info[:1] == ["yaml"]:
            names = re.findall(r"(?m)^(\w+):", "\n".join(block.lines))
            wrong += [(block.line, f"no parameter {name}") for name in names if name not in tree.parameters()]
    wrong += [(line, fault) for line, file, text in page.pictures() for fault in picture_faults(file, text)]
    wrong += [(line, f"no {kind} {code}") for kind, known in (("metric", tree.metrics), ("parameter", tree.parameters))
              for line, code in page.first_cells(kind) if code not in known()]
    for line, text in enumerate(page.prose, 1):
        wrong += [(line, f"no metric {name}") for name in re.findall(r"\bmetrics? `(\w+)`", text)
                  if name not in tree.metrics()]
        wrong += [(line, f"no alarm {name} in template.yaml") for name in re.findall(r"\b\w+Alarm\b", text)
                  if name not in tree.alarms()]
    return [f"{page.name}:{line}: {fault}" for line, fault in wrong]


def link_faults(page, target):
    if re.match(r"[a-z]+:", target):
        return
    path, _, anchor = target.partition("#")
    file = (page.path.parent / path).resolve() if path else page.path
    if file != page.path and not file.exists():
        yield f"no file {path}"
    elif anchor and anchor not in (page if file == page.path else read(file)).anchors():
        yield f"no heading #{anchor} in {path or page.name}"


def example_faults(page, block):
    """Checks that a block with the name of a file of the repository is equal to the file."""
    file = page.file_of(block)
    if file and file.read_text(encoding="utf-8") != "\n".join(block.lines) + "\n":
        yield f"the block differs from {block.info[1]}"


def picture_faults(file, text):
    """Checks that the figures in the text for a plot are in the plot."""
    if file.suffix == ".svg" and file.exists():
        plot = file.read_text(encoding="utf-8")
        yield from (f"{file.name} has no {figure}" for figure in re.findall(r"\d[\d,.]* ms", text)
                    if not re.search(rf"(?<!\d){figure}", plot))


def code_faults(code):
    test = re.fullmatch(r"([\w/.-]+\.rs): (\w+)", code)
    if test:
        yield from test_faults(*test.groups())
    elif re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", code):
        yield from [f"the code reads no variable {code}"] * (code not in tree.words() | others.VARIABLES)
    elif re.fullmatch(r"[A-Z][a-z0-9]+([A-Z][A-Za-z0-9]*)+", code):
        yield from [f"no {code} in the template or the code"] * (code not in tree.words() | others.NAMES)
    elif re.fullmatch(r"[a-z_]+\.[a-z_]+", code) and code.split(".")[0] in prefixes():
        is_file = re.search(rf"\.({FILE_ENDINGS})$", code)
        yield from [f"no event {code}"] * (code not in tree.events() | others.ATTRIBUTES and not is_file)
    elif re.fullmatch(r"[A-Z][\w-]*( [\w-]+)+", code):
        yield from [f"no message or check {code}"] * (code not in others.MESSAGES and code not in tree.sources())
    elif names_a_file(code):
        yield from [f"no file {code}"] * (not exists(code))


def command_faults(text):
    """Checks the names in commands: packages and targets of cargo, programs of the repository, parameters, variables,
    resources and events."""
    for name, _ in re.findall(r"(?:^|(?<=file://parameters\.yaml ))([A-Z]\w*[a-z]\w*)(=|: )", text):
        yield from [f"no parameter {name}"] * (name not in tree.parameters() | others.MEMBERS)
    for name in re.findall(r"(?m)(?:^| )([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=", text):
        yield from [f"the code reads no variable {name}"] * (name not in tree.words() | others.VARIABLES)
    for name in re.findall(r"\b(?:logs|resource|output) \"?([A-Z]\w+)", text):
        yield from [f"no resource or output {name}"] * (name not in tree.resources())
    for name in re.findall(r'\$\.event = "([a-z_.]+)"', text):
        yield from [f"no event {name}"] * (name not in tree.events())
    for name in re.findall(r"(?m)^(?:\$ )?cargo \S.*", text):
        for target in re.findall(r" (?:-p|--bench|--test) ([\w-]+)", name.split(" -- ")[0]):
            yield from [f"no package or target {target}"] * (target not in tree.cargo_targets())
    for program in re.findall(r"(?m)^(?:\$ )?([\w.]+/[\w./-]+)(?= |$)", text):
        yield from [f"no program {program}"] * (names_a_file(program) and not exists(program))


def test_faults(file, test):
    found = matching(file)
    if not found:
        yield f"no file {file}"
    elif not any(re.search(rf"\bfn {test}\b", (ROOT / path).read_text()) for path in found):
        yield f"no test {test} in {file}"


def prefixes():
    return {name.split(".")[0] for name in tree.events()}


def names_a_file(code):
    if re.search(r"[^\w/.*-]", code) or code.startswith("/"):
        return False
    is_in_tree = "/" in code and code.split("/")[0] in tree.folders()
    return is_in_tree or code.endswith("/") or re.search(rf"[\w*]\.({FILE_ENDINGS})$", code) is not None


def exists(code):
    path = code.rstrip("/")
    is_folder = any(fnmatch.fnmatch(f"/{folder}", f"*/{path}") for folder in tree.folders())
    return bool(is_folder or matching(path) or code in tree.cases() | others.FILES or tree.is_ignored(code))


def matching(path):
    """Files whose path is or ends with this; `*` stands for any text."""
    return [file for file in tree.files() if fnmatch.fnmatch(f"/{file}", f"*/{path}")]
