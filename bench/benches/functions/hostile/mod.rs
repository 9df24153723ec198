//! Concurrent hostile and legitimate traffic, against processes of both functions with a latency of
//! six milliseconds to DynamoDB and SES, and with the default limits.
//!
//! It fails if a reset below the limits is not mailed exactly once, if an answer is wrong, if a
//! hostile request changes or sends something that it must not, or if the memory of a process keeps
//! growing.

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

/// The latency of DynamoDB and SES.
const LATENCY: Duration = Duration::from_millis(6);
const FLOOR: Duration = Duration::from_millis(500);
/// The number of sweeps and the interval between them while waiting for pending resets at the end.
/// A pending reset is due half a minute after its request.
const SWEEPS: u32 = 15;
const BETWEEN_SWEEPS: Duration = Duration::from_secs(5);

/// Runs the load for this time and checks the results.
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

/// Relays keep all calls until they are taken.
async fn forget_calls(relays: Arc<Relays>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        relays.take_calls();
    }
}

/// Runs sweeps until every reset is mailed, or it takes too long.
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

/// The memory of the processes of each function, in MiB.
fn memory(fleet: &Fleet) -> Result<[Vec<f64>; 2], Error> {
    Ok([fleet.memory(Target::Reset)?, fleet.memory(Target::Update)?])
}
