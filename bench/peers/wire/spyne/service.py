"""spyne as a WSGI application, with lxml as its parser and for validation against the schema."""

from spyne import Application, Fault, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11
from spyne.server.wsgi import WsgiApplication

NAMESPACE = "http://www.ifactorconsulting.com/webservices"


class IFCommonService(ServiceBase):
    @rpc(
        Unicode,
        _returns=Unicode,
        _out_variable_name="ResetUserPasswordResult",
    )
    def ResetUserPassword(ctx, username):
        if not username:
            raise Fault("Client", "username is required.")
        return ""


application = WsgiApplication(
    Application(
        [IFCommonService],
        tns=NAMESPACE,
        name="IFCommonService",
        in_protocol=Soap11(validator="lxml"),
        out_protocol=Soap11(),
    )
)
