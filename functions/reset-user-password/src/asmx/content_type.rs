//! The Content-Type of a request, and the version of SOAP it hints at.

use std::borrow::Cow;

use http::header;
use shared::lambda::Request;
use xml::soap::Version;

use super::protocols::Protocols;

/// A Content-Type as ASMX reads it: less strictly than RFC 9110, and not trimmed.
pub(super) struct ContentType<'a>(Cow<'a, str>);

impl<'a> ContentType<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self(request.header(header::CONTENT_TYPE).unwrap_or_default())
    }

    /// The whole value of the header.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the media type is this one, in any case.
    pub(super) fn is(&self, media_type: &str) -> bool {
        let base = self.0.split(';').next().unwrap_or_default();
        base.eq_ignore_ascii_case(media_type)
    }

    /// Whether the media type is that of a SOAP version.
    pub(super) fn is_of(&self, version: Version) -> bool {
        self.is(version.media_type())
    }

    /// The value of a parameter, without white space and quotes around it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.0
            .split(';')
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .find(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t', '\'', '"']))
    }
}

/// The version to answer in until the envelope tells another. A message without a `SOAPAction`
/// header is taken for SOAP 1.2. When only one version is on, it is that one.
pub(super) fn guessed_version(protocols: Protocols, request: &Request) -> Version {
    if let [only] = *protocols.soap() {
        return only;
    }
    let is_soap12 = ContentType::of(request).is_of(Version::V12);
    if is_soap12 || !request.headers.contains_key("soapaction") {
        Version::V12
    } else {
        Version::V11
    }
}
