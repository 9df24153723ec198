//! An event for one of the functions, and its expected outcome.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::function::Error;

/// The folder of the sample events.
const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// One of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Reset,
    Update,
}

impl Target {
    /// The name of its binary and of the folder of its events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset-user-password",
            Self::Update => "update-user-registration-password",
        }
    }
}

/// The expected outcome of an event.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// Exactly this result.
    Result(Arc<Value>),
    /// A result that contains this.
    Part(&'static str),
    /// An error of the invocation, as for an unexpected event.
    Error,
}

/// An event and its expected outcome.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) target: Target,
    pub(super) event: Value,
    pub(super) expected: Expected,
}

impl Call {
    /// A sample event from `events/` and its expected result.
    pub(super) fn sample(target: Target, name: &str) -> Result<Self, Error> {
        let folder = Path::new(EVENTS).join(target.name());
        let read = |extension: &str| -> Result<Value, Error> {
            let path = folder.join(format!("{name}.{extension}"));
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(serde_json::from_str(&text)?)
        };
        Ok(Self {
            target,
            event: read("json")?,
            expected: Expected::Result(read("expected.json")?.into()),
        })
    }

    /// All sample events of a function.
    pub(super) fn samples(target: Target) -> Result<Vec<(String, Self)>, Error> {
        let mut samples = Vec::new();
        for entry in std::fs::read_dir(Path::new(EVENTS).join(target.name()))? {
            let file = entry?.file_name().into_string().unwrap_or_default();
            if let Some((name, "json")) = file.split_once('.') {
                samples.push((name.to_owned(), Self::sample(target, name)?));
            }
        }
        samples.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(samples)
    }

    /// The same call from this address, if the event has one.
    pub(super) fn from(mut self, source: std::net::Ipv4Addr) -> Self {
        for pointer in [
            "/requestContext/http/sourceIp",
            "/requestContext/identity/sourceIp",
        ] {
            if let Some(address) = self.event.pointer_mut(pointer) {
                *address = source.to_string().into();
            }
        }
        self
    }

    /// Sets a header, replacing any with the same name.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(headers) = self.event.pointer_mut("/headers") {
            set(headers, name, value);
        }
        self
    }

    /// The same call with this body.
    pub(super) fn body(mut self, body: &[u8]) -> Self {
        set(&mut self.event, "body", BASE64_STANDARD.encode(body));
        set(&mut self.event, "isBase64Encoded", true);
        self
    }

    /// Replaces a string in the query and the body.
    pub(super) fn replace(mut self, from: &str, to: &str) -> Self {
        let text = |name| self.event.get(name).and_then(Value::as_str);
        let query = text("rawQueryString").map(|query| query.replace(from, to));
        let body = text("body").unwrap_or_default();
        let body = if self.event.get("isBase64Encoded") == Some(&true.into()) {
            let body = BASE64_STANDARD.decode(body).unwrap_or_default();
            String::from_utf8_lossy(&body).into_owned()
        } else {
            body.to_owned()
        };
        if let Some(query) = query {
            set(&mut self.event, "rawQueryString", query);
        }
        if body.is_empty() {
            return self;
        }
        let body = body.replace(from, to);
        self.body(body.as_bytes())
    }

    /// The same call, with the expected outcome of another call.
    pub(super) fn like(mut self, other: &Self) -> Self {
        self.expected = other.expected.clone();
        self
    }

    /// The same call, with a different expected body of the result.
    pub(super) fn answered(mut self, body: String) -> Self {
        if let Expected::Result(result) = &self.expected {
            let mut result = Value::clone(result);
            set(&mut result, "body", body);
            self.expected = Expected::Result(result.into());
        }
        self
    }

    /// Compares the outcome of the invocation with the expected one. Returns the difference, if
    /// there is one.
    pub(super) fn fault(&self, outcome: &Result<String, String>) -> Option<String> {
        let is_right = match (&self.expected, outcome) {
            (Expected::Result(expected), Ok(result)) => {
                serde_json::from_str::<Value>(result).is_ok_and(|result| result == **expected)
            }
            (Expected::Part(part), Ok(result)) => result.contains(part),
            (Expected::Error, Err(_)) => true,
            (Expected::Error, Ok(_)) | (_, Err(_)) => false,
        };
        (!is_right).then(|| format!("{outcome:?}"))
    }
}

/// Sets a member of an object.
fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}
