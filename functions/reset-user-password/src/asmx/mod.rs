//! The wire personality of an ASP.NET ASMX service, as the .NET Framework 4 behaved behind IIS.

mod description;
mod form;
mod protocols;
mod request;
mod response;
mod route;
mod soap;

pub use description::Document;
pub use protocols::{Protocols, UnknownProtocol};
pub use request::{Call, decode};
pub use response::{Rejection, encode, server_fault};
pub(crate) use route::HTTP_GET_PATH;
pub use route::{Endpoint, route};

use xml::soap::Version;

/// The service's own namespace.
const NAMESPACE: &str = "http://www.ifactorconsulting.com/webservices";
/// The one operation.
const OPERATION: &str = "ResetUserPassword";
const SOAP_ACTION: &str = "http://www.ifactorconsulting.com/webservices/ResetUserPassword";
/// Longer bodies are refused unread; the legacy server allowed 4 MB.
const MAX_BODY: usize = 256 * 1024;
/// ASP.NET's `aspnet:MaxHttpCollectionKeys`: a query or a form of more parts is refused.
const MAX_PARAMETERS: usize = 1_000;

/// A way to call the operation, in WSDL's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// An envelope of either version, posted to the service.
    Soap(Version),
    /// Parameters in the query.
    HttpGet,
    /// Parameters in a form.
    HttpPost,
}

impl Binding {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Soap(Version::V11) => "Soap11",
            Self::Soap(Version::V12) => "Soap12",
            Self::HttpGet => "HttpGet",
            Self::HttpPost => "HttpPost",
        }
    }
}
