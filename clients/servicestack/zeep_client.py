"""zeep from the WSDL of each version of SOAP. Argument: the base URL of the server."""

import sys

import requests
import zeep
from zeep.exceptions import TransportError
from zeep.transports import Transport

from check import check, equal, finish, raised

BASE = sys.argv[1].rstrip("/")


def call(path, password, **members):
    session = requests.Session()
    session.auth = ("admin", password)
    transport = Transport(session=session, timeout=20, operation_timeout=20)
    # zeep uses the address in the WSDL, which must be that of the requested host.
    client = zeep.Client(f"{BASE}/{path}", transport=transport)
    return client.service.UpdateUserRegistrationPasswordRequest(**members)


MEMBERS = {
    "Requester": "portal",
    "Email": "a@example.com",
    "NewPassword": "harbor-Lantern-5821",
    "SendResetEmail": True,
}

for path in ("soap11", "soap12"):
    with check(f"{path}: a password is set"):
        answer = call(path, "p@55wOrd", **MEMBERS)
        equal((answer.Id, answer.DisplayName, answer.ResetEmailSent), (42, "Jane Doe", True))
        equal(answer.ResponseStatus.ErrorCode, None)
    with check(f"{path}: a short password is refused"):
        answer = call(path, "p@55wOrd", **MEMBERS | {"NewPassword": "short"})
        error = answer.ResponseStatus.Errors.ResponseError[0]
        equal((answer.ResponseStatus.ErrorCode, error.FieldName), ("Length", "NewPassword"))
        equal(error.Meta.KeyValueOfstringstring[0].Key, "MinLength")
    with check(f"{path}: a wrong password is refused"):
        answer = call(path, "wrong", **MEMBERS)
        equal(answer.ResponseStatus.Message, "Invalid UserName or Password")

finish()
