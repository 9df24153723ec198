//! The first request after a thaw, as a ratio to a warm one: DynamoDB and SES have closed the
//! connections of the process, and answer its first bytes with a reset. All calls go through
//! relays.

use std::path::Path;
use std::time::{Duration, Instant};

use local::tables::TableNames;
use local::{Backend, Storage};
use testkit::relay::{Action, Call, Relays, Step};

use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::statistic::{median, ratio};
use super::{Error, Function, RESET, UPDATE, WARM_UP};

/// Thaws each function this number of times.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(binaries: &Path, thaws: usize) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    println!("\nthaw | first request | warm | ratio");
    for function in [RESET, UPDATE] {
        let mut times = Vec::new();
        for _ in 0..thaws {
            times.push(thaw(&function, binaries, &backend).await?);
        }
        let first = median(times.iter().map(|(first, _)| *first));
        let warm = median(times.iter().map(|(_, warm)| *warm));
        let ratio = ratio(first, warm);
        println!(
            "{} | {first:.2?} | {warm:.2?} | {ratio:.2}",
            function.binary
        );
    }
    Ok(())
}

/// The times of the first request after a thaw and of a warm one.
async fn thaw(
    function: &Function,
    binaries: &Path,
    backend: &Backend,
) -> Result<(Duration, Duration), Error> {
    let relays = Relays::start(backend)?;
    let api = RuntimeApi::start().await?;
    let mut command = process::function(&binaries.join(function.binary), &api, &relays.backend);
    command.env("CREDENTIAL_CACHE_SECONDS", "0");
    let _process = Process::start(&mut command)?;
    api.wait_until_ready().await;
    let mut warm = Vec::new();
    for _ in 0..WARM_UP {
        warm.push(invoke(&api, function).await?);
    }
    forget(&relays);
    let first = invoke(&api, function).await?;
    Ok((first, median(warm)))
}

/// Makes open connections end with a reset when they are used.
fn forget(relays: &Relays) {
    let open = (relays.dynamodb.connections(), relays.ses.connections());
    relays.script(move |call: &Call| {
        let open = if call.is_to_ses() { open.1 } else { open.0 };
        if call.connection < open {
            Action(vec![Step::Reset])
        } else {
            Action::forward()
        }
    });
}

async fn invoke(api: &RuntimeApi, function: &Function) -> Result<Duration, Error> {
    let began = Instant::now();
    api.invoke(function.event).await?;
    Ok(began.elapsed())
}
