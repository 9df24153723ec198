//! A fake AWS that answers as described in the API references. Tests inject faults by changing the
//! document with its answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

use super::world;

/// A running fake AWS.
pub(super) struct Aws {
    pub(super) url: String,
    state: Shared,
}

/// The answers and the received calls.
#[derive(Clone)]
struct Shared {
    answers: Arc<Mutex<Value>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    /// Starts a healthy AWS.
    pub(super) async fn start() -> Self {
        let state = Shared {
            answers: Arc::new(Mutex::new(world::answers())),
            calls: Arc::default(),
        };
        let router = Router::new()
            .fallback(any(answer))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// Replaces the value at a JSON pointer; `null` removes it.
    pub(super) fn set(&self, pointer: &str, value: Value) {
        let mut answers = self.state.answers.lock().unwrap();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = answers.pointer_mut(parent);
        assert!(parent.is_some(), "there is no {pointer}");
        let parent = parent.unwrap();
        let name = name.replace("~1", "/");
        match parent {
            Value::Array(elements) => {
                *elements.get_mut(name.parse::<usize>().unwrap()).unwrap() = value;
            }
            Value::Object(members) if value.is_null() => {
                assert!(members.remove(&name).is_some(), "there is no {pointer}");
            }
            other => drop(other.as_object_mut().unwrap().insert(name, value)),
        }
    }

    /// Returns the value at a JSON pointer.
    pub(super) fn get(&self, pointer: &str) -> Value {
        let answers = self.state.answers.lock().unwrap();
        answers.pointer(pointer).unwrap().clone()
    }

    /// Returns the received calls.
    pub(super) fn calls(&self) -> Vec<String> {
        self.state.calls.lock().unwrap().clone()
    }
}

/// Returns an error answer for [`Aws::set`].
pub(super) fn refusal(code: &str, message: &str) -> Value {
    json!({ "refused": code, "message": message })
}

/// The protocol of an answer.
enum Protocol {
    Json,
    Query { action: String },
}

async fn answer(
    State(state): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let signature = headers.get("authorization").unwrap().to_str().unwrap();
    let signed = |scope: &str| {
        let scope = format!("/{scope}/aws4_request");
        assert!(signature.contains(&scope), "{signature} is not for {scope}");
    };
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().unwrap().rsplit('.').next());
    let (call, protocol) = match target {
        Some(operation) => {
            let version = if operation == "DescribeKey" {
                "1.1"
            } else {
                "1.0"
            };
            let kind = format!("application/x-amz-json-{version}");
            assert_eq!(
                headers.get("content-type").unwrap(),
                kind.as_str(),
                "{operation}"
            );
            let input: Value = serde_json::from_str(&body).unwrap();
            let table = input.get("TableName").and_then(Value::as_str);
            let table = table.map_or(String::new(), |table| format!(" {table}"));
            let metric = input.get("MetricName").and_then(Value::as_str);
            let metric = metric.map_or(String::new(), |metric| format!(" {metric}"));
            (format!("{operation}{table}{metric}"), Protocol::Json)
        }
        None if method == Method::POST => {
            let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect();
            let action = form
                .iter()
                .find(|(name, _)| name == "Action")
                .unwrap()
                .1
                .clone();
            let protocol = Protocol::Query {
                action: action.clone(),
            };
            signed(match action.as_str() {
                "SimulatePrincipalPolicy" => "us-east-1/iam",
                "ListSubscriptionsByTopic" => "eu-west-1/sns",
                _ => "eu-west-1/cloudformation",
            });
            if action == "SimulatePrincipalPolicy" {
                state.calls.lock().unwrap().push(action);
                let answers = state.answers.lock().unwrap();
                return shown(&protocol, &simulated(&form, &answers));
            }
            let next = form.iter().find(|(name, _)| name == "NextToken");
            let next = next.map_or(String::new(), |(_, token)| format!(" {token}"));
            (format!("{action}{next}"), protocol)
        }
        None => {
            let is_mail = uri.path().starts_with("/v2/email/");
            signed(if is_mail {
                "eu-west-1/ses"
            } else {
                "eu-west-1/lambda"
            });
            (uri.path().to_owned(), Protocol::Json)
        }
    };
    state.calls.lock().unwrap().push(call.clone());
    let answers = state.answers.lock().unwrap().clone();
    let described = (call == "DescribeStacks").then(|| world::described(&answers));
    let found = described.or_else(|| answers.get(&call).cloned());
    shown(
        &protocol,
        &found.unwrap_or_else(|| refusal("NotFoundException", "no")),
    )
}

/// Simulates a policy: allows all actions that are not among the denied ones.
fn simulated(form: &[(String, String)], answers: &Value) -> Value {
    if let Some(refused) = answers.get("SimulatePrincipalPolicy") {
        return refused.clone();
    }
    let values = |prefix: &'static str| {
        let members = form
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix));
        members.map(|(_, value)| value.clone())
    };
    let role = values("PolicySourceArn").next().unwrap();
    assert!(
        role.starts_with("arn:aws:iam::123456789012:role/"),
        "{role}"
    );
    let resource = values("ResourceArns.member.").next().unwrap();
    let results = values("ActionNames.member.").map(|action| {
        let question = format!("{action} {resource}");
        let is_denied = answers["denied"]
            .as_array()
            .unwrap()
            .iter()
            .any(|denied| question.contains(denied.as_str().unwrap()));
        let decision = if is_denied { "implicitDeny" } else { "allowed" };
        json!({ "EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision })
    });
    json!({ "EvaluationResults": results.collect::<Vec<_>>(), "IsTruncated": "false" })
}

fn shown(protocol: &Protocol, answer: &Value) -> Response {
    let refused = answer.get("refused").and_then(Value::as_str);
    let message = answer
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (protocol, refused) {
        (Protocol::Json, None) => axum::Json(answer.clone()).into_response(),
        (Protocol::Json, Some(code)) => {
            let status = if code.contains("NotFound") { 404 } else { 400 };
            let body = axum::Json(json!({ "__type": code, "message": message }));
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("x-amzn-errortype", code.to_owned())], body).into_response()
        }
        (Protocol::Query { action }, None) => {
            let inner = xml(answer);
            let text = format!(
                "<{action}Response xmlns=\"urn:of-the-service\"><{action}Result>{inner}\
                 </{action}Result></{action}Response>"
            );
            ([("content-type", "text/xml")], text).into_response()
        }
        (Protocol::Query { .. }, Some(code)) => {
            let text = crate::aws::refusal(code, message);
            (StatusCode::FORBIDDEN, [("content-type", "text/xml")], text).into_response()
        }
    }
}

fn xml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| format!("<{name}>{}</{name}>", xml(value)));
            members.collect()
        }
        Value::Array(elements) => {
            let members = elements.iter();
            members
                .map(|value| format!("<member>{}</member>", xml(value)))
                .collect()
        }
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
        value => value.to_string(),
    }
}
