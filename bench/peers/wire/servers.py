"""The servers: their commands and requirements."""

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
PACKAGES = HOME / "debian/usr"  # where bench/peers/run unpacks packages without root
SOURCES = Path(__file__).resolve().parent
SERVICE_WSDL = HOME / "service.wsdl"
PATIENCE = 30  # seconds that a server may take to start
SERVER_CPU, LOAD_CPU = sorted(os.sched_getaffinity(0))[:2]


@dataclasses.dataclass(frozen=True)
class Server:
    """A command, in which PORT is a placeholder, and the numbers of connections to measure."""

    name: str
    command: list
    connections: tuple = (16, 1)
    environment: dict = dataclasses.field(default_factory=dict)
    needs: Path | None = None  # made by bench/peers/run

    def is_missing(self):
        return self.needs is not None and not self.needs.exists()


OURS = Server(
    "Rust (this project)",
    [TARGET / "release/wire", "PORT"],
    needs=TARGET / "release/wire",
)


def all_servers():
    """All servers, ours first. PHP loads only the named extensions, whatever the machine's configuration is."""
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
            # With threads, gunicorn keeps connections open.
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
    """The first program that matches a pattern, among the installed and the unpacked ones."""
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
    """Runs a server on one core. Yields its process and its port."""
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
    """The ids of a process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [below for child in children for below in process_tree(int(child))]


def cpu_seconds(pid):
    """The CPU time of a process and all its descendants, usually with a resolution of 0.01 s."""
    ticks = 0
    for below in process_tree(pid):
        # Fields 14 and 15 (proc(5)). Field 2, the name in parentheses, may contain spaces.
        fields = Path(f"/proc/{below}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory_mib(pid):
    """The sum of the peak resident memory of a process and of each of its descendants."""
    peaks = (
        re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{below}/status").read_text())
        for below in process_tree(pid)
    )
    return sum(int(peak[1]) for peak in peaks) / 1024
