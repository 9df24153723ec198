//! Writing envelopes and faults.

use super::version::Version;
use crate::escape::escape_text;

/// The code of a fault, by its name in SOAP 1.2; SOAP 1.1 calls the first two Client and Server
/// (SOAP 1.1 section 4.4.1, SOAP 1.2 part 1 section 5.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The message is wrong; sending it again unchanged does not help.
    Sender,
    /// The server could not process the message, for a reason that is not in the message.
    Receiver,
    /// A header block with `mustUnderstand` set was not understood.
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

    /// Whether the fault has a detail element, which is always empty. A fault about the body must
    /// have one; a fault about a header block must not (SOAP 1.1 section 4.4).
    const fn has_detail(self) -> bool {
        !matches!(self, Self::MustUnderstand)
    }
}

/// A SOAP fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code.
    pub code: FaultCode,
    /// The explanation for people: `faultstring` in SOAP 1.1, `Reason` in SOAP 1.2.
    pub reason: String,
}

impl Fault {
    /// Makes a fault.
    pub fn new(code: FaultCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

/// Writes an envelope around `body`, which must be XML.
#[must_use]
pub fn encode_envelope(version: Version, body: &str) -> String {
    envelope(version, "", body)
}

/// Writes an envelope with a fault.
#[must_use]
pub fn encode_fault(version: Version, fault: &Fault) -> String {
    let code = fault.code.name(version);
    envelope(
        version,
        "",
        &fault_body(version, code, &fault.reason, fault.code.has_detail()),
    )
}

/// Writes an envelope with a `VersionMismatch` fault and, in its header, the `supported` versions
/// (SOAP 1.2 part 1 section 5.4.7).
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

/// Writes an envelope by concatenation: formatting took a quarter of the time from request to
/// answer (`bench/benches/xml`).
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

#[cfg(test)]
mod tests {
    use super::*;

    const SOAP11: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope \
        xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">";
    const SOAP12: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope \
        xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">";

    #[test]
    fn envelopes_are_written_around_markup() {
        for (version, start) in [(Version::V11, SOAP11), (Version::V12, SOAP12)] {
            assert_eq!(
                encode_envelope(version, "<a />"),
                format!("{start}<soap:Body><a /></soap:Body></soap:Envelope>")
            );
        }
    }

    #[test]
    fn faults_of_soap_1_1() {
        for (code, name, detail) in [
            (FaultCode::Sender, "Client", "<detail />"),
            (FaultCode::Receiver, "Server", "<detail />"),
            (FaultCode::MustUnderstand, "MustUnderstand", ""),
        ] {
            assert_eq!(
                encode_fault(Version::V11, &Fault::new(code, "a < b")),
                format!(
                    "{SOAP11}<soap:Body><soap:Fault><faultcode>soap:{name}</faultcode>\
                     <faultstring>a &lt; b</faultstring>{detail}</soap:Fault></soap:Body>\
                     </soap:Envelope>"
                )
            );
        }
    }

    #[test]
    fn faults_of_soap_1_2() {
        for (code, name, detail) in [
            (FaultCode::Sender, "Sender", "<soap:Detail />"),
            (FaultCode::Receiver, "Receiver", "<soap:Detail />"),
            (FaultCode::MustUnderstand, "MustUnderstand", ""),
        ] {
            assert_eq!(
                encode_fault(Version::V12, &Fault::new(code, "a < b")),
                format!(
                    "{SOAP12}<soap:Body><soap:Fault><soap:Code><soap:Value>soap:{name}\
                     </soap:Value></soap:Code><soap:Reason><soap:Text xml:lang=\"en\">a &lt; b\
                     </soap:Text></soap:Reason>{detail}</soap:Fault></soap:Body></soap:Envelope>"
                )
            );
        }
    }

    #[test]
    fn a_version_mismatch_lists_the_supported_versions() {
        assert_eq!(
            encode_version_mismatch(Version::V11, "no", &Version::ALL),
            format!(
                "{SOAP11}<soap:Header>\
                 <soap12:Upgrade xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\">\
                 <soap12:SupportedEnvelope qname=\"soap:Envelope\" \
                 xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" />\
                 <soap12:SupportedEnvelope qname=\"soap12:Envelope\" \
                 xmlns:soap12=\"http://www.w3.org/2003/05/soap-envelope\" />\
                 </soap12:Upgrade></soap:Header><soap:Body><soap:Fault>\
                 <faultcode>soap:VersionMismatch</faultcode><faultstring>no</faultstring>\
                 <detail /></soap:Fault></soap:Body></soap:Envelope>"
            )
        );
    }
}
