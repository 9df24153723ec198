//! Pages made from templates, and their content security policies.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

/// The policy for emails, which must neither run nor load anything.
pub(crate) const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(crate) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (policy(PAGE_POLICY), Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

pub(crate) fn policy(policy: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    )])
}
