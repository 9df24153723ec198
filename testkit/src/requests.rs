//! Requests that most tests send.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use serde_json::{Value, json};

/// The path of the service with `ResetUserPassword`.
pub const ASMX: &str = "/webservices/IFCommonService.asmx";
/// The XML namespace of its operations.
pub const ASMX_NAMESPACE: &str = "http://www.ifactorconsulting.com/webservices";

/// `ResetUserPassword` over HTTP GET.
///
/// # Panics
/// If the name is not valid in a query without escaping.
#[must_use]
pub fn reset(username: &str) -> Request<Bytes> {
    Request::get(format!("{ASMX}/ResetUserPassword?username={username}"))
        .body(Bytes::new())
        .unwrap()
}

/// `ResetUserPassword` over HTTP POST with this form.
///
/// # Panics
/// Never.
#[must_use]
pub fn reset_form(form: &str) -> Request<Bytes> {
    Request::post(format!("{ASMX}/ResetUserPassword"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned().into())
        .unwrap()
}

/// `ResetUserPassword` in an envelope with this namespace.
///
/// # Panics
/// If the content type is not valid in a header.
#[must_use]
pub fn reset_soap(content_type: &str, envelope: &str, username: &str) -> Request<Bytes> {
    let body = format!(
        "<s:Envelope xmlns:s=\"{envelope}\"><s:Body><ResetUserPassword \
         xmlns=\"{ASMX_NAMESPACE}\"><username>{username}</username></ResetUserPassword>\
         </s:Body></s:Envelope>"
    );
    let action = format!("\"{ASMX_NAMESPACE}/ResetUserPassword\"");
    Request::post(ASMX)
        .header("content-type", content_type)
        .header("soapaction", action)
        .body(body.into())
        .unwrap()
}

/// `ResetUserPassword` over HTTP GET, HTTP POST, SOAP 1.1 and SOAP 1.2.
///
/// # Panics
/// If the name is not valid in a query without escaping.
#[must_use]
pub fn reset_by_every_binding(username: &str) -> [Request<Bytes>; 4] {
    let [soap11, soap12] = [
        ("text/xml", "http://schemas.xmlsoap.org/soap/envelope/"),
        (
            "application/soap+xml",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
    ]
    .map(|(media_type, envelope)| {
        let content_type = format!("{media_type}; charset=utf-8");
        reset_soap(&content_type, envelope, username)
    });
    let form = format!("username={username}");
    [reset(username), reset_form(&form), soap11, soap12]
}

/// `UpdateUserRegistrationPassword` in JSON, with this credential: `name:password`.
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

/// A login that opens a session, in JSON, with this credential: `name:password`.
///
/// # Panics
/// If the credential contains no colon.
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
