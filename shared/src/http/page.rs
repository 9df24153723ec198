//! Pages for people.

use askama::Template;
use http::{HeaderValue, Response, header};

/// What a page may do, as its `Content-Security-Policy` says (CSP Level 3). No page loads anything
/// or runs a script, and none can be framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePolicy {
    /// Inline styles, and a form that is sent to the page's own origin.
    Form,
    /// Inline styles.
    Styled,
    /// Nothing.
    Plain,
}

impl PagePolicy {
    const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Form => {
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'"
            }
            Self::Styled => {
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                 form-action 'none'; frame-ancestors 'none'"
            }
            Self::Plain => "default-src 'none'; frame-ancestors 'none'",
        })
    }
}

/// A response of status 200 with a page in UTF-8 and its policy.
pub fn page(template: &impl Template, policy: PagePolicy) -> Response<String> {
    // Rendering into a String cannot fail.
    let mut response = Response::new(template.render().unwrap_or_default());
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.header());
    response
}
