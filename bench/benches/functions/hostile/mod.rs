//! Hostile and legitimate traffic at once, against processes of both functions that are six
//! milliseconds away from DynamoDB and SES. The limits are those by default.
//!
//! It fails when a reset below the limits is not mailed exactly once, an answer is not the right
//! one, something hostile changes or sends what it may not, or a process needs more and more memory.

mod bodies;
mod call;
mod fleet;
mod lanes;
mod mails;
mod passwords;
mod people;
mod report;
mod traffic;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use local::tables::TableNames;
use local::{Backend, Storage};
use testkit::relay::{Action, Relays};
use tokio::time::{Instant, sleep, sleep_until};

use crate::accounts;
use crate::function::Error;
use call::Target;
use fleet::Fleet;
use report::{Memory, Report};

/// How long DynamoDB and SES take to answer.
const LATENCY: Duration = Duration::from_millis(6);
const FLOOR: Duration = Duration::from_millis(500);
/// How often, and how long, the resets that are left are waited for at the end. A sweep takes up a
/// reset a minute after it was asked for.
const SWEEPS: u32 = 15;
const BETWEEN_SWEEPS: Duration = Duration::from_secs(5);

/// Runs the load for this time and judges it.
pub(super) async fn measure(binaries: &Path, duration: Duration) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    for numbers in people::ALL {
        accounts::add(&backend.clients.dynamodb, &backend.tables.users, numbers).await?;
    }
    let untouched = passwords::untouched(&backend).await?;
    let relays = Arc::new(Relays::start(&backend)?);
    relays.script(|_| Action::forward().after(LATENCY));
    let forgetting = tokio::spawn(forget_calls(Arc::clone(&relays)));
    let fleet = Arc::new(Fleet::start(binaries, &relays.backend, FLOOR).await?);

    let began = Instant::now();
    let lanes = lanes::all()?;
    let (driven, early) = tokio::join!(
        traffic::drive(lanes, &fleet, began + duration),
        memory_at(&fleet, began + duration / 2),
    );
    let (driven, took) = (driven?, began.elapsed());
    sweep_the_rest(&fleet, &backend, &driven).await?;
    let memory = Memory {
        early: early?,
        late: memory(&fleet)?,
    };
    let report = Report {
        mails: backend.outbox.mails(),
        logins: passwords::logins(&fleet, &backend, &driven).await?,
        is_untouched: passwords::untouched(&backend).await? == untouched,
        driven,
        took,
        memory,
    };
    forgetting.abort();
    report.print();
    report.judge()
}

/// The calls that passed the relays are kept until they are taken.
async fn forget_calls(relays: Arc<Relays>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        relays.take_calls();
    }
}

/// Sweeps until every reset is mailed, or it takes too long.
async fn sweep_the_rest(
    fleet: &Fleet,
    backend: &Backend,
    driven: &[traffic::Driven],
) -> Result<(), Error> {
    for _ in 0..SWEEPS {
        if mails::resets(driven, &backend.outbox.mails()).lost == 0 {
            break;
        }
        sleep(BETWEEN_SWEEPS).await;
        traffic::sweep(fleet).await?;
    }
    Ok(())
}

async fn memory_at(fleet: &Fleet, when: Instant) -> Result<[Vec<f64>; 2], Error> {
    sleep_until(when).await;
    memory(fleet)
}

/// Of the processes of each function, in MiB.
fn memory(fleet: &Fleet) -> Result<[Vec<f64>; 2], Error> {
    Ok([fleet.memory(Target::Reset)?, fleet.memory(Target::Update)?])
}
