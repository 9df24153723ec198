"""PyPI's servicestack. Argument: the base URL of the server."""

import sys
from dataclasses import dataclass
from typing import Optional

from dataclasses_json import LetterCase, Undefined, dataclass_json
from servicestack import IReturn, JsonServiceClient, ResponseStatus, WebServiceException

from check import check, equal, finish, raised

ADMIN = "admin", "p@55wOrd"
# The client only reads members in camelCase. This requests them from the server.
CAMEL_CASE = {"jsconfig": "eccn"}


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class UpdateUserRegistrationPasswordResponse:
    response_status: Optional[ResponseStatus] = None
    id: int = 0
    display_name: Optional[str] = None
    reset_email_sent: bool = False


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class UpdateUserRegistrationPasswordRequest(IReturn[UpdateUserRegistrationPasswordResponse]):
    email: Optional[str] = "a@example.com"
    new_password: Optional[str] = "harbor-Lantern-5821"
    send_reset_email: bool = True
    requester: Optional[str] = "portal"


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class AuthenticateResponse:
    response_status: Optional[ResponseStatus] = None
    session_id: Optional[str] = None
    user_name: Optional[str] = None


@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class Authenticate(IReturn[AuthenticateResponse]):
    provider: Optional[str] = "credentials"
    user_name: Optional[str] = None
    password: Optional[str] = None
    remember_me: Optional[bool] = None


SUCCESS = UpdateUserRegistrationPasswordResponse(id=42, display_name="Jane Doe", reset_email_sent=True)


def client_of(credential):
    client = JsonServiceClient(sys.argv[1])
    if credential:
        client.set_credentials(*credential)
    return client


def refusal(credential, **members):
    client, request = client_of(credential), UpdateUserRegistrationPasswordRequest(**members)
    return raised(WebServiceException, lambda: client.post(request, args=CAMEL_CASE))


def summary(error):
    status = error.response_status or ResponseStatus()
    fields = [entry.field_name for entry in status.errors or []]
    return error.status_code, status.error_code, status.message, fields


with check("success"):
    equal(client_of(ADMIN).post(UpdateUserRegistrationPasswordRequest(), args=CAMEL_CASE), SUCCESS)
with check("success through /json/reply, where older clients post"):
    client = client_of(ADMIN).set_base_path("")
    equal(client.post(UpdateUserRegistrationPasswordRequest(), args=CAMEL_CASE), SUCCESS)
with check("success through the route"):
    request = UpdateUserRegistrationPasswordRequest()
    equal(client_of(ADMIN).post_url("/UpdateUserRegistrationPassword", request, args=CAMEL_CASE), SUCCESS)
# The client has no cookie jar, so the session is sent in ServiceStack's header.
for path in ("/api", ""):
    with check(f"session{path and f' through {path}'}"):
        client = client_of(None).set_base_path(path)
        opened = client.post(Authenticate(user_name="admin", password="p@55wOrd"), args=CAMEL_CASE)
        equal(opened.user_name, "admin")
        client.headers["X-ss-id"] = opened.session_id
        equal(client.post(UpdateUserRegistrationPasswordRequest(), args=CAMEL_CASE), SUCCESS)
        client.post(Authenticate(provider="logout"), args=CAMEL_CASE)
        error = raised(WebServiceException, lambda: client.post(UpdateUserRegistrationPasswordRequest(), args=CAMEL_CASE))
        equal(summary(error), (401, "Unauthorized", "Unauthorized", []))
with check("session, wrong password"):
    request = Authenticate(user_name="admin", password="wrong")
    error = raised(WebServiceException, lambda: client_of(None).post(request, args=CAMEL_CASE))
    equal(summary(error), (401, "Unauthorized", "Invalid UserName or Password", []))
with check("no credential"):
    equal(summary(refusal(None)), (401, "Unauthorized", "Unauthorized", []))
with check("wrong password"):
    # jsconfig does not apply to this answer, so the client cannot parse it, but returns it.
    error = refusal(("admin", "wrong"))
    status = error.inner_exception.response.json()["ResponseStatus"]
    equal((error.status_code, status["Message"]), (401, "Invalid UserName or Password"))
with check("no role"):
    equal(summary(refusal(("bob", "p@55wOrd"))), (403, "Invalid Role", "Invalid Role", []))
with check("unknown customer"):
    expected = 404, "NotFound", "Customer nobody@example.com was not found", []
    equal(summary(refusal(ADMIN, email="nobody@example.com")), expected)
with check("no e-mail address, no password"):
    expected = 400, "NotEmpty", "'Email' should not be empty.", ["Email", "NewPassword"]
    equal(summary(refusal(ADMIN, email=None, new_password=None)), expected)

finish()
