//! SOAP requests: the request DTO is the first child of Body. Neither header blocks nor the content
//! type are looked at.

use shared::lambda::Request;
use xml::Node;
use xml::decode_unicode;
use xml::soap::{Envelope, EnvelopeError, Version};

use super::body::Unreadable;
use super::compression::plain_body;
use super::members::RequestDto;
use super::xml::read_dto;

/// Why an envelope is not a call of the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SoapError {
    /// It is no envelope of the version, or what is in it cannot be read.
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

/// Name of the first child of Body; `None` for what is no envelope of the version.
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

/// Reads an envelope of a version.
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
