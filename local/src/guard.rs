//! Protects the pages of this program from other sites.
//!
//! The pages show emails with passwords and send requests, and any site that a developer visits can
//! make the browser call a port of the machine.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests for another host, and requests with side effects that another site sent.
pub(crate) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(host) = only(headers, &header::HOST).filter(|host| is_this_machine(host)) else {
        let text = "This page is only available at 127.0.0.1 and localhost.\n";
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    };
    if !request.method().is_safe() && is_cross_site(headers, host) {
        let text = "Requests from other sites are refused.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// Whether a Host header names this machine. A site whose name resolves to 127.0.0.1 (DNS
/// rebinding) has its own name there.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

/// Whether a page of another origin made a browser send the request, according to
/// `Sec-Fetch-Site` or, in browsers without it, `Origin`. Programs rarely send either.
fn is_cross_site(headers: &HeaderMap, host: &str) -> bool {
    let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin") => false,
        None | Some(b"none") => {
            headers.contains_key(header::ORIGIN)
                && !only(headers, &header::ORIGIN).is_some_and(is_own)
        }
        Some(_) => true,
    }
}

/// The value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
