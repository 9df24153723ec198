"""A fresh `local` and a temporary folder, in which the commands of a page run in order."""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import termios
import time
from pathlib import Path

from checker.options import BINARIES
from checker.pages import ROOT

PORT_IN_DOCS = "http://127.0.0.1:3000"
PASSWORD = "tin-Harbor-5521"
TIMEOUT = 60  # seconds, for one command

# Without limits, because the pages do more with one account in a minute than the limits allow.
SETTINGS = {
    "RESPONSE_FLOOR_MS": "0", "LOGIN_FAILURES_PER_MINUTE": "0", "RESET_PER_MINUTE": "0", "RESET_PER_HOUR": "0",
    "SOURCE_PER_MINUTE": "0", "PRODUCT_NAME": "Flood Watch", "MAIL_FROM": "no-reply@example.com",
    "SUPPORT_CONTACT": "help@example.com", "LOGIN_URL": "https://example.com", "USERS_TABLE": "Users",
    "AUDIT_TABLE": "Audit", "BRANDS_TABLE": "Brands", "LIMITS_TABLE": "Limits", "USER": "jo", "NO_COLOR": "1",
    "LANG": "C.UTF-8", "TERM": "dumb",
}

# `accounts` as the pages use it, but on the tables of `local`.
ACCOUNTS = """#!/bin/sh
unset ACCOUNTS_STACK
if [ "$1" = --stack ]; then shift 2; fi
case " $*" in *" --endpoint"*) ;; *) set -- --endpoint {dynamodb} "$@" ;; esac
case " $*" in *" --ses-endpoint"*) ;; *) set -- --ses-endpoint {ses} "$@" ;; esac
exec {binary} "$@"
"""

# `cargo run -p PROGRAM -- ARGUMENTS` with the program that has been built.
CARGO = """#!/bin/sh
while [ "$1" != -p ]; do shift; done
program=$2; shift 2
[ "$1" = -- ] && shift
exec "$program" "$@"
"""

# The AWS CLI with the DynamoDB of `local`.
AWS = """#!/bin/sh
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1
exec {binary} --endpoint-url {dynamodb} "$@"
"""

# Runs a command in bash, with the variables, functions and folder of the previous one.
WRAPPER = """
[[ -e $STATE ]] && source "$STATE"
eval "$1"
code=$?
{ declare -px | grep -v ' STATE='; declare -p | grep '^declare -- '; declare -f; printf 'cd %q\\n' "$PWD"; } >"$STATE" 2>/dev/null
exit $code
"""


class Session:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        home, programs = Path(self.folder.name) / "home", Path(self.folder.name) / "bin"
        home.mkdir()
        programs.mkdir()
        # The pages' commands run in a checkout.
        for path in ROOT.iterdir():
            if path.name not in ("target", ".git"):
                (home / path.name).symlink_to(path)
        # Hides the progress meter of curl, which curl would not show on a terminal.
        (home / ".curlrc").write_text("silent\nshow-error\n")
        state, path = Path(self.folder.name) / "state", f"{programs}:{os.environ['PATH']}"
        # BARE_ACCOUNTS is `accounts` without the settings of the session.
        own = {"PATH": path, "HOME": str(home), "STATE": str(state), "BARE_ACCOUNTS": str(BINARIES / "accounts")}
        self.home, self.environment = home, SETTINGS | own
        self.start(programs)
        return self

    def start(self, programs):
        self.server, greeting = self.local(self.environment)
        found = re.search(r"(?s)DynamoDB on (\S+), SES on (\S+)\n.*ready on (\S+)\n", greeting)
        self.urls = urls = dict(zip(("dynamodb", "ses", "url"), found.groups()))
        scripts = {
            "accounts": ACCOUNTS.format(binary=BINARIES / "accounts", **urls),
            "local": f'#!/bin/sh\nexec {BINARIES / "local"} "$@"\n',
            "cargo": CARGO,
        }
        if aws := shutil.which("aws"):
            scripts["aws"] = AWS.format(binary=aws, **urls)
        for name, text in scripts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def local(self, environment, *options):
        """A `local` with tables in memory, and what it has printed when it is ready."""
        command = [BINARIES / "local", "--memory", "--port", "0", *options]
        with open(Path(self.folder.name) / "log", "a", encoding="utf-8") as log:
            server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=log, text=True)
        lines = []
        for line in server.stdout:
            lines.append(line)
            if line.startswith("ready on "):
                break
        return server, "".join(lines)

    def serve(self, *options):
        """What another `local`, without the settings of the session, prints, and whether it starts."""
        server, greeting = self.local({"NO_COLOR": "1"}, *options)
        end(server)
        ready = re.search(r"\nready on (\S+)\n", greeting)
        return (greeting.replace(ready[1], PORT_IN_DOCS), 0) if ready else (greeting, 1)

    def __exit__(self, *_):
        end(self.server)
        self.folder.cleanup()

    def write(self, name, text):
        path = self.home / name
        if path.is_symlink():
            raise ValueError(f"{name} is a file of the repository")
        path.write_text(text, encoding="utf-8")

    def run(self, command):
        """The output and the exit code of the command. Answers its prompts."""
        command = command.replace(PORT_IN_DOCS, self.urls["url"])
        terminal, inside = pty.openpty()
        attributes = termios.tcgetattr(inside)
        attributes[1] &= ~termios.OPOST
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(inside, termios.TCSANOW, attributes)
        read_end, write_end = os.pipe()
        bash = ["setsid", "--ctty", "--wait", "bash", "-c", WRAPPER, "bash", command]
        process = subprocess.Popen(bash, cwd=self.home, env=self.environment, stdin=inside, stdout=write_end, stderr=write_end)
        os.close(inside)
        os.close(write_end)
        output = conversation(process, terminal, read_end)
        os.close(terminal)
        os.close(read_end)
        return output.replace(self.urls["url"], PORT_IN_DOCS), process.wait()


def end(server):
    server.kill()
    server.wait()
    server.stdout.close()


def conversation(process, terminal, output):
    """Reads until the program ends, and answers prompts: output that ends in a colon, with nothing after it."""
    text, deadline = "", time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal, output], [], [], 0.3)
        chunk = b"".join(filter(None, (read_some(end) for end in ready)))
        text += chunk.decode("utf-8", errors="replace")
        if output in ready and not chunk and process.poll() is not None:
            return text
        if not ready and text.endswith(": "):
            answer = PASSWORD if re.search(r"(?i)(password|again): $", text) else "yes"
            text += "" if answer == PASSWORD else f"{answer}\n"
            os.write(terminal, f"{answer}\n".encode())
    process.kill()
    return f"{text}\n(still running after {TIMEOUT} seconds)"


def read_some(end):
    try:
        return os.read(end, 65536)
    except OSError:  # no process has the terminal open any more
        return b""
