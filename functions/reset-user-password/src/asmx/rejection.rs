//! Requests that end before the operation runs.

use xml::soap::{Fault, FaultCode, Version};

use super::protocols::Protocols;

/// Why a request is refused, and so how it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// A SOAP fault.
    Fault(Version, Fault),
    /// A SOAP envelope of a version that is off or unknown.
    VersionMismatch {
        /// The envelope's namespace.
        namespace: String,
        /// The versions that are on.
        supported: Vec<Version>,
    },
    /// A SOAP message that is not well-formed: 400 without a body.
    BadRequest(Version),
    /// A SOAP message under another content type: 415 without a body.
    UnsupportedMediaType(Version),
    /// An error of HTTP GET or HTTP POST: 500 with lines of text that are HTML-encoded already.
    Text(String),
    /// A path that goes on behind `.asmx` but names no call: `/`, or a call by a protocol that is
    /// off.
    UnrecognizedUrl(String),
    /// A verb other than GET and POST.
    MethodNotAllowed,
    /// A query longer than ASP.NET allowed.
    QueryTooLong,
    /// Another path than the service's.
    NotFound,
}

impl Rejection {
    /// A SOAP fault.
    pub(super) fn fault(version: Version, code: FaultCode, reason: impl Into<String>) -> Self {
        Self::Fault(version, Fault::new(code, reason))
    }

    /// The rejection of an envelope in this namespace.
    pub(super) fn version_mismatch(namespace: String, protocols: Protocols) -> Self {
        Self::VersionMismatch {
            namespace,
            supported: protocols.soap(),
        }
    }
}
