"""The calls, and checks of their answers."""

import dataclasses
import xml.etree.ElementTree as ElementTree

PATH = "/webservices/IFCommonService.asmx"
NAMESPACE = "http://www.ifactorconsulting.com/webservices"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
SIZE = 256 * 1024  # bytes of the long call
NAMESPACES = 255  # in scope in the long call, including the envelope's
ATTRIBUTES = 64  # maximum per element


@dataclasses.dataclass(frozen=True)
class Call:
    """A request, which is a POST if it has a body, and a check that raises ValueError for a wrong answer."""

    name: str
    path: str
    body: str | None
    status: int
    check: object


def all_calls():
    return [
        Call("empty name", PATH, empty_name(), 500, check_fault),
        Call("?WSDL", PATH + "?WSDL", None, 200, check_wsdl),
        Call("256 KiB", PATH, long(), 500, check_fault),
    ]


def empty_name(header=""):
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}">{header}'
        f'<soap:Body><ResetUserPassword xmlns="{NAMESPACE}"><username></username>'
        "</ResetUserPassword></soap:Body></soap:Envelope>"
    )


def long():
    """The same call after a long header. The header has the most namespaces that all servers accept, and its
    elements use the prefix that was declared first."""
    numbers = range(NAMESPACES - 1)
    levels = [numbers[i : i + ATTRIBUTES] for i in range(0, len(numbers), ATTRIBUTES)]
    names = [f"p{level[0]:03}:a" for level in levels]
    start = "".join(
        f"<{name}" + "".join(f' xmlns:p{i:03}="urn:{i}"' for i in level) + ">"
        for name, level in zip(names, levels)
    )
    end = "".join(f"</{name}>" for name in reversed(names))
    frame = empty_name(f"<soap:Header>{start}{end}</soap:Header>")
    element = "<p000:a/>"
    content = element * ((SIZE - len(frame)) // len(element))
    return empty_name(f"<soap:Header>{start}{content}{end}</soap:Header>")


def check_fault(text):
    envelope = ElementTree.fromstring(text)
    body = envelope.find(f"{{{SOAP}}}Body")
    fault = body[0] if body is not None and len(body) == 1 else None
    if envelope.tag != f"{{{SOAP}}}Envelope" or fault is None or fault.tag != f"{{{SOAP}}}Fault":
        raise ValueError("no envelope with a fault")
    code, reason = fault.findtext("faultcode", ""), fault.findtext("faultstring", "")
    if code.split(":")[-1] != "Client" or reason != "username is required.":
        raise ValueError(f"another fault: {code}, {reason}")


def check_wsdl(text):
    definitions = ElementTree.fromstring(text)
    operations = definitions.findall(f"{{{WSDL}}}portType/{{{WSDL}}}operation")
    if definitions.tag != f"{{{WSDL}}}definitions" or "ResetUserPassword" not in {
        operation.get("name") for operation in operations
    }:
        raise ValueError("no definition of ResetUserPassword")
