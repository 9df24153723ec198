//! One sweep with few and with many waiting resets: its requests to DynamoDB and their capacity
//! units, separately for reading the queue.

use std::time::Instant;

use aws_sdk_dynamodb::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use local::tables::TableNames;
use local::{Backend, Storage};
use password::Secret;
use serde_json::Value;
use shared::clock::{Clock, Timestamp};
use shared::lambda;
use shared::users::{Pending, UsernameKey, Users};

use super::meter::Call;
use super::{Error, accounts, requests};

const EVENT: &str = include_str!("../../../events/reset-user-password/scheduled.json");
/// The number of concurrent reservations.
const AT_ONCE: usize = 4;
/// More emails per second than hashes, so that the sweep is limited only by its hashes.
const MAIL_RATE: u32 = 100;
/// The time for which the resets have waited, in seconds.
const WAITED: u64 = 600;

/// Measures one sweep with each of these numbers of waiting resets.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(waiting: &[u64]) -> Result<(), Error> {
    println!(
        "\nsweep with | mailed | took | requests for the queue | capacity units | per email: \
         requests | capacity units | time in DynamoDB"
    );
    for &resets in waiting {
        println!("{resets} | {}", sweep(resets).await?);
    }
    Ok(())
}

async fn sweep(resets: u64) -> Result<String, Error> {
    let database = Backend::start(Storage::Memory, TableNames::default()).await?;
    let (dynamodb, table) = (&database.clients.dynamodb, &database.tables.users);
    accounts::add(dynamodb, table, 0..resets).await?;
    reserve(dynamodb, table, resets).await?;
    let (meter, backend) = requests::metered(&database.dynamodb_url).await?;
    let functions = requests::functions(&backend, Some(MAIL_RATE))?;
    meter.take();
    let began = Instant::now();
    let id = uuid::Uuid::new_v4().to_string();
    let result = lambda::invoke(&functions.reset_user_password, EVENT, id).await?;
    let took = began.elapsed();
    let (queries, others): (Vec<_>, Vec<_>) = meter
        .take()
        .into_iter()
        .partition(|call| call.operation == "Query");
    let mailed = u32::try_from(backend.outbox.mails().len())?;
    check(&result, resets, mailed)?;
    let units = |calls: &[Call]| calls.iter().map(Call::units).sum::<f64>();
    let in_dynamodb: std::time::Duration = others.iter().map(|call| call.took).sum();
    let mails = f64::from(mailed);
    Ok(format!(
        "{mailed} | {took:.1?} | {} | {} | {:.2} | {:.2} | {:.1?}",
        queries.len(),
        units(&queries),
        f64::from(u32::try_from(others.len())?) / mails,
        units(&others) / mails,
        in_dynamodb / mailed,
    ))
}

/// For each account, reserves a reset that is already due, as after an outage of SES.
async fn reserve(client: &Client, table: &str, resets: u64) -> Result<(), Error> {
    let users = Users::new(client.clone(), table.to_owned());
    let hash = Secret::from("of a password that was never mailed");
    let Timestamp(now) = Clock::system().now();
    let then = Timestamp(now - WAITED);
    let reservations = (0..resets).map(|number| {
        let (users, hash) = (&users, &hash);
        async move {
            let pending = Pending {
                username: &UsernameKey::new(&accounts::username(number)),
                hash,
                request_id: "bench",
                attempts: 0,
                requested_at: then,
                expires_at: then.plus_seconds(30),
                due_at: then.plus_seconds(30),
                operator: None,
            };
            users.reserve(&pending, then).await
        }
    });
    let reserved: Vec<_> = stream::iter(reservations)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    if reserved.iter().all(Option::is_some) {
        Ok(())
    } else {
        Err("an account could not be reset".into())
    }
}

/// Checks that the sweep mailed all resets, or as many as its minute allows, without failures.
fn check(result: &Value, resets: u64, mailed: u32) -> Result<(), Error> {
    let count = |name: &str| {
        let count = result.pointer(&format!("/sweep/{name}"));
        count.and_then(Value::as_u64).unwrap_or(u64::MAX)
    };
    let is_complete = count("reset") + count("left") == resets.min(count("due"));
    if mailed > 0 && count("reset") == u64::from(mailed) && is_complete {
        Ok(())
    } else {
        Err(format!("the sweep answered {result}").into())
    }
}
