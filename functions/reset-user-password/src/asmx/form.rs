//! Calls by HTTP GET and HTTP POST.

use std::borrow::Cow;
use std::convert::Infallible;

use shared::http::Parameters;
use shared::lambda::Request;
use xml::Charset;

use super::call::{Binding, Call, MAX_BODY};
use super::content_type::ContentType;
use super::html::html_encode;
use super::rejection::Rejection;
use crate::operation::Input;

/// Reads a call by HTTP GET.
pub(super) fn decode_query(request: &Request) -> Result<Call, Rejection> {
    let parameters = parameters(request.query.as_bytes(), Charset::UTF_8);
    call(Binding::HttpGet, &parameters)
}

/// Reads a call by HTTP POST. Its query is not used.
pub(super) fn decode_body(request: &Request) -> Result<Call, Rejection> {
    let content_type = ContentType::of(request);
    if !content_type.is("application/x-www-form-urlencoded") {
        return Err(Rejection::Text(format!(
            "Request format is invalid: {}.",
            html_encode(content_type.as_str())
        )));
    }
    if request.body.len() > MAX_BODY {
        let message = "Maximum request length exceeded.";
        return Err(Rejection::Text(message.to_owned()));
    }
    let charset = content_type.parameter("charset").and_then(Charset::named);
    let parameters = parameters(&request.body, charset.unwrap_or(Charset::UTF_8));
    call(Binding::HttpPost, &parameters)
}

/// The parameters of a query or a urlencoded body. Bytes that the charset does not allow become
/// U+FFFD.
pub(super) fn parameters(encoded: &[u8], charset: Charset) -> Parameters {
    let Ok(parameters) = Parameters::decode(encoded, |bytes| decoded(charset, bytes));
    parameters
}

/// A header with the URL encoding undone, as `HttpUtility.UrlDecode` does it.
pub(super) fn url_decode(value: &str) -> Cow<'_, str> {
    let Ok(value) =
        shared::http::url_decode(value.as_bytes(), |bytes| decoded(Charset::UTF_8, bytes));
    value
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other charsets than lossy ones can fail"
)]
fn decoded(charset: Charset, bytes: &[u8]) -> Result<Cow<'_, str>, Infallible> {
    Ok(charset.decode(bytes))
}

fn call(binding: Binding, parameters: &Parameters) -> Result<Call, Rejection> {
    if parameters.are_too_many() {
        let message = "Operation is not valid due to the current state of the object.";
        return Err(Rejection::Text(message.to_owned()));
    }
    let username = parameters
        .value("username")
        .ok_or_else(|| Rejection::Text("Missing parameter: username.".to_owned()))?;
    let username = Some(username);
    Ok(Call {
        binding,
        input: Input { username },
    })
}
