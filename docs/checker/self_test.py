"""Shows that the checks notice mistakes: each planted one must be found, and a page without mistakes must pass."""

from checker import commands, names, options
from checker.pages import ROOT, Page

FILE = (ROOT / ".gitattributes").read_text()
RIGHT = f"""
# A page

[a file](../README.md), [a heading](#a-page), `shared/src/names.rs`, `USERS_TABLE`, `MailArns`, `SweepsMissingAlarm`,
`reset.done`, `accounts list --role Admin`, `--dry-run`, `cargo test -p accounts`

| metric | meaning |
|---|---|
| `Failures` | |

| parameter | meaning |
|---|---|
| `Deployment` | |

The metric `MailTime`.

```text ../.gitattributes
{FILE}```

```csv people.csv
username,id
mmiller,101
```

```console
$ accounts import people.csv
1 written, …
$ accounts show mmiller
username mmiller
…
version 1
$ accounts delete mmiller
Delete …
mmiller…
```

```console
$ cargo run -p local
…
ready on http://127.0.0.1:3000
```
"""

# Each replaces a part of the right page.
MISTAKES = {
    "a dead link": ("../README.md", "../READYOU.md"),
    "a missing heading": ("#a-page", "#another-page"),
    "a missing file": ("names.rs", "numbers.rs"),
    "a missing test": ("`shared/src/names.rs`", "`shared/src/names.rs: nothing_is_tested`"),
    "an unknown variable": ("USERS_TABLE", "USERS_TABEL"),
    "an unknown parameter": ("MailArns", "MailArnz"),
    "an unknown metric": ("`Failures`", "`Failurez`"),
    "an unknown metric in a sentence": ("`MailTime`", "`Mailtime`"),
    "an unknown parameter of one word": ("`Deployment`", "`Deploiment`"),
    "an unknown alarm": ("SweepsMissingAlarm", "SweepsLostAlarm"),
    "an unknown event": ("reset.done", "reset.finished"),
    "a block that differs from its file": (FILE, "something else\n"),
    "a wrong option": ("list --role", "list --rolle"),
    "a wrong option of any program": ("`--dry-run`", "`--dryrun`"),
    "a wrong subcommand": ("accounts list", "accounts lists"),
    "a missing package": ("-p accounts", "-p account"),
    "a wrong output": ("version 1", "version 2"),
    "a missing line of output": ("username mmiller\n…\n", "username mmiller\n"),
    "a wrong output of the local program": ("ready on", "running on"),
    "commands that are not run": ("```console\n$ cargo", "```bash\n$ cargo"),
    "a block of an unknown kind": ("```csv people.csv", "```"),
    "a command that fails": ("accounts show mmiller\nusername mmiller\n…\nversion 1", "accounts show nobody"),
}


def run():
    wrong = [f"a page without mistakes is refused: {fault}" for fault in faults(RIGHT)]
    for mistake, (part, replacement) in MISTAKES.items():
        if part not in RIGHT or not faults(RIGHT.replace(part, replacement)):
            wrong.append(f"not noticed: {mistake}")
    print("\n".join(wrong) or f"{len(MISTAKES)} mistakes noticed")
    return 1 if wrong else 0


def faults(text):
    page = Page(ROOT / "docs/planted.md", text)
    return names.check(page) + options.check(page) + commands.check(page, commands.Tally())
