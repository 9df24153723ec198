//! Relays that make one call fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use super::{Attempts, Fault, Injection};
use crate::relay::{Action, Call, Relays, Step};
use local::Backend;

/// A proxy in front of DynamoDB and SES that can make one call fail.
#[derive(Debug)]
pub struct Proxy {
    /// The relays for all calls.
    pub relays: Relays,
    seen: Arc<Mutex<Seen>>,
    killed: Arc<Notify>,
}

/// The calls so far, and the fault of one of them.
#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Call>,
    injection: Option<Injection>,
    has_hit: bool,
}

impl Proxy {
    /// Starts a proxy in front of this backend, which forwards all calls for now.
    pub fn start(backend: &Backend) -> std::io::Result<Self> {
        let relays = Relays::start(backend)?;
        let (seen, killed) = (Arc::new(Mutex::<Seen>::default()), Arc::default());
        let (script_seen, script_killed) = (Arc::clone(&seen), Arc::clone(&killed));
        relays.script(move |call| match lock(&script_seen).fault(call) {
            Some(fault) => fault.action(call, &script_killed),
            None => Action::forward(),
        });
        Ok(Self {
            relays,
            seen,
            killed,
        })
    }

    /// Restarts counting calls at 0, and makes one of them fail.
    pub fn inject(&self, injection: Option<Injection>) {
        *lock(&self.seen) = Seen {
            injection,
            ..Seen::default()
        };
    }

    /// Whether the call was made and failed.
    #[must_use]
    pub fn has_hit(&self) -> bool {
        lock(&self.seen).has_hit
    }

    /// The names of the calls since the last [`Proxy::inject`].
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        lock(&self.seen).calls.iter().map(name).collect()
    }

    /// Resolves when the process must end.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// Resolves when no calls are in progress any more, including those that are applied late.
    pub async fn settled(&self) {
        self.relays.settled().await;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    /// The fault of this attempt. Attempts at the same call have the same SDK invocation id.
    fn fault(&mut self, attempt: &Call) -> Option<Fault> {
        let mut calls = self.calls.iter();
        let known = calls.position(|call| call.invocation == attempt.invocation);
        let number = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.calls.push(attempt.clone());
        }
        let Injection { call, failure } = self.injection?;
        let is_hit = call == number && (known.is_none() || failure.attempts == Attempts::Every);
        self.has_hit |= is_hit;
        is_hit.then_some(failure.fault)
    }
}

impl Fault {
    fn action(self, call: &Call, killed: &Arc<Notify>) -> Action {
        let killed = || Step::Notify(Arc::clone(killed));
        Action(match self {
            Self::Reset => vec![Step::Reset],
            Self::DroppedBefore => vec![],
            Self::DroppedAfter => vec![Step::Deliver],
            Self::Throttled => return throttled(call),
            Self::NotAnswered => vec![Step::Deliver, Step::AwaitTimeout],
            Self::AppliedLate => vec![Step::AwaitTimeout, Step::Deliver],
            Self::ConditionFailed => return condition_failed(call),
            Self::KilledBefore => vec![killed(), Step::AwaitEnd],
            Self::KilledAfter => vec![Step::Deliver, killed(), Step::AwaitEnd],
        })
    }
}

fn throttled(call: &Call) -> Action {
    match call.operation.as_str() {
        "SendEmail" => Action::refuse(429, "TooManyRequestsException"),
        _ => Action::refuse(400, "ProvisionedThroughputExceededException"),
    }
}

fn condition_failed(call: &Call) -> Action {
    match call.operation.as_str() {
        "SendEmail" => Action::refuse(400, "MessageRejected"),
        "TransactWriteItems" => {
            let body = json(call);
            let items = body.get("TransactItems").and_then(Value::as_array);
            Action::cancel("ConditionalCheckFailed", items.map_or(1, Vec::len))
        }
        _ => Action::refuse(400, "ConditionalCheckFailedException"),
    }
}

/// The name of a call: the operation with its table, or all tables of a batch, and its index if it
/// has one.
fn name(call: &Call) -> String {
    let operation = &call.operation;
    if operation == "SendEmail" {
        return operation.clone();
    }
    let body = json(call);
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    let in_batch = body.get("RequestItems").and_then(Value::as_object);
    let in_batch = in_batch.into_iter().flat_map(|tables| tables.keys());
    let places = text("/IndexName")
        .or_else(|| text("/TableName"))
        .or_else(|| text("/TransactItems/0/Update/TableName"))
        .into_iter()
        .chain(in_batch.map(String::as_str));
    // The part after a dot distinguishes the tables of different tests.
    let places = places.map(|place| place.split('.').next().unwrap_or_default());
    format!("{operation} {}", places.collect::<Vec<_>>().join("+"))
}

fn json(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap_or_default()
}
