//! An outage of SES: resets are requested while SES accepts no email. After SES recovers, one
//! process sweeps every minute, as the template schedules it, and mails the new passwords.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use local::tables::TableNames;
use local::{Backend, Storage};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::{Error, RESET, accounts};

const GET: &str = include_str!("../../../events/reset-user-password/http-get.json");
const SWEEP: &str = include_str!("../../../events/reset-user-password/scheduled.json");
/// SES's error while it accepts no email.
const REFUSAL: &str = "TooManyRequestsException";
/// The time between two scheduled sweeps.
const MINUTE: Duration = Duration::from_mins(1);

/// Requests this number of resets during the outage, and measures the time until the last one is
/// mailed.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(binaries: &Path, resets: u64) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    accounts::add(&backend.clients.dynamodb, &backend.tables.users, 0..resets).await?;
    let api = RuntimeApi::start().await?;
    let mut command = process::function(&binaries.join(RESET.binary), &api, &backend);
    let process = Process::start(&mut command)?;
    api.wait_until_ready().await;

    backend.outbox.refuse(Some(REFUSAL));
    for number in 0..resets {
        api.invoke(&reset(number)).await?;
    }
    // In the worst case, SES recovers right after a sweep has failed, so that the next sweep is
    // a minute away.
    sleep(MINUTE).await;
    sweep(&api).await?;
    backend.outbox.refuse(None);
    let before = process.cpu_time()?;
    let (sweeps, took) = sweep_until_mailed(&api, &backend, resets).await?;
    let cpu = process.cpu_time()?.saturating_sub(before) / u32::try_from(resets)?;

    println!("\nresets of an outage | mailed once | sweeps | after | per second | CPU of each");
    println!(
        "{resets} | {} | {sweeps} | {took:.1?} | {:.1} | {cpu:.2?}",
        mailed_once(&backend),
        f64::from(u32::try_from(resets)?) / took.as_secs_f64(),
    );
    if mailed_once(&backend) == resets && backend.outbox.mails().len() as u64 == resets {
        Ok(())
    } else {
        Err("a reset was lost or mailed twice".into())
    }
}

/// Sweeps once a minute, from the next minute on, until all are mailed or a sweep finds nothing
/// due. Returns the number of sweeps, and the time.
async fn sweep_until_mailed(
    api: &RuntimeApi,
    backend: &Backend,
    resets: u64,
) -> Result<(u32, Duration), Error> {
    let began = Instant::now();
    let mut minutes = interval(MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    minutes.tick().await;
    let mut sweeps = 0;
    loop {
        minutes.tick().await;
        sweeps += 1;
        let due = sweep(api).await?;
        if due == 0 || mailed_once(backend) == resets {
            return Ok((sweeps, began.elapsed()));
        }
    }
}

/// Sweeps once. Returns the number of resets that were due.
async fn sweep(api: &RuntimeApi) -> Result<u64, Error> {
    let id = uuid::Uuid::new_v4().to_string();
    let result: Value = serde_json::from_str(&api.result(id, SWEEP).await??)?;
    let due = result.pointer("/sweep/due").and_then(Value::as_u64);
    due.ok_or_else(|| format!("the sweep answered {result}").into())
}

/// The event of a reset of the account with this number.
fn reset(number: u64) -> String {
    let username = format!("username={}", accounts::username(number));
    GET.replace("username=jdoe", &username)
}

/// The number of addresses that got exactly one email.
fn mailed_once(backend: &Backend) -> u64 {
    let mut mails = BTreeMap::<String, u64>::new();
    for address in backend.outbox.mails().into_iter().flat_map(|mail| mail.to) {
        *mails.entry(address).or_default() += 1;
    }
    mails.into_values().filter(|count| *count == 1).count() as u64
}
