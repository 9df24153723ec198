"""zeep through every port of the WSDL. Argument: the base URL of the server."""

import sys

import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

from check import check, equal, finish, raised

WSDL = sys.argv[1].rstrip("/") + "/webservices/IFCommonService.asmx?WSDL"
DONE = "If the username is on file, a new password has been sent to its e-mail address."
REFUSED = "username is required."
# zeep returns an error of the HTTP ports as a fault without a code, with the whole body as bytes.
REFUSAL_BY_PORT = {
    "IFCommonServiceSoap": ("soap:Client", REFUSED),
    "IFCommonServiceSoap12": ("soap:Sender", REFUSED),
    "IFCommonServiceHttpGet": (None, f"{REFUSED}\r\n".encode()),
    "IFCommonServiceHttpPost": (None, f"{REFUSED}\r\n".encode()),
}


def reset_user_password(port, username):
    # zeep uses the address in the WSDL, which must be that of the requested host.
    client = zeep.Client(WSDL, transport=Transport(timeout=20, operation_timeout=20))
    return client.bind("IFCommonService", port).ResetUserPassword(username=username)


for port, expected in REFUSAL_BY_PORT.items():
    with check(f"{port}: reset"):
        equal(reset_user_password(port, "jdoe"), DONE)
    with check(f"{port}: empty username"):
        fault = raised(Fault, lambda: reset_user_password(port, ""))
        equal((fault.code, fault.message), expected)

finish()
