//! Runs exchanges captured from the legacy servers through the functions, on the same path as in
//! Lambda. Each exchange is a test with its own name.
//!
//! Cases are lines of JSON: `name`, `request` (`method`, `path`, `headers`, `body` or `body_b64`)
//! and `expect` (`status` and optionally `content_type`, `cache_control`, `www_authenticate`,
//! `body` byte for byte or `json`). Intended differences are lines of JSON too: the `name` of a
//! case, the `reason`, and the result to `expect` instead.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response};
use libtest_mimic::{Failed, Trial};
use local::Error;
use serde::Deserialize;
use serde_json::Value;

use crate::Sandbox;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    request: CaseRequest,
    expect: Expectation,
}

#[derive(Debug, Deserialize)]
struct CaseRequest {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_b64: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Expectation {
    status: u16,
    content_type: Option<String>,
    cache_control: Option<String>,
    www_authenticate: Option<String>,
    body: Option<String>,
    json: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Deviation {
    name: String,
    reason: String,
    expect: Expectation,
}

/// Makes a test for each of `cases`, all on one backend. Fails if a deviation has no case.
pub fn trials(cases: &str, deviations: &str) -> Result<Vec<Trial>, Error> {
    let runtime = Arc::new(tokio::runtime::Runtime::new()?);
    let sandbox = runtime.block_on(Sandbox::start(&[]))?;
    let deviations: Vec<Deviation> = lines(deviations)?;
    let mut deviations: HashMap<String, Deviation> = deviations
        .into_iter()
        .map(|deviation| (deviation.name.clone(), deviation))
        .collect();
    let mut trials = Vec::new();
    for case in lines::<Case>(cases)? {
        let (runtime, sandbox) = (Arc::clone(&runtime), sandbox.clone());
        let deviation = deviations.remove(&case.name);
        let name = case.name.clone();
        let trial = Trial::test(name, move || {
            let response = runtime.block_on(exchange(&sandbox, &case.request))?;
            judge(&case, deviation.as_ref(), &response)
        });
        trials.push(trial.with_kind("exchange"));
    }
    match deviations.into_keys().next() {
        Some(name) => Err(format!("the deviation {name} has no case").into()),
        None => Ok(trials),
    }
}

fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<T>, serde_json::Error> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(serde_json::from_str)
        .collect()
}

async fn exchange(sandbox: &Sandbox, case: &CaseRequest) -> Result<Response<Bytes>, Failed> {
    let mut body = match (&case.body, &case.body_b64) {
        (_, Some(encoded)) => BASE64_STANDARD.decode(encoded)?,
        (Some(text), None) => text.clone().into_bytes(),
        (None, None) => Vec::new(),
    };
    let mut request = Request::builder()
        .method(case.method.as_str())
        .uri(case.path.as_str());
    for (name, value) in &case.headers {
        if name.parse::<HeaderName>()? == TRANSFER_ENCODING {
            // The gateway decodes chunks.
            body = unchunked(&body).ok_or("the body is not chunked")?;
        } else {
            request = request.header(name, value.as_bytes());
        }
    }
    Ok(sandbox.send(&request.body(body.into())?).await)
}

/// Decodes a chunked body without trailers (RFC 9112 section 7.1.3).
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line_end)?).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let start = line_end + 2;
        body.extend_from_slice(rest.get(start..start + size)?);
        rest = rest.get(start + size + 2..)?;
    }
}

/// Compares a response with a case. A case with a deviation passes only with the deviation's
/// result.
fn judge(
    case: &Case,
    deviation: Option<&Deviation>,
    response: &Response<Bytes>,
) -> Result<(), Failed> {
    let is_head = case.request.method == "HEAD";
    let as_captured = differences(&case.expect, is_head, response);
    let found = match deviation {
        None => as_captured,
        Some(deviation) if as_captured.is_empty() => {
            let reason = &deviation.reason;
            vec![format!("it no longer differs, though it should: {reason}")]
        }
        Some(deviation) => differences(&deviation.expect, is_head, response),
    };
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n").into())
    }
}

fn differences(expect: &Expectation, is_head: bool, response: &Response<Bytes>) -> Vec<String> {
    let mut found = Vec::new();
    let body = String::from_utf8_lossy(response.body());
    let mut compare = |what: &str, wanted: &str, got: &str| {
        if wanted != got {
            found.push(format!("{what}:\n  wanted {wanted}\n  got    {got}"));
        }
    };
    compare(
        "status",
        &expect.status.to_string(),
        &response.status().as_u16().to_string(),
    );
    let has_body = expect.body.as_ref().is_some_and(|body| !body.is_empty());
    if let Some(wanted) = &expect.content_type
        && (has_body || expect.json.is_some() || expect.status == 200)
    {
        let plain = |value: &str| value.replace(' ', "").to_ascii_lowercase();
        let got = header(response.headers(), &CONTENT_TYPE);
        compare("content type", &plain(wanted), &plain(&got));
    }
    if let Some(wanted) = &expect.cache_control {
        compare(
            "cache control",
            wanted,
            &header(response.headers(), &CACHE_CONTROL),
        );
    }
    if let Some(wanted) = &expect.www_authenticate {
        compare(
            "challenge",
            wanted,
            &header(response.headers(), &WWW_AUTHENTICATE),
        );
    }
    if let (Some(wanted), false) = (&expect.body, is_head) {
        compare("body", wanted, &body);
    }
    if let Some(wanted) = &expect.json {
        let got = serde_json::from_str::<Value>(&body).unwrap_or_default();
        compare("JSON", &wanted.to_string(), &got.to_string());
    }
    found
}

fn header(headers: &HeaderMap, name: &HeaderName) -> String {
    headers
        .get(name)
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into())
        .unwrap_or_default()
}
