//! The requests to DynamoDB of one warm call, and the capacity units they consume, with few and
//! with many users in the table.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use axum::body::Bytes;
use http::Request;
use local::tables::TableNames;
use local::{Backend, Functions, Storage, gateway};
use serde_json::{Value, json};
use shared::aws::Clients;
use shared::clock::Clock;
use shared::config::Env;
use testkit::requests;

use super::{Error, accounts};

/// Users in the table, at least.
const FEW: u64 = 1_000;

/// A call about the account of a number.
struct Operation {
    name: &'static str,
    request: fn(u64) -> Request<Bytes>,
}

const OPERATIONS: [Operation; 3] = [
    Operation {
        name: "reset",
        request: |number| requests::reset(&accounts::username(number)),
    },
    Operation {
        name: "update",
        request: |number| set_password("admin", number),
    },
    Operation {
        name: "update, by an e-mail address",
        request: |number| set_password("admin@pumpalarm.com", number),
    },
];

fn set_password(administrator: &str, number: u64) -> Request<Bytes> {
    let body = json!({
        "Email": accounts::email(number),
        "NewPassword": "lamp-Sodium-4417",
        "SendResetEmail": true,
    });
    requests::set_password(&format!("{administrator}:p@55wOrd"), &body)
}

/// Measures with a thousand users, and with `many`.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(many: Option<u64>) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let meter = Meter::default();
    let functions = functions(&backend, &meter)?;
    println!("\ncall | users | requests | capacity units | request by request");
    let mut there = 0;
    for users in [Some(FEW), many].into_iter().flatten() {
        let (dynamodb, table) = (&backend.clients.dynamodb, &backend.tables.users);
        accounts::add(dynamodb, table, there..users).await?;
        there = users;
        for operation in &OPERATIONS {
            // About two of them, so that the second call is a warm one.
            for number in users - 2..users {
                meter.take();
                backend.outbox.clear();
                let peer = ([192, 0, 2, 1], 50_000).into();
                let response = gateway::call(&functions, &(operation.request)(number), peer).await;
                if !response.status().is_success() || backend.outbox.mails().len() != 1 {
                    return Err(format!("{}: {response:?}", operation.name).into());
                }
            }
            println!("{} | {users} | {}", operation.name, row(&meter.take()));
        }
    }
    Ok(())
}

/// The functions as they are by default, limits included, only that nothing waits for the floor.
fn functions(backend: &Backend, meter: &Meter) -> Result<Functions, Error> {
    let dynamodb = backend.clients.dynamodb.config().to_builder();
    let backend = Backend {
        clients: Clients {
            dynamodb: Client::from_conf(dynamodb.interceptor(meter.clone()).build()),
            ses: backend.clients.ses.clone(),
        },
        ..backend.clone()
    };
    let lookup = |name: &str| match name {
        "RESPONSE_FLOOR_MS" => Some("0".to_owned()),
        _ => local::default_variable(name),
    };
    let functions = Functions::new(&backend, Env::new(&lookup), &Clock::system());
    Ok(functions?)
}

fn row(requests: &[Consumed]) -> String {
    let units: f64 = requests.iter().flatten().map(|(_, units)| units).sum();
    let requests = requests.iter().map(|tables| {
        let tables = tables
            .iter()
            .map(|(table, units)| format!("{table} {units}"));
        tables.collect::<Vec<_>>().join(" and ")
    });
    let requests: Vec<_> = requests.collect();
    format!("{} | {units} | {}", requests.len(), requests.join(", "))
}

/// The capacity units of one request, by table.
type Consumed = Vec<(String, f64)>;

/// Asks in every request for the capacity units it consumes, and keeps what the answers say.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<Vec<Consumed>>>);

impl Meter {
    fn take(&self) -> Vec<Consumed> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        let members = body.as_object_mut().ok_or("the request is no object")?;
        members.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
        let body = body.to_string();
        let length = body.len().to_string();
        request.headers_mut().insert("content-length", length);
        *request.body_mut() = body.into();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        let consumed = consumed(&serde_json::from_slice(body)?).ok_or("no capacity in it")?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(consumed);
        Ok(())
    }
}

/// What an answer says, of one table or of several.
fn consumed(answer: &Value) -> Option<Consumed> {
    let capacity = answer.get("ConsumedCapacity")?;
    let tables = capacity.as_array().map(Vec::as_slice);
    let tables = tables.unwrap_or(std::slice::from_ref(capacity)).iter();
    let consumed = tables.map(|table| {
        let name = table.get("TableName")?.as_str()?.to_owned();
        Some((name, table.get("CapacityUnits")?.as_f64()?))
    });
    consumed.collect()
}
