//! Requests to typed calls.

use std::borrow::Cow;

use http::header;
use shared::lambda::Request;
use xml::Charset;
use xml::soap::Version;

use super::response::{Rejection, html_encode};
use super::{Binding, MAX_BODY, MAX_PARAMETERS, Protocols, form, soap};
use crate::operation::Input;

/// A call of the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How it came, which is how it is answered. A SOAP call is of its envelope's version.
    pub binding: Binding,
    /// What was passed.
    pub input: Input,
}

/// Reads a call that came by `binding`.
pub fn decode(
    protocols: Protocols,
    binding: Binding,
    request: &Request,
) -> Result<Call, Rejection> {
    match binding {
        Binding::Soap(guessed) => soap::decode(protocols, guessed, request),
        Binding::HttpGet => call(binding, request.query.as_bytes(), None),
        Binding::HttpPost => {
            let content_type = ContentType::of(request);
            if !content_type
                .base()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            {
                let whole = html_encode(&content_type.0);
                return Err(Rejection::Text(format!(
                    "Request format is invalid: {whole}."
                )));
            }
            if request.body.len() > MAX_BODY {
                return Err(Rejection::Text(
                    "Maximum request length exceeded.".to_owned(),
                ));
            }
            call(binding, &request.body, content_type.parameter("charset"))
        }
    }
}

fn call(binding: Binding, form: &[u8], charset: Option<&str>) -> Result<Call, Rejection> {
    let pairs = form::decode(form, charset);
    if pairs.len() > MAX_PARAMETERS {
        let message = "Operation is not valid due to the current state of the object.";
        return Err(Rejection::Text(message.to_owned()));
    }
    let username = form::value(&pairs, "username")
        .ok_or_else(|| Rejection::Text("Missing parameter: username.".to_owned()))?;
    Ok(Call {
        binding,
        input: Input {
            username: Some(username),
        },
    })
}

/// The version to answer in until the envelope says another; the only one that is on, if so.
pub(super) fn guessed_version(protocols: Protocols, request: &Request) -> Version {
    let is_soap12 = ContentType::of(request).is(Version::V12);
    let looks_like = if is_soap12 || !request.headers.contains_key("soapaction") {
        Version::V12
    } else {
        Version::V11
    };
    match protocols.soap().as_slice() {
        [only] => *only,
        _ => looks_like,
    }
}

/// A Content-Type as ASMX reads it: less strictly than RFC 9110, and not trimmed.
pub(super) struct ContentType<'a>(Cow<'a, str>);

impl<'a> ContentType<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self(request.header(header::CONTENT_TYPE).unwrap_or_default())
    }

    fn base(&self) -> &str {
        self.0.split(';').next().unwrap_or_default()
    }

    pub(super) fn is(&self, version: Version) -> bool {
        self.base().eq_ignore_ascii_case(version.media_type())
    }

    /// The value of a parameter, without white space and quotes around it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let parameters = self
            .0
            .split(';')
            .skip(1)
            .filter_map(|part| part.split_once('='));
        parameters
            .filter(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t', '\'', '"']))
            .next()
    }
}

/// `HttpUtility.UrlDecode` of a header.
pub(super) fn url_decoded(value: &str) -> Cow<'_, str> {
    form::unescape(value.as_bytes(), Charset::UTF_8)
}
