"""Measures all servers in turn, prints a table, and draws docs/pictures/peers-wire.svg.

bench/peers/run installs the requirements and calls this program. Before a server is measured, it must
answer every call correctly.
"""

import argparse
import dataclasses
import http.client
import json
import os
import statistics
import subprocess
import sys

import calls
import picture
import servers

WARM_UP = 1  # seconds of the same load that are not measured


@dataclasses.dataclass
class Load:
    """The results of one load."""

    rate: float  # requests per second
    p99_ms: float
    cpu_us: float  # of the server, per request
    memory_mib: float  # peak so far


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=4)
    arguments = arguments.parse_args()
    with servers.running(servers.OURS) as (_, port):
        status, wsdl = ask(port, calls.all_calls()[1])
        servers.SERVICE_WSDL.write_bytes(wsdl)
    present = [server for server in servers.all_servers() if not server.is_missing()]
    for server in servers.all_servers():
        if server not in present:
            print(f"skipped: {server.name}, because {server.needs} is missing")
    loads = {}
    for round_number in range(arguments.rounds):
        for server in present:
            print(f"round {round_number + 1}: {server.name}", file=sys.stderr)
            for key, load in measure(server, arguments.seconds):
                loads.setdefault(key, []).append(load)
    medians = {key: median(of_rounds) for key, of_rounds in loads.items()}
    print_table(medians)
    picture.draw({key: load.rate for key, load in medians.items()}, servers.OURS.name)


def measure(server, seconds):
    """Yields the load of each call with each number of connections, all on one process of the server."""
    with servers.running(server) as (process, port):
        for call in calls.all_calls():
            check(server, port, call)
        for call in calls.all_calls():
            for connections in server.connections:
                wrk(call, port, connections, WARM_UP)
                before = servers.cpu_seconds(process.pid)
                result = wrk(call, port, connections, seconds)
                cpu = servers.cpu_seconds(process.pid) - before
                if result["requests"] == 0:
                    sys.exit(f"{server.name}, {call.name}: no answer in {seconds} s")
                yield (
                    (call.name, connections, server.name),
                    Load(
                        rate=result["requests"] / result["microseconds"] * 1e6,
                        p99_ms=result["p99_us"] / 1e3,
                        cpu_us=cpu / result["requests"] * 1e6,
                        memory_mib=servers.peak_memory_mib(process.pid),
                    ),
                )


def ask(port, call):
    """The status and the body of the answer to a call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=servers.PATIENCE)
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f'"{calls.NAMESPACE}/ResetUserPassword"',
    }
    body = call.body and call.body.encode()
    connection.request("POST" if body else "GET", call.path, body, headers if body else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def check(server, port, call):
    status, text = ask(port, call)
    try:
        if status != call.status:
            raise ValueError(f"status {status}")
        call.check(text)
    except (ValueError, SyntaxError) as error:
        sys.exit(f"{server.name}, {call.name}: {error}: {text[:500]!r}")


def wrk(call, port, connections, seconds):
    """The result of wrk for a load. All answers must have the status that the call expects."""
    environment = dict(os.environ)
    if call.body:
        body = servers.HOME / "call.xml"
        body.write_text(call.body)
        environment["CALL_BODY"] = str(body)
    command = ["taskset", "--cpu-list", str(servers.LOAD_CPU), str(servers.program("wrk"))]
    command += ["--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s"]
    command += ["--script", str(servers.SOURCES / "wrk.lua")]
    command.append(f"http://127.0.0.1:{port}{call.path}")
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    result = json.loads(output.stdout.splitlines()[-1])
    refused = result["requests"] if call.status >= 400 else 0
    if result["refused"] != refused or result["broken"]:
        sys.exit(f"{call.name} was not always answered with {call.status}: {result}")
    return result


def median(loads):
    rows = [dataclasses.astuple(load) for load in loads]
    return Load(*(statistics.median(column) for column in zip(*rows)))


def print_table(medians):
    counts = servers.OURS.connections
    columns = [f"{n} connections: requests/s (ours ÷ theirs) | p99 | CPU per request" for n in counts]
    print(f"\n| call | server | {' | '.join(columns)} | peak memory |")
    print("|---|---|" + "---|" * (3 * len(counts) + 1))
    names = dict.fromkeys((call, server) for call, _, server in medians)
    order = [call.name for call in calls.all_calls()]
    for call, server in sorted(names, key=lambda name: order.index(name[0])):
        loads = {count: medians.get((call, count, server)) for count in counts}
        cells = [
            cell(load, medians[call, count, servers.OURS.name]) for count, load in loads.items()
        ]
        memory = max(load.memory_mib for load in loads.values() if load)
        print(f"| {call} | {server} | {' | '.join(cells)} | {memory:.0f} MiB |")


def cell(load, ours):
    if load is None:
        return "| |"
    ratio = ours.rate / load.rate
    return f"{load.rate:,.0f} ({ratio:.2f}) | {load.p99_ms:.1f} ms | {load.cpu_us:,.0f} µs"


if __name__ == "__main__":
    main()
