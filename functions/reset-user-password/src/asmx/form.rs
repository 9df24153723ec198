//! Calls over HTTP GET and HTTP POST.

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

/// Reads a call over HTTP GET.
pub(super) fn decode_query(request: &Request) -> Result<Call, Rejection> {
    let parameters = parameters(request.query.as_bytes(), Charset::UTF_8);
    call(Binding::HttpGet, &parameters)
}

/// Reads a call over HTTP POST, ignoring its query.
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
    let charset = content_type
        .parameter("charset")
        .and_then(Charset::for_label);
    let parameters = parameters(&request.body, charset.unwrap_or(Charset::UTF_8));
    call(Binding::HttpPost, &parameters)
}

/// Parses the parameters of a query or a urlencoded body. Bytes that are invalid in the charset
/// become U+FFFD.
pub(super) fn parameters(encoded: &[u8], charset: Charset) -> Parameters {
    let Ok(parameters) = Parameters::decode(encoded, |bytes| decoded(charset, bytes));
    parameters
}

/// Decodes the URL encoding of a header, like `HttpUtility.UrlDecode`.
pub(super) fn url_decode(value: &str) -> Cow<'_, str> {
    let Ok(value) =
        shared::http::url_decode(value.as_bytes(), |bytes| decoded(Charset::UTF_8, bytes));
    value
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "callers of `url_decode` may use a decoder that fails"
)]
fn decoded(charset: Charset, bytes: &[u8]) -> Result<Cow<'_, str>, Infallible> {
    Ok(charset.decode(bytes))
}

fn call(binding: Binding, parameters: &Parameters) -> Result<Call, Rejection> {
    if parameters.exceed_limit() {
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

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, HeaderMap};
    use http::{HeaderValue, Method};

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn posted(content_type: &str, body: &[u8]) -> Result<Option<String>, Rejection> {
        let content_type = HeaderValue::from_str(content_type).unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
        let request = Request::new(Method::POST, "?username=query", headers, body.to_vec());
        decode_body(&request).map(|call| {
            assert_eq!(call.binding, Binding::HttpPost);
            call.input.username
        })
    }

    fn got(query: &str) -> Result<Option<String>, Rejection> {
        let target = format!("?{query}");
        let request = Request::new(Method::GET, &target, HeaderMap::new(), vec![]);
        decode_query(&request).map(|call| {
            assert_eq!(call.binding, Binding::HttpGet);
            call.input.username
        })
    }

    fn refused(message: &str) -> Result<Option<String>, Rejection> {
        Err(Rejection::Text(message.to_owned()))
    }

    #[test]
    fn the_user_name_is_in_the_query_or_in_the_body() {
        let name = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(got("x=1&UserName=a%20b"), name("a b"));
        assert_eq!(posted(FORM, b"x=1&UserName=a+b"), name("a b"));
        assert_eq!(posted(FORM, b"username="), name(""));
        let missing = "Missing parameter: username.";
        assert_eq!(got(""), refused(missing));
        assert_eq!(got("username"), refused(missing));
        assert_eq!(posted(FORM, b"x=1"), refused(missing));
    }

    #[test]
    fn the_content_type_is_that_of_a_form() {
        let expected = Ok(Some("a".to_owned()));
        for content_type in [
            "Application/X-WWW-Form-URLEncoded",
            "application/x-www-form-urlencoded;charset=utf-8",
            "application/x-www-form-urlencoded; x=y",
        ] {
            assert_eq!(
                posted(content_type, b"username=a"),
                expected,
                "{content_type}"
            );
        }
        for (content_type, shown) in [
            (
                "text/xml; charset=\"utf-8\"",
                "text/xml; charset=&quot;utf-8&quot;",
            ),
            (
                "application/x-www-form-urlencoded ;",
                "application/x-www-form-urlencoded ;",
            ),
            ("", ""),
        ] {
            let message = format!("Request format is invalid: {shown}.");
            assert_eq!(posted(content_type, b"username=a"), refused(&message));
        }
    }

    #[test]
    fn the_charset_is_that_of_the_content_type() {
        for (charset, body, expected) in [
            ("iso-8859-1", &b"username=\xe9%E9"[..], "\u{e9}\u{e9}"),
            ("\"utf-8\"", b"username=\xc3\xa9%C3%A9", "\u{e9}\u{e9}"),
            ("x-none", b"username=%C3%A9%E9", "\u{e9}\u{fffd}"),
        ] {
            let content_type = format!("{FORM}; charset={charset}");
            let name = posted(&content_type, body).unwrap();
            assert_eq!(name.as_deref(), Some(expected), "{charset}");
        }
    }

    #[test]
    fn a_body_or_a_number_of_parts_over_the_limit_is_refused() {
        let body = |length: usize| format!("username={}", "a".repeat(length - "username=".len()));
        assert!(posted(FORM, body(MAX_BODY).as_bytes()).is_ok());
        assert_eq!(
            posted(FORM, body(MAX_BODY + 1).as_bytes()),
            refused("Maximum request length exceeded.")
        );
        let parts = "username=a".to_owned() + &"&".repeat(shared::http::MAX_PARAMETERS);
        let message = "Operation is not valid due to the current state of the object.";
        assert_eq!(got(&parts), refused(message));
        assert!(got(&parts[1..]).is_err());
        assert!(got(&parts[..parts.len() - 1]).is_ok());
    }

    #[test]
    fn headers_are_decoded_like_parameters() {
        assert_eq!(url_decode("a+b%20%C3%A9%u00e9%zz"), "a b \u{e9}\u{e9}%zz");
    }
}
