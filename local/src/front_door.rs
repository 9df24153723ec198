//! CloudFront's part: what it does to a request before the gateway gets it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_request_with_state;
use shared::front_door::{FORWARDED_PROTO, SECRET_HEADER, VIEWER_ADDRESS};

/// Where CloudFront calls the gateway from: an address of TEST-NET-3 (RFC 5737), which no viewer has.
const EDGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 443);

/// A front door before a router that knows its callers by [`ConnectInfo`]. Every request gets this
/// secret.
///
/// # Errors
/// If a header cannot hold the secret.
pub fn before(router: Router, secret: &str) -> Result<Router, InvalidHeaderValue> {
    let mut secret = HeaderValue::from_str(secret)?;
    secret.set_sensitive(true);
    Ok(router.layer(map_request_with_state(secret, pass)))
}

/// Writes CloudFront's headers over those of the same names that the viewer sent.
async fn pass(
    State(secret): State<HeaderValue>,
    ConnectInfo(viewer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Request {
    let headers = request.headers_mut();
    headers.insert(SECRET_HEADER, secret);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    // An IPv6 address has no brackets around it.
    put(
        headers,
        VIEWER_ADDRESS,
        &format!("{}:{}", viewer.ip(), viewer.port()),
    );
    // The one header to which CloudFront adds, whatever the viewer wrote there.
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
