//! HTML pages.

use askama::Template;
use http::{HeaderValue, Response, header};

/// The `Content-Security-Policy` of a page (CSP Level 3). No page loads resources, runs scripts or
/// can be framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePolicy {
    /// Allows inline styles, and a form that is sent to the page's own origin.
    Form,
    /// Allows inline styles.
    Styled,
    /// Allows nothing.
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

/// Makes a response with status 200, a page in UTF-8 and its policy. Browsers must not treat it
/// as another type (Fetch Standard, `X-Content-Type-Options`).
pub fn page(template: &impl Template, policy: PagePolicy) -> Response<String> {
    // Rendering into a String cannot fail.
    let mut response = Response::new(template.render().unwrap_or_default());
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.header());
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(source = "<p></p>", ext = "html", escape = "none")]
    struct Page;

    #[test]
    fn pages_can_do_what_their_policy_says() {
        for (policy, styles, forms) in [
            (PagePolicy::Form, true, Some("form-action 'self'")),
            (PagePolicy::Styled, true, Some("form-action 'none'")),
            (PagePolicy::Plain, false, None),
        ] {
            let response = page(&Page, policy);
            assert_eq!(response.body(), "<p></p>");
            let value = |name| response.headers().get(name).unwrap().to_str().unwrap();
            assert_eq!(value(header::CONTENT_TYPE), "text/html; charset=utf-8");
            assert_eq!(value(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            let policy = value(header::CONTENT_SECURITY_POLICY);
            assert!(policy.starts_with("default-src 'none'; "), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(
                policy.contains("style-src 'unsafe-inline'"),
                styles,
                "{policy}"
            );
            let directives = policy.split("; ");
            let form_action = directives
                .into_iter()
                .find(|d| d.starts_with("form-action"));
            assert_eq!(form_action, forms, "{policy}");
        }
    }
}
