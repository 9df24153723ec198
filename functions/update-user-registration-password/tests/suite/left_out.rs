//! Features of the old host that are not supported.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use axum::body::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};
use testkit::Sandbox;
use testkit::requests::{basic, set_password};

const ADMIN: &str = "admin:p@55wOrd";
const ROUTE: &str = "/UpdateUserRegistrationPassword";

fn change() -> Value {
    json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" })
}

fn request(path: &str, headers: &[(&str, &str)], body: &Value) -> Request<Bytes> {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_string().into()).unwrap()
}

async fn is_unchanged(sandbox: &Sandbox) -> bool {
    sandbox.user("jdoe").await.unwrap()["version"]
        .as_n()
        .is_ok_and(|version| version == "1")
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn there_are_no_generated_types_and_no_other_operations() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for path in [
        "/types",
        "/types/metadata",
        "/types/csharp",
        "/types/typescript.d",
        "/operations/metadata",
        "/assignroles",
    ] {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let credential = basic(ADMIN);
    for operation in ["AssignRoles", "UnAssignRoles"] {
        let body = json!({ "UserName": "bob", "Roles": ["Admin"] });
        let path = format!("/json/reply/{operation}");
        let request = request(&path, &[("authorization", &credential)], &body);
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        let code = json_of(&response)["ResponseStatus"]["ErrorCode"].clone();
        assert_eq!(code, "NotImplementedException", "{operation}");
    }
    assert!(!sandbox.user("bob").await.unwrap().contains_key("roles"));
}

/// A JWT, an API key in either form and the administrator's secret are not accepted.
#[tokio::test]
async fn other_credentials_are_ignored() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwicm9sZXMiOlsiQWRtaW4iXX0.";
    let bearer = format!("Bearer {jwt}");
    let cookie = format!("ss-tok={jwt}");
    let api_key = basic("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:");
    for (path, headers) in [
        (ROUTE, vec![("authorization", bearer.as_str())]),
        (ROUTE, vec![("cookie", cookie.as_str())]),
        (ROUTE, vec![("authorization", api_key.as_str())]),
        (
            "/UpdateUserRegistrationPassword?authsecret=p@55wOrd",
            vec![],
        ),
        (
            "/UpdateUserRegistrationPassword?apikey=AAAAAAAAAAAAAAAA",
            vec![],
        ),
    ] {
        let response = sandbox.send(&request(path, &headers, &change())).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(response.headers().contains_key("www-authenticate"));
    }
    assert!(is_unchanged(&sandbox).await);
}

#[tokio::test]
async fn pages_of_other_origins_cannot_read_an_answer() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let preflight = Request::options(ROUTE)
        .header("origin", "https://other.example")
        .header("access-control-request-method", "POST")
        .body(Bytes::new())
        .unwrap();
    let call = request(ROUTE, &[("origin", "https://other.example")], &change());
    for (request, status) in [
        (preflight, StatusCode::NOT_FOUND),
        (call, StatusCode::FORBIDDEN),
    ] {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), status);
        let is_cors = |headers: &HeaderMap| {
            headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control-"))
        };
        assert!(!is_cors(response.headers()));
    }
}

#[tokio::test]
async fn a_callback_is_ignored_and_a_batch_is_no_operation() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let credential = basic(ADMIN);
    let login = [("authorization", credential.as_str())];
    let path = "/json/reply/UpdateUserRegistrationPasswordRequest[]";
    let batch = request(path, &login, &json!([change(), change()]));
    let response = sandbox.send(&batch).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!response.headers().contains_key("x-autobatch-completed"));
    assert!(is_unchanged(&sandbox).await);

    let path = format!("{ROUTE}?callback=f");
    let response = sandbox.send(&request(&path, &login, &change())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let content_type = &response.headers()["content-type"];
    assert_eq!(content_type, "application/json; charset=utf-8");
    assert_eq!(json_of(&response)["Id"], 42);
}

#[tokio::test]
async fn an_answer_names_no_server_and_sets_no_cookie() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for request in [
        set_password(ADMIN, &change()),
        request(ROUTE, &[], &change()),
    ] {
        let response = sandbox.send(&request).await;
        for name in ["server", "x-powered-by", "x-aspnet-version", "set-cookie"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
    }
}

/// Only a success in CSV is offered as a file.
#[tokio::test]
async fn errors_in_csv_are_not_attachments() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let credential = basic(ADMIN);
    let login = [("authorization", credential.as_str())];
    let path = format!("{ROUTE}.csv");
    let unknown = json!({ "Email": "nobody@example.com", "NewPassword": "lamp-Sodium-4417" });
    for (body, status, is_attachment) in [
        (change(), StatusCode::OK, true),
        (unknown, StatusCode::NOT_FOUND, false),
        (json!({}), StatusCode::BAD_REQUEST, false),
    ] {
        let response = sandbox.send(&request(&path, &login, &body)).await;
        assert_eq!(response.status(), status);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/csv");
        assert_eq!(headers.contains_key("content-disposition"), is_attachment);
    }
}
