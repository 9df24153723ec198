//! Responses that are pages or plain text.

use askama::Template;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// Pages load and run nothing; their styles are in the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Page from a template, with status 200.
pub(super) fn page(template: &impl Template) -> Response<String> {
    // A template cannot fail: it only writes to a String.
    let mut response = empty_page(StatusCode::OK);
    *response.body_mut() = template.render().unwrap_or_default();
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Page without content.
pub(super) fn empty_page(status: StatusCode) -> Response<String> {
    text(status, "text/html; charset=utf-8", "")
}

/// Plain text.
pub(super) fn plain(status: StatusCode, body: &str) -> Response<String> {
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
