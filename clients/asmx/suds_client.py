"""suds-community through both SOAP ports of the WSDL. Argument: the base URL of the server."""

import sys
from contextlib import contextmanager

from suds import WebFault
from suds.client import Client

WSDL = sys.argv[1].rstrip("/") + "/webservices/IFCommonService.asmx?WSDL"
DONE = "If the username is on file, a new password has been sent to its e-mail address."
REFUSED = "username is required."
# suds sends a 1.1 envelope through either.
PORTS = "IFCommonServiceSoap", "IFCommonServiceSoap12"

failures = 0


@contextmanager
def check(name):
    global failures
    try:
        yield
        print(f"ok {name}")
    except Exception as error:
        failures += 1
        print(f"FAIL {name}: {error!r}")


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def fault_of(call):
    try:
        answer = call()
    except WebFault as error:
        return error.fault
    raise AssertionError(f"{answer!r} instead of a fault")


def reset_user_password(port, username):
    client = Client(WSDL, cache=None, timeout=20)
    return client.service[port].ResetUserPassword(username=username)


for port in PORTS:
    with check(f"{port}: reset"):
        equal(reset_user_password(port, "jdoe"), DONE)
    with check(f"{port}: empty username"):
        fault = fault_of(lambda: reset_user_password(port, ""))
        equal((fault.faultcode, fault.faultstring), ("soap:Client", REFUSED))

sys.exit(failures > 0)
