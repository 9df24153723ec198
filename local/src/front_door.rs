//! A local front door, which changes requests like CloudFront before the gateway gets them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_request_with_state;
use shared::front_door::{FORWARDED_PROTO, SECRET_HEADER, VIEWER_ADDRESS};

/// The address from which the front door calls the gateway. It is in TEST-NET-3 (RFC 5737), so no
/// viewer has it.
const EDGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 443);

/// Puts a front door in front of a router that identifies its callers by [`ConnectInfo`]. Adds
/// `secret` to every request.
///
/// # Errors
///
/// Returns an error if a header cannot contain the secret.
pub fn in_front_of(router: Router, secret: &str) -> Result<Router, InvalidHeaderValue> {
    let mut secret = HeaderValue::from_str(secret)?;
    secret.set_sensitive(true);
    Ok(router.layer(map_request_with_state(secret, pass)))
}

/// Sets CloudFront's headers, overwriting any that the viewer sent.
async fn pass(
    State(secret): State<HeaderValue>,
    ConnectInfo(viewer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Request {
    let headers = request.headers_mut();
    headers.insert(SECRET_HEADER, secret);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    // CloudFront writes no brackets around an IPv6 address.
    put(
        headers,
        VIEWER_ADDRESS,
        &format!("{}:{}", viewer.ip(), viewer.port()),
    );
    // CloudFront appends to this header, whatever the viewer wrote there.
    let before = headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok());
    let before = before
        .map(|before| format!("{before},"))
        .unwrap_or_default();
    put(
        headers,
        "x-forwarded-for",
        &format!("{before}{}", viewer.ip()),
    );
    request.extensions_mut().insert(ConnectInfo(EDGE));
    request
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => headers.insert(name, value),
        Err(_) => headers.remove(name),
    };
}
