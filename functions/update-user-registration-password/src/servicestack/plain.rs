//! Responses with plain text or without content.

use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// Makes a page without content.
pub(super) fn empty_page(status: StatusCode) -> Response<String> {
    text(status, "text/html; charset=utf-8", "")
}

/// Makes a response with plain text.
pub(super) fn text_page(status: StatusCode, body: &str) -> Response<String> {
    text(status, "text/plain", body)
}

fn text(status: StatusCode, content_type: &'static str, body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
