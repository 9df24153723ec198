//! The user names that captured requests pass to the operation. The answers do not show them, since
//! they are the same for every name.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderName, HeaderValue};
use reset_user_password::asmx::{self, Protocols, Route};
use serde::Deserialize;
use shared::lambda::Request;

#[derive(Deserialize)]
struct Case {
    name: String,
    request: CaseRequest,
    username: Option<String>,
}

#[derive(Deserialize)]
struct CaseRequest {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_b64: Option<String>,
}

#[test]
fn names_reach_the_operation_as_intended() {
    let mut checked = 0;
    for line in include_str!("../corpus/cases.jsonl").lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        let Some(expected) = &case.username else {
            continue;
        };
        let request = request(&case.request);
        let Route::Call(binding) = asmx::route(Protocols::ALL, &request) else {
            panic!("{} is not a call", case.name);
        };
        let call = asmx::decode(Protocols::ALL, binding, &request).expect("a call");
        assert_eq!(
            call.input.username.as_ref(),
            Some(expected),
            "{}",
            case.name
        );
        checked += 1;
    }
    assert!(checked > 40, "{checked}");
}

fn request(case: &CaseRequest) -> Request {
    let (path, query) = case.path.split_once('?').unwrap_or((&case.path, ""));
    let headers = case.headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().expect("a header name");
        (
            name,
            HeaderValue::from_bytes(value.as_bytes()).expect("a header value"),
        )
    });
    let body = match (&case.body, &case.body_b64) {
        (_, Some(encoded)) => BASE64_STANDARD.decode(encoded).expect("base64"),
        (text, None) => text.clone().unwrap_or_default().into_bytes(),
    };
    let method = case.method.parse().expect("a verb");
    Request::new(method, &format!("{path}?{query}"), headers.collect(), body)
}
