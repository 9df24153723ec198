"""suds-community through both SOAP ports of the WSDL. Argument: the base URL of the server."""

import sys

from suds import WebFault
from suds.client import Client

from check import check, equal, finish, raised

WSDL = sys.argv[1].rstrip("/") + "/webservices/IFCommonService.asmx?WSDL"
DONE = "If the username is on file, a new password has been sent to its e-mail address."
REFUSED = "username is required."
# suds sends a SOAP 1.1 envelope through both ports.
PORTS = "IFCommonServiceSoap", "IFCommonServiceSoap12"


def reset_user_password(port, username):
    client = Client(WSDL, cache=None, timeout=20)
    return client.service[port].ResetUserPassword(username=username)


for port in PORTS:
    with check(f"{port}: reset"):
        equal(reset_user_password(port, "jdoe"), DONE)
    with check(f"{port}: empty username"):
        fault = raised(WebFault, lambda: reset_user_password(port, "")).fault
        equal((fault.faultcode, fault.faultstring), ("soap:Client", REFUSED))

finish()
