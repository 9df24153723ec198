//! SOAP 1.1 (W3C note of 8 May 2000) and SOAP 1.2 (W3C recommendation of 27 April 2007): the
//! envelopes and faults an ASP.NET server wrote, byte for byte.

use crate::xml::escape_text;

/// A version of SOAP, known by the namespace of its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SOAP 1.1.
    V11,
    /// SOAP 1.2.
    V12,
}

impl Version {
    /// Both versions.
    pub const ALL: [Self; 2] = [Self::V11, Self::V12];

    /// The namespace of the envelope.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The media type of a message, without parameters.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml",
            Self::V12 => "application/soap+xml",
        }
    }

    /// The version whose envelope has this namespace.
    #[must_use]
    pub fn of_namespace(namespace: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.namespace() == namespace)
    }
}

/// Whose fault it is. SOAP 1.1 says Client and Server where SOAP 1.2 says Sender and Receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The message is wrong; sending it again will not help.
    Sender,
    /// The message is fine; the server could not process it.
    Receiver,
    /// A header block that must be understood was not.
    MustUnderstand,
}

impl FaultCode {
    const fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Sender, Version::V11) => "Client",
            (Self::Sender, Version::V12) => "Sender",
            (Self::Receiver, Version::V11) => "Server",
            (Self::Receiver, Version::V12) => "Receiver",
            (Self::MustUnderstand, _) => "MustUnderstand",
        }
    }

    /// A fault of the body has a detail element, empty or not; a fault of a header must have none
    /// (SOAP 1.1 section 4.4).
    const fn has_detail(self) -> bool {
        !matches!(self, Self::MustUnderstand)
    }
}

/// A SOAP fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whose fault it is.
    pub code: FaultCode,
    /// What is wrong, for people.
    pub reason: String,
}

impl Fault {
    /// A fault with this code and reason.
    pub fn new(code: FaultCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

/// An envelope around `body`, which is markup.
#[must_use]
pub fn encode_envelope(version: Version, body: &str) -> String {
    envelope(version, "", body)
}

/// An envelope with a fault.
#[must_use]
pub fn encode_fault(version: Version, fault: &Fault) -> String {
    let code = fault.code.name(version);
    envelope(
        version,
        "",
        &fault_body(version, code, &fault.reason, fault.code.has_detail()),
    )
}

/// An envelope that says that the request's was of none of the `supported` versions, which it
/// names in a header (SOAP 1.2 section 5.4.7).
#[must_use]
pub fn encode_version_mismatch(version: Version, reason: &str, supported: &[Version]) -> String {
    let header = upgrade_header(supported);
    envelope(
        version,
        &header,
        &fault_body(version, "VersionMismatch", reason, true),
    )
}

fn fault_body(version: Version, code: &str, reason: &str, has_detail: bool) -> String {
    let mut text = String::with_capacity(reason.len());
    escape_text(reason, &mut text);
    match version {
        Version::V11 => {
            let detail = if has_detail { "<detail />" } else { "" };
            format!(
                "<soap:Fault><faultcode>soap:{code}</faultcode>\
                 <faultstring>{text}</faultstring>{detail}</soap:Fault>"
            )
        }
        Version::V12 => {
            let detail = if has_detail { "<soap:Detail />" } else { "" };
            format!(
                "<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>\
                 <soap:Reason><soap:Text xml:lang=\"en\">{text}</soap:Text></soap:Reason>\
                 {detail}</soap:Fault>"
            )
        }
    }
}

/// Joined: formatting was a quarter of the work from request to answer (`bench/benches/xml`).
fn envelope(version: Version, header: &str, body: &str) -> String {
    [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"",
        version.namespace(),
        "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">",
        header,
        "<soap:Body>",
        body,
        "</soap:Body></soap:Envelope>",
    ]
    .concat()
}

fn upgrade_header(supported: &[Version]) -> String {
    let envelopes: String = supported
        .iter()
        .map(|version| {
            let prefix = match version {
                Version::V11 => "soap",
                Version::V12 => "soap12",
            };
            format!(
                "<soap12:SupportedEnvelope qname=\"{prefix}:Envelope\" xmlns:{prefix}=\"{}\" />",
                version.namespace()
            )
        })
        .collect();
    format!(
        "<soap:Header><soap12:Upgrade xmlns:soap12=\"{}\">{envelopes}</soap12:Upgrade></soap:Header>",
        Version::V12.namespace()
    )
}
