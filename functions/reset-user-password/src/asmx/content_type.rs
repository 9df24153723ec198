//! The Content-Type of a request, and the SOAP version that it suggests.

use std::borrow::Cow;

use http::header;
use shared::lambda::Request;
use xml::soap::Version;

use super::protocols::Protocols;

/// A Content-Type, parsed as ASMX does: less strictly than RFC 9110, and without trimming.
pub(super) struct ContentType<'a>(Cow<'a, str>);

impl<'a> ContentType<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self(request.header(header::CONTENT_TYPE).unwrap_or_default())
    }

    /// The whole value of the header.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the media type is this one, ignoring case.
    pub(super) fn is(&self, media_type: &str) -> bool {
        let base = self.0.split(';').next().unwrap_or_default();
        base.eq_ignore_ascii_case(media_type)
    }

    /// Whether the media type is that of a SOAP version.
    pub(super) fn is_of(&self, version: Version) -> bool {
        self.is(version.media_type())
    }

    /// The value of a parameter, without white space or quotes around it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.0
            .split(';')
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .find(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t', '\'', '"']))
    }
}

/// Guesses the version to answer in until the envelope shows the actual one. A message without a
/// `SOAPAction` header counts as SOAP 1.2. If only one version is enabled, it is that one.
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

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn request(content_type: Option<&'static str>, soap_action: Option<&'static str>) -> Request {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
        }
        if let Some(value) = soap_action {
            let name = HeaderName::from_static("soapaction");
            headers.insert(name, HeaderValue::from_static(value));
        }
        Request::new(Method::POST, "", headers, vec![])
    }

    #[test]
    fn the_media_type_is_in_front_of_the_parameters() {
        for (value, is_xml) in [
            ("text/xml", true),
            ("Text/XML;charset=utf-8", true),
            ("text/xml;", true),
            (" text/xml", false),
            ("text/xml ; charset=utf-8", false),
            ("application/soap+xml", false),
            ("charset=utf-8;text/xml", false),
        ] {
            let request = request(Some(value), None);
            let content_type = ContentType::of(&request);
            assert_eq!(content_type.is_of(Version::V11), is_xml, "{value}");
            assert_eq!(content_type.as_str(), value);
        }
        assert_eq!(ContentType::of(&request(None, None)).as_str(), "");
    }

    #[test]
    fn parameters_are_trimmed() {
        for (value, expected) in [
            ("text/xml; charset=utf-8", Some("utf-8")),
            ("text/xml;CharSet = \"utf-8\"", Some("utf-8")),
            ("text/xml; x=y; charset=\t' utf-8 '", Some("utf-8")),
            ("text/xml; charset=a; charset=b", Some("a")),
            ("text/xml; charset=a=b", Some("a=b")),
            ("text/xml; charset", None),
            ("charset=utf-8", None),
        ] {
            let request = request(Some(value), None);
            assert_eq!(
                ContentType::of(&request).parameter("charset"),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn a_version_is_guessed_from_the_headers() {
        let soap12 = Some("application/soap+xml");
        for (content_type, soap_action, expected) in [
            (Some("text/xml"), Some(""), Version::V11),
            (Some("text/plain"), Some("x"), Version::V11),
            (None, Some("x"), Version::V11),
            (Some("text/xml"), None, Version::V12),
            (soap12, None, Version::V12),
            (soap12, Some("x"), Version::V12),
        ] {
            let request = request(content_type, soap_action);
            assert_eq!(guessed_version(Protocols::ALL, &request), expected);
            for (names, only) in [("Soap", Version::V11), ("Soap12", Version::V12)] {
                assert_eq!(guessed_version(names.parse().unwrap(), &request), only);
            }
        }
    }
}
