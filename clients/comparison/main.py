"""The command line of clients/compare."""

import argparse
import getpass
import ipaddress
import sys
import time
import urllib.parse
from dataclasses import replace
from xml.etree import ElementTree

from comparison import report
from comparison.cases import select
from comparison.differences import comparable, deviations, difference, gather
from comparison.exchange import Host, Unreachable
from comparison.harmless import Nobody, Request, with_basic

ALIKE, DIFFERENT, USAGE, UNREACHABLE = 0, 1, 2, 75
NAMES = {"reset": "ResetUserPassword", "update": "UpdateUserRegistrationPassword"}
ROUTE = "/UpdateUserRegistrationPassword"

DESCRIPTION = """Sends recorded requests that change nothing to two hosts, and lists differences.

No request names an existing account: user names and addresses are random, and a password is only sent
with an address that no account has. The requests still count against the limits of both hosts."""
EXIT_CODES = "Exit codes: 0 no differences except known deviations, 1 differences, 2 wrong usage, 75 a host cannot be reached."


class UsageError(Exception):
    """An invalid command line, or a host that runs neither service."""


def main():
    options = arguments()
    try:
        return compare(options)
    except UsageError as error:
        print(f"compare: {error}", file=sys.stderr)
        return USAGE
    except Unreachable as error:
        print(f"compare: {error}", file=sys.stderr)
        return UNREACHABLE
    except KeyboardInterrupt:
        return 130


def arguments():
    parser = argparse.ArgumentParser(
        prog="compare", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--old", required=True, metavar="URL", help="the host of the old service, with its base path")
    parser.add_argument("--new", required=True, metavar="URL", help="the host of the new service")
    for side in ("old", "new"):
        parser.add_argument(
            f"--{side}-address", metavar="ADDRESS",
            help=f"connect to this address or name; TLS and the Host header still use the host of --{side}",
        )
    parser.add_argument(
        "--credential", metavar="FILE",
        help="a file with USER:PASSWORD of an administrator, or - for a prompt; also sends updates with this credential, all of which are refused",
    )
    parser.add_argument(
        "--rate", type=float, default=1.0, metavar="N", help="requests per second to each host (default 1; 0 for no pause)"
    )
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="timeout for each answer (default 30)")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="send only cases whose names match, for example 'routing/*'")
    parser.add_argument("--json", action="store_true", help="print JSON, with all cases and complete bodies")
    return parser.parse_args()


def compare(options):
    old = host(options.old, options.old_address, options.timeout)
    new = host(options.new, options.new_address, options.timeout)
    credential = read_credential(options.credential, (old, new)) if options.credential else ""
    services = common_services(old, new)
    if credential:
        check_credential(credential, (old, new))
    cases, not_sent = select(services, credential, options.only)
    if not cases:
        raise UsageError(f"no case of these services matches {options.only}")
    announce(services, cases, options.rate)
    found, alike = exchange(cases, (old, new), options.rate)
    differences = gather(found)
    result = {
        "old": old.url,
        "new": new.url,
        "services": [NAMES[service] for service in services],
        "requests": len(cases),
        "failed_logins": sum(case.login == "failed" for case in cases),
        "alike": alike,
        "differences": [one for one in differences if not one.rows],
        "known": [one for one in differences if one.rows],
        "not_sent": not_sent,
    }
    print(report.as_json(result) if options.json else report.as_text(result))
    return DIFFERENT if result["differences"] else ALIKE


def host(url, address, timeout):
    try:
        parts = urllib.parse.urlsplit(url)
        is_url = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        is_url = False
    if not is_url or parts.query or parts.username:
        raise UsageError(f"{url} is not a URL like https://HOST/PATH")
    return Host(url, address, timeout)


def read_credential(source, hosts):
    for one in hosts:
        if one.scheme != "https" and not is_this_machine(one.address):
            raise UsageError(f"a credential is sent only over https or to this machine, not to {one.url}")
    try:
        if source == "-":
            credential = getpass.getpass("USER:PASSWORD of an administrator: ")
        else:
            with open(source, encoding="utf-8") as file:
                credential = file.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("the credential is not UTF-8") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", "no input")
        raise UsageError(f"the credential cannot be read: {reason}") from None
    name, colon, password = credential.partition(":")
    if not (name and colon and password):
        raise UsageError("the credential is not USER:PASSWORD")
    return credential


def is_this_machine(hostname):
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


def common_services(old, new):
    """The services that both hosts have."""
    found = {one: [service for service, has in (("reset", has_reset), ("update", has_update)) if has(one)] for one in (old, new)}
    for one, services in found.items():
        if not services:
            raise UsageError(
                f"{one.url} runs neither service: it has no WSDL of {NAMES['reset']} at "
                f"/webservices/IFCommonService.asmx?WSDL, and answers a POST to {ROUTE} without a credential "
                "differently from ServiceStack; is a base path missing from the URL?"
            )
    common = [service for service in found[old] if service in found[new]]
    if not common:
        raise UsageError(f"{old.url} has {NAMES[found[old][0]]} and {new.url} has {NAMES[found[new][0]]}: nothing to compare")
    return common


def has_reset(one):
    request = Request("GET", "/webservices/IFCommonService.asmx?WSDL")
    answer = one.send(request)
    return answer.status == 200 and is_wsdl(answer.body) and not answers_alike(one, request, answer)


def is_wsdl(body):
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        return False
    namespace = "{http://schemas.xmlsoap.org/wsdl/}"
    operations = (operation.get("name") for operation in root.iter(f"{namespace}operation"))
    is_its = root.get("targetNamespace") == "http://www.ifactorconsulting.com/webservices"
    return root.tag == f"{namespace}definitions" and is_its and NAMES["reset"] in operations


def answers_alike(one, request, answer):
    """Whether a path that no service has gets the same answer."""
    other = one.send(replace(request, path=f"/{Nobody().name}"))
    return (other.status, other.body) == (answer.status, answer.body)


def has_update(one):
    request = address_only(Nobody())
    answer = one.send(request)
    # API Gateway renames the header of the challenge (docs/deviations.md), hence `endswith`.
    challenged = any("/auth/" in value for name, value in answer.headers.items() if name.endswith("www-authenticate"))
    refused = answer.status == 401 and (challenged or b"ResponseStatus" in answer.body)
    return refused and not answers_alike(one, request, answer)


def address_only(nobody):
    """An update for nobody's address, without a password."""
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    return Request("POST", ROUTE, headers, f'{{"Email":"{nobody.address}"}}'.encode())


def check_credential(credential, hosts):
    """Refuses a wrong credential before repeated failures could lock the account."""
    request = with_basic(address_only(Nobody()), "Basic", credential)
    for one in hosts:
        if one.send(request).status == 401:
            raise UsageError(f"{one.url} refuses the credential; it was sent once")


def announce(services, cases, rate):
    failed = sum(case.login == "failed" for case in cases)
    resets = sum(case.service == "reset" for case in cases)
    pause = f", {len(cases) / rate / 60:.0f} minutes" if rate else ""
    notes = [f"{len(cases)} requests to each host{pause}: {', '.join(NAMES[service] for service in services)}"]
    if failed:
        notes.append(
            f"{failed} of them are failed logins, each with a different random name: the new host admits "
            "LOGIN_FAILURES_PER_MINUTE per name and five times as many per IP address"
        )
    if resets:
        notes.append(
            f"up to {resets} of them are resets, each with a different random name: the new host admits "
            "SOURCE_PER_MINUTE per IP address, and these resets count against the limit of everybody behind your IP address"
        )
    print("\n".join(notes), file=sys.stderr)


def exchange(cases, hosts, rate):
    """The differences by case, and the number of cases without one."""
    known, found = deviations(), []
    for number, case in enumerate(cases, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {len(cases)}", end="\n" if number == len(cases) else "", file=sys.stderr, flush=True)
        started = time.monotonic()
        old, new = (comparable(case, one, one.send(case.request)) for one in hosts)
        one = difference(case, old, new, known)
        if one:
            found.append((case, one))
        if rate:
            time.sleep(max(0, 1 / rate - (time.monotonic() - started)))
    return found, len(cases) - len(found)
