//! Decoding of SOAP requests. The request DTO is the first child of Body. Header blocks and the
//! content type are ignored.

use shared::lambda::Request;
use xml::Node;
use xml::decode_unicode;
use xml::soap::{Envelope, EnvelopeError, Version};

use super::body::Unreadable;
use super::compression::plain_body;
use super::members::RequestDto;
use super::xml::read_dto;

/// The reason an envelope is not a call of the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SoapError {
    /// It is not an envelope of the version, or its contents cannot be read.
    Unreadable,
    /// The first child of Body has this name.
    UnknownOperation(String),
}

impl From<Unreadable> for SoapError {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl From<EnvelopeError> for SoapError {
    fn from(_: EnvelopeError) -> Self {
        Self::Unreadable
    }
}

impl From<xml::Error> for SoapError {
    fn from(_: xml::Error) -> Self {
        Self::Unreadable
    }
}

/// The name of the first child of Body. `None` if the body is not an envelope of the version.
pub(in crate::servicestack) fn soap_operation(
    version: Version,
    request: &Request,
) -> Option<String> {
    let body = plain_body(request).ok()?;
    let text = decode_unicode(&body).ok()?;
    let mut envelope = Envelope::open(&text, &[version]).ok()?;
    let dto = envelope.next_child().ok()??;
    Some(dto.local.to_owned())
}

/// Reads a request DTO from an envelope of a version.
pub(super) fn read<D: RequestDto>(version: Version, body: &[u8]) -> Result<D, SoapError> {
    let text = decode_unicode(body).map_err(|_| SoapError::Unreadable)?;
    let mut envelope = Envelope::open(&text, &[version])?;
    let dto = envelope.next_child()?.ok_or(SoapError::Unreadable)?;
    if dto.local != D::NAME {
        return Err(SoapError::UnknownOperation(dto.local.to_owned()));
    }
    let input = read_dto(&dto, envelope.reader())?;
    let mut rest = envelope.close()?;
    while rest.next_node()? != Node::Eof {}
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Input;
    use crate::servicestack::contract::{DTO_NAMESPACE, REQUEST_DTO};

    /// The address that is read from an envelope with this body and this text after it.
    fn email(version: Version, body: &str, behind: &str) -> Result<Option<String>, SoapError> {
        let namespace = version.namespace();
        let envelope =
            format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{body}</s:Body></s:Envelope>");
        let input: Input = read(version, (envelope + behind).as_bytes())?;
        Ok(input.email)
    }

    fn dto(name: &str) -> String {
        format!("<{name} xmlns=\"{DTO_NAMESPACE}\"><Email>a@example.com</Email></{name}>")
    }

    #[test]
    fn the_first_child_of_the_body_is_the_request() {
        for version in Version::ALL {
            let call = dto(REQUEST_DTO);
            for body in [call.clone(), format!("<!-- --> {call}<Other />")] {
                let email = email(version, &body, "<!-- -->\n");
                assert_eq!(email, Ok(Some("a@example.com".to_owned())), "{body}");
            }
            let unknown = SoapError::UnknownOperation("Other".to_owned());
            assert_eq!(email(version, &dto("Other"), ""), Err(unknown));
            assert_eq!(email(version, " ", ""), Err(SoapError::Unreadable));
        }
    }

    #[test]
    fn nothing_but_comments_follows_the_envelope() {
        for behind in ["x", "<a />", "<!-- --><a />", "<a>"] {
            let email = email(Version::V11, &dto(REQUEST_DTO), behind);
            assert_eq!(email, Err(SoapError::Unreadable), "{behind}");
        }
    }
}
