//! Requests that are answered without running the operation.

use xml::soap::{Fault, FaultCode, Version};

use super::protocols::Protocols;

/// The reason a request is refused, which determines its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// A SOAP fault in this version.
    Fault(Version, Fault),
    /// A SOAP envelope of a version that is disabled or unknown.
    VersionMismatch {
        /// The envelope's namespace.
        namespace: String,
        /// The enabled versions.
        supported: Vec<Version>,
    },
    /// A SOAP message that is not well-formed: 400 without a body.
    BadRequest(Version),
    /// A SOAP message with an unacceptable content type: 415 without a body.
    UnsupportedMediaType(Version),
    /// An error of HTTP GET or HTTP POST: 500 with lines of text, which are already HTML-encoded.
    Text(String),
    /// A path with only `/` after `.asmx`, or the path of a call over a disabled protocol.
    UnrecognizedUrl(String),
    /// A verb that this path does not accept with the enabled protocols.
    MethodNotAllowed,
    /// A query longer than ASP.NET allowed.
    QueryTooLong,
    /// A path other than the service's.
    NotFound,
}

impl Rejection {
    /// Makes a SOAP fault.
    pub(super) fn fault(version: Version, code: FaultCode, reason: impl Into<String>) -> Self {
        Self::Fault(version, Fault::new(code, reason))
    }

    /// Rejects an envelope in this namespace.
    pub(super) fn version_mismatch(namespace: String, protocols: Protocols) -> Self {
        Self::VersionMismatch {
            namespace,
            supported: protocols.soap(),
        }
    }
}
