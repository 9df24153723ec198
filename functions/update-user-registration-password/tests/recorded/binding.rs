//! Captured request bodies with the values that the legacy server bound them to. Each is decoded in
//! a test with its own name.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use http::header::CONTENT_TYPE;
use libtest_mimic::{Failed, Trial};
use password::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::lambda::Request;
use update_user_registration_password::operation::Outcome;
use update_user_registration_password::servicestack::{self, Reply, ResponseFormat, Route};

#[derive(Deserialize)]
struct Case {
    name: String,
    request: CaseRequest,
    expect: Expectation,
}

#[derive(Deserialize)]
struct CaseRequest {
    path: String,
    content_type: Option<String>,
    body: Option<String>,
    body_b64: Option<String>,
}

/// Either the bound values or the error.
#[derive(Clone, Deserialize)]
struct Expectation {
    status: u16,
    dto: Option<Value>,
    error_code: Option<String>,
    message_prefix: Option<String>,
    fields: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Deviation {
    name: String,
    reason: String,
    expect: Expectation,
}

/// A test for each case.
pub(crate) fn trials() -> Vec<Trial> {
    let lines = |text: &'static str| text.lines().filter(|line| !line.is_empty());
    let mut deviations: HashMap<String, Deviation> =
        lines(include_str!("../corpus/binding-deviations.jsonl"))
            .map(|line| serde_json::from_str::<Deviation>(line).expect("a deviation"))
            .map(|deviation| (deviation.name.clone(), deviation))
            .collect();
    let trials = lines(include_str!("../corpus/binding.jsonl"))
        .map(|line| {
            let case: Case = serde_json::from_str(line).expect("a case");
            let deviation = deviations.remove(&case.name);
            let trial = Trial::test(case.name.clone(), move || judge(&case, deviation.as_ref()));
            trial.with_kind("binding")
        })
        .collect();
    assert!(deviations.is_empty(), "there are deviations without a case");
    trials
}

fn judge(case: &Case, deviation: Option<&Deviation>) -> Result<(), Failed> {
    let bound = bind(&request(&case.request));
    match deviation {
        None => differences(&case.expect, &bound),
        Some(Deviation { reason, .. }) if differences(&case.expect, &bound).is_ok() => {
            Err(format!("it no longer differs, though it should: {reason}").into())
        }
        Some(deviation) => differences(&deviation.expect, &bound),
    }
}

fn request(case: &CaseRequest) -> Request {
    let (path, query) = case.path.split_once('?').unwrap_or((&case.path, ""));
    let body = match (&case.body, &case.body_b64) {
        (_, Some(encoded)) => BASE64_STANDARD.decode(encoded).expect("base64"),
        (text, None) => text.clone().unwrap_or_default().into_bytes(),
    };
    let content_type = case
        .content_type
        .as_ref()
        .map(|value| (CONTENT_TYPE, value.parse()));
    let headers = content_type
        .into_iter()
        .map(|(name, value)| (name, value.expect("a value")));
    Request::new(
        Method::POST,
        &format!("{path}?{query}"),
        headers.collect(),
        body,
    )
}

/// The bound values in the form of the cases, or the status and the body of the error.
fn bind(request: &Request) -> Result<Value, (u16, Value)> {
    let Route::Call(endpoint) = servicestack::route(request, true) else {
        unreachable!("not a call");
    };
    match servicestack::decode(endpoint, request) {
        Ok(input) => Ok(json!({
            "Email": input.email,
            "NewPassword": input.new_password.map(|secret| secret.expose_secret().to_owned()),
            "SendResetEmail": input.send_reset_email,
            "CustomerBrandName": input.customer_brand_name,
            "Requester": input.requester,
        })),
        Err(rejection) => {
            let json = ResponseFormat::new(servicestack::Format::Json);
            let response = Reply::<Outcome>::from(rejection).encode(&json);
            let body = serde_json::from_str(response.body()).expect("a JSON error");
            Err((response.status().as_u16(), body))
        }
    }
}

fn differences(expect: &Expectation, bound: &Result<Value, (u16, Value)>) -> Result<(), Failed> {
    match (bound, &expect.dto) {
        (Ok(dto), Some(wanted)) if dto == wanted => Ok(()),
        (Ok(dto), wanted) => Err(format!("wanted {wanted:?}\ngot    {dto}").into()),
        (Err((status, body)), None) => {
            let status_of_body = &body["ResponseStatus"];
            let prefix = expect.message_prefix.as_deref().unwrap_or_default();
            let message = status_of_body["Message"].as_str().unwrap_or_default();
            let errors = status_of_body["Errors"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let fields: Vec<_> = errors
                .iter()
                .filter_map(|e| e["FieldName"].as_str())
                .collect();
            let is_same = *status == expect.status
                && status_of_body["ErrorCode"].as_str() == expect.error_code.as_deref()
                && message.starts_with(prefix)
                && fields == expect.fields.clone().unwrap_or_default();
            if is_same {
                Ok(())
            } else {
                Err(format!("got {status} {body}").into())
            }
        }
        (Err((status, body)), Some(wanted)) => {
            Err(format!("wanted {wanted}\ngot    {status} {body}").into())
        }
    }
}
