//! Calls of the operation, and its names in the WSDL.

use xml::soap::Version;

use crate::operation::Input;

/// The target namespace of the WSDL.
pub(super) const NAMESPACE: &str = "http://www.ifactorconsulting.com/webservices";
/// The one operation of the service.
pub(super) const OPERATION: &str = "ResetUserPassword";
/// The SOAP action of the operation.
pub(super) const SOAP_ACTION: &str =
    "http://www.ifactorconsulting.com/webservices/ResetUserPassword";
/// The maximum length of a call's body, in bytes. The legacy server allowed 4 MB.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// A WSDL binding of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// A SOAP envelope of this version, sent by POST.
    Soap(Version),
    /// Parameters in the query.
    HttpGet,
    /// Parameters in a urlencoded body.
    HttpPost,
}

impl Binding {
    /// The name of the binding in logs and metrics.
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

/// A call of the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The binding to answer with. The version of a SOAP call is that of its envelope.
    pub binding: Binding,
    /// The parameters.
    pub input: Input,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_binding_has_a_name() {
        for (binding, name) in [
            (Binding::Soap(Version::V11), "Soap11"),
            (Binding::Soap(Version::V12), "Soap12"),
            (Binding::HttpGet, "HttpGet"),
            (Binding::HttpPost, "HttpPost"),
        ] {
            assert_eq!(binding.name(), name);
        }
    }
}
