"""Shows that the checks notice mistakes: each planted one must be found, and a page without mistakes must pass."""

from checker import commands, names, options
from checker.pages import ROOT, Page

FILE = (ROOT / ".gitattributes").read_text()
RIGHT = f"""
# A page

[a file](../README.md), [a heading](#a-page), `shared/src/names.rs`, `USERS_TABLE`, `MailArns`, `SweepsMissingAlarm`,
`reset.done`, `accounts list --role Admin`, `--dry-run`, `cargo test -p accounts`, `ResetMode=dual`, `RESET_MODE=dual`,
`Alarm states`

<img src="pictures/peers-lambda.svg" alt="70 ms">

```yaml
AlarmEmail: oncall@example.com
```

```sh
logs ResetUserPasswordLogs '{{ $.event = "mail.bounced" }}'
sam deploy --parameter-overrides file://parameters.yaml DeletionProtection=DISABLED
cargo bench -p bench --bench functions -- size --starts 3
cargo run -p local -- --memory invoke reset-user-password events/reset-user-password/soap11.json
clients/compare --old http://HOST --new http://HOST
```

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
    "an unknown parameter with a value": ("ResetMode=dual", "ResetMood=dual"),
    "an unknown variable with a value": ("RESET_MODE=dual", "RESET_MOOD=dual"),
    "an unknown parameter on a command line": ("DeletionProtection=", "DeletionProtektion="),
    "an unknown parameter in YAML": ("AlarmEmail", "AlarmMail"),
    "a missing picture": ("peers-lambda.svg", "peers.svg"),
    "a figure that is not in the plot": ("70 ms", "7 ms"),
    "an unknown log group": ("ResetUserPasswordLogs", "ResetLogs"),
    "an unknown event in a filter": ("mail.bounced", "mail.lost"),
    "a wrong option of the local program": ("--memory invoke", "--memry invoke"),
    "a wrong option of a script": ("--old http", "--olld http"),
    "an unknown benchmark": ("size --starts", "sizes --starts"),
    "a wrong option of a benchmark": ("--starts 3", "--start 3"),
    "an unknown check of doctor": ("Alarm states", "Alarm sttes"),
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
