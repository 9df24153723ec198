"""The command line of docs/check."""

from pathlib import Path

from checker import commands, names, options, self_test
from checker.pages import all_pages, read


def main(usage, arguments):
    if arguments == ["--self-test"]:
        return self_test.run()
    if not arguments or arguments[0] not in ("names", "commands"):
        print(usage)
        return 2
    pages = [read(Path(path).resolve()) for path in arguments[1:]] or all_pages()
    wrong = check_names(pages) if arguments[0] == "names" else check_commands(pages)
    print("\n".join(wrong) or "no mistakes found")
    return 1 if wrong else 0


def check_names(pages):
    return [fault for page in pages for fault in names.check(page)]


def check_commands(pages):
    wrong = [fault for page in pages for fault in options.check(page)]
    tally = commands.Tally()
    for page in pages:
        wrong += commands.check(page, tally)
    print(tally.report())
    return wrong
