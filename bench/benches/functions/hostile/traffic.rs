//! Runs all lanes concurrently, and records the outcome of every call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::call::{Call, Expected, Target};
use super::fleet::Fleet;
use super::lanes::Lane;
use crate::function::Error;

/// The maximum number of concurrent calls. Beyond it, lanes wait.
const AT_ONCE: usize = 64;
/// The interval of sweeps, which is that of the EventBridge rule.
const SWEEP: Duration = Duration::from_mins(1);

/// The outcome of a call.
pub(super) struct Done {
    pub(super) number: u64,
    /// Lambda's id for the request.
    pub(super) id: String,
    pub(super) took: Duration,
    /// The error in the answer, if there is one.
    pub(super) fault: Option<String>,
}

/// The outcomes of a lane's calls, in any order.
pub(super) struct Driven {
    pub(super) lane: &'static str,
    pub(super) calls: Vec<Done>,
}

/// Runs all lanes until this time.
pub(super) async fn drive(
    lanes: Vec<Lane>,
    fleet: &Arc<Fleet>,
    until: Instant,
) -> Result<Vec<Driven>, Error> {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut driving = JoinSet::new();
    for lane in lanes {
        driving.spawn(drive_one(
            lane,
            Arc::clone(fleet),
            Arc::clone(&slots),
            until,
        ));
    }
    let sweeping = tokio::spawn(sweep_regularly(Arc::clone(fleet)));
    let driven = driving.join_all().await.into_iter().collect();
    sweeping.abort();
    driven
}

async fn drive_one(
    lane: Lane,
    fleet: Arc<Fleet>,
    slots: Arc<Semaphore>,
    until: Instant,
) -> Result<Driven, Error> {
    let mut pace = interval(Duration::from_secs(1) / lane.rate);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calling = JoinSet::new();
    for number in 0.. {
        pace.tick().await;
        if Instant::now() >= until {
            break;
        }
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let call = (lane.call)(number);
        calling.spawn(invoke(Arc::clone(&fleet), call, number, slot));
    }
    let calls = calling.join_all().await.into_iter();
    Ok(Driven {
        lane: lane.name,
        calls: calls.collect::<Result<_, _>>()?,
    })
}

async fn invoke(
    fleet: Arc<Fleet>,
    call: Call,
    number: u64,
    _slot: OwnedSemaphorePermit,
) -> Result<Done, Error> {
    let invoked = fleet.invoke(&call).await?;
    Ok(Done {
        number,
        fault: call.fault(&invoked.outcome),
        id: invoked.id,
        took: invoked.took,
    })
}

async fn sweep_regularly(fleet: Arc<Fleet>) -> Result<(), Error> {
    let mut next = Instant::now();
    loop {
        next += SWEEP;
        sleep_until(next).await;
        sweep(&fleet).await?;
    }
}

/// Runs one sweep in a process.
pub(super) async fn sweep(fleet: &Fleet) -> Result<(), Error> {
    let call = Call {
        expected: Expected::Part("\"dynamodb\":\"ok\""),
        ..Call::sample(Target::Reset, "scheduled")?
    };
    let invoked = fleet.invoke(&call).await?;
    match call.fault(&invoked.outcome) {
        None => Ok(()),
        Some(fault) => Err(format!("the sweep answered {fault}").into()),
    }
}
