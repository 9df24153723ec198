//! Requests as most tests send them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use serde_json::{Value, json};

/// `ResetUserPassword` by HTTP GET.
///
/// # Panics
/// When the name may not stand in a query as it is.
#[must_use]
pub fn reset(username: &str) -> Request<Bytes> {
    let path = "/webservices/IFCommonService.asmx/ResetUserPassword";
    Request::get(format!("{path}?username={username}"))
        .body(Bytes::new())
        .unwrap()
}

/// `UpdateUserRegistrationPassword` in JSON, by who has this credential: `name:password`.
///
/// # Panics
/// Never.
#[must_use]
pub fn set_password(credential: &str, body: &Value) -> Request<Bytes> {
    Request::post("/UpdateUserRegistrationPassword")
        .header("content-type", "application/json")
        .header("authorization", basic(credential))
        .body(body.to_string().into())
        .unwrap()
}

/// A login by session, in JSON, of who has this credential: `name:password`.
///
/// # Panics
/// When there is no colon in it.
#[must_use]
pub fn log_in(credential: &str) -> Request<Bytes> {
    let (name, password) = credential.split_once(':').unwrap();
    let body = json!({ "provider": "credentials", "UserName": name, "Password": password });
    Request::post("/json/reply/Authenticate")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

/// The header `Authorization` of a credential: `name:password`.
#[must_use]
pub fn basic(credential: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credential))
}
