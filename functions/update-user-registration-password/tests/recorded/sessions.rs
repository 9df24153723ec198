//! Sequences of exchanges with sessions captured from the legacy server, each as a test with its
//! own name.
//!
//! A line has a `name` and `steps`: a `request`, the result to `expect`, and optionally an intended
//! `deviation` with its reason. `{ss-id}` and `{ss-pid}` are placeholders for the last cookies of
//! the sequence. Captured cookies are compared by name and value.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use http::{Request, Response, header};
use libtest_mimic::{Failed, Trial};
use local::Error;
use serde::Deserialize;
use testkit::Sandbox;

#[derive(Deserialize)]
struct Sequence {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    request: StepRequest,
    expect: Expectation,
    deviation: Option<Deviation>,
}

#[derive(Deserialize)]
struct StepRequest {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Expectation {
    status: u16,
    content_type: Option<String>,
    www_authenticate: Option<String>,
    cookies: Option<BTreeMap<String, String>>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Deviation {
    reason: String,
    expect: Expectation,
}

/// Cookies by name.
type Cookies = BTreeMap<String, String>;

/// A test for each sequence, all on one backend.
pub(crate) fn trials() -> Result<Vec<Trial>, Error> {
    let runtime = Arc::new(tokio::runtime::Runtime::new()?);
    let sandbox = runtime.block_on(Sandbox::start(&[]))?;
    let lines = include_str!("../corpus/sessions.jsonl").lines();
    lines
        .map(|line| {
            let sequence: Sequence = serde_json::from_str(line)?;
            let (runtime, sandbox) = (Arc::clone(&runtime), sandbox.clone());
            let name = sequence.name.clone();
            let trial = Trial::test(name, move || {
                runtime.block_on(run(&sandbox, &sequence.steps))
            });
            Ok(trial.with_kind("session"))
        })
        .collect()
}

async fn run(sandbox: &Sandbox, steps: &[Step]) -> Result<(), Failed> {
    let mut cookies = Cookies::new();
    for step in steps {
        let response = sandbox.send(&request(&step.request, &cookies)?).await;
        let set = set_cookies(&response);
        cookies.extend(
            set.clone()
                .into_iter()
                .filter(|(_, value)| !value.is_empty()),
        );
        let differences = |expect| differences(expect, (&response, &set), &cookies);
        let captured = differences(&step.expect);
        let found = match &step.deviation {
            None => captured,
            Some(deviation) if captured.is_empty() => {
                vec![format!(
                    "it no longer differs, though it should: {}",
                    deviation.reason
                )]
            }
            Some(deviation) => differences(&deviation.expect),
        };
        if !found.is_empty() {
            return Err(format!("{}: {}", step.name, found.join("\n")).into());
        }
    }
    Ok(())
}

fn request(step: &StepRequest, cookies: &Cookies) -> Result<Request<Bytes>, http::Error> {
    let mut request = Request::builder()
        .method(step.method.as_str())
        .uri(filled(&step.path, cookies));
    for (name, value) in &step.headers {
        request = request.header(name, filled(value, cookies));
    }
    let body = filled(step.body.as_deref().unwrap_or_default(), cookies);
    request.body(Bytes::from(body))
}

/// Replaces the placeholders in a text with the cookies.
fn filled(text: &str, cookies: &Cookies) -> String {
    cookies.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// The cookies that a response sets. The last of several with the same name counts.
fn set_cookies(response: &Response<Bytes>) -> Cookies {
    let fields = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs = fields.filter_map(|field| field.to_str().ok()?.split(';').next()?.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn differences(
    expect: &Expectation,
    (response, set): (&Response<Bytes>, &Cookies),
    cookies: &Cookies,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, wanted: String, got: String| {
        if wanted != got {
            found.push(format!("{what}: wanted {wanted}\ngot    {got}"));
        }
    };
    compare(
        "status",
        expect.status.to_string(),
        response.status().as_u16().to_string(),
    );
    let header = |name| {
        let value = response.headers().get(name);
        String::from_utf8_lossy(value.map_or(&[][..], |value| value.as_bytes())).into_owned()
    };
    if let Some(content_type) = &expect.content_type {
        compare("type", content_type.clone(), header(header::CONTENT_TYPE));
    }
    let challenge = expect.www_authenticate.clone().unwrap_or_default();
    compare("challenge", challenge, header(header::WWW_AUTHENTICATE));
    if let Some(wanted) = &expect.cookies {
        let wanted = wanted
            .iter()
            .map(|(name, value)| (name, filled(value, cookies)));
        let wanted: BTreeMap<_, _> = wanted.collect();
        compare("cookies", format!("{wanted:?}"), format!("{set:?}"));
    }
    if let Some(body) = &expect.body {
        let got = String::from_utf8_lossy(response.body()).into_owned();
        compare("body", filled(body, cookies), got);
    }
    found
}
