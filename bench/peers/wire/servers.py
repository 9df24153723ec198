"""The servers: how each is started, and what is missing for it."""

import contextlib
import dataclasses
import os
import re
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
HOME = ROOT / "target/peers"
PACKAGES = HOME / "debian/usr"  # where bench/peers/run unpacks what it may not install
SOURCES = Path(__file__).resolve().parent
SERVICE_WSDL = HOME / "service.wsdl"
PATIENCE = 30  # seconds that a server may take to start
SERVER_CPU, LOAD_CPU = sorted(os.sched_getaffinity(0))[:2]


@dataclasses.dataclass(frozen=True)
class Server:
    """A command, in which PORT stands for the port, and the connections it can serve at once."""

    name: str
    command: list
    connections: tuple = (16, 1)
    environment: dict = dataclasses.field(default_factory=dict)
    needs: Path | None = None  # that bench/peers/run makes

    def is_missing(self):
        return self.needs is not None and not self.needs.exists()


OURS = Server(
    "Rust (this project)",
    [TARGET / "release/wire", "PORT"],
    needs=TARGET / "release/wire",
)


def all_servers():
    """Ours first. PHP's extensions are named, so that no configuration of the machine counts."""
    php = program("php", "php[0-9].[0-9]")
    extensions = php_extensions(php)
    return [
        OURS,
        Server(
            "node-soap",
            ["node", HOME / "node-soap/server.mjs", "PORT", SERVICE_WSDL],
            needs=HOME / "node-soap/node_modules/soap",
        ),
        Server(
            "spyne",
            # The worker of gunicorn that keeps connections.
            [HOME / "spyne/bin/gunicorn", "--bind", "127.0.0.1:PORT", "--threads", "16"]
            + ["--keep-alive", "60", "--chdir", SOURCES / "spyne", "service:application"],
            needs=HOME / "spyne/bin/gunicorn",
        ),
        Server(
            "PHP SoapServer",
            [php, "-n", f"-dextension_dir={extensions}", "-dzend_extension=opcache"]
            + ["-dextension=soap", "-q", "-S", "127.0.0.1:PORT", SOURCES / "php/router.php"],
            environment={"WSDL": str(SERVICE_WSDL)},
            needs=extensions / "soap.so",
        ),
        Server(
            "gSOAP",
            [HOME / "gsoap/server", "PORT", SERVICE_WSDL],
            connections=(1,),
            needs=HOME / "gsoap/server",
        ),
    ]


def program(*patterns):
    """The first program of these names, among what is installed and what was unpacked."""
    folders = [Path(folder) for folder in os.get_exec_path()] + [PACKAGES / "bin"]
    found = (path for pattern in patterns for folder in folders for path in folder.glob(pattern))
    return next(found, Path(patterns[0]))


def php_extensions(php):
    """The folder of PHP's extensions."""
    unpacked = next((PACKAGES / "lib/php").glob("2*"), None)
    if unpacked or not php.exists():
        return unpacked or Path("no PHP")
    line = [php, "-n", "-r", "echo PHP_EXTENSION_DIR;"]
    return Path(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


@contextlib.contextmanager
def running(server):
    """Runs a server on one core; its process and its port."""
    port = free_port()
    command = [str(part).replace("PORT", str(port)) for part in server.command]
    process = subprocess.Popen(
        ["taskset", "--cpu-list", str(SERVER_CPU), *command],
        env=os.environ | server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(process, port):
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {' '.join(process.args)}")


def process_tree(pid):
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [below for child in children for below in process_tree(int(child))]


def cpu_seconds(pid):
    """Of a process and all below it, as the operating system counts it: in hundredths."""
    ticks = 0
    for below in process_tree(pid):
        # Fields 14 and 15, user and system; what is before the last parenthesis is the name.
        fields = Path(f"/proc/{below}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory_mib(pid):
    """The most resident memory of a process and all below it, each at its own time."""
    peaks = (
        re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{below}/status").read_text())
        for below in process_tree(pid)
    )
    return sum(int(peak[1]) for peak in peaks) / 1024
