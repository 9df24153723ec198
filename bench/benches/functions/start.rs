//! The start of a process, as a ratio to a process with only the same SDK clients
//! (`bench/baseline`), and its first request, as a ratio to the next ones. The starts alternate.

use std::path::Path;
use std::time::{Duration, Instant};

use local::tables::TableNames;
use local::{Backend, Storage};

use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::statistic::{median, ratio};
use super::{Error, Function, RESET, UPDATE, WARM_UP};

const BASELINE: Function = Function {
    binary: "baseline",
    event: RESET.event,
};

struct Start {
    init: Time,
    first: Time,
    warm: Time,
}

#[derive(Clone, Copy)]
struct Time {
    wall: Duration,
    /// The CPU time of the process.
    cpu: Duration,
}

/// Starts each process this number of times.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(binaries: &Path, starts: usize) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let (mut baseline, mut reset, mut update) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..starts {
        baseline.push(start(&BASELINE, binaries, &backend).await?);
        reset.push(start(&RESET, binaries, &backend).await?);
        update.push(start(&UPDATE, binaries, &backend).await?);
    }
    println!(
        "\nstart | init | ratio | CPU of it | ratio | first request | warm | ratio | CPU of first \
         | of warm | ratio"
    );
    let to = median_of(&baseline, |start| start.init);
    for (function, starts) in [(BASELINE, &baseline), (RESET, &reset), (UPDATE, &update)] {
        println!("{} | {}", function.binary, row(starts, to));
    }
    Ok(())
}

async fn start(function: &Function, binaries: &Path, backend: &Backend) -> Result<Start, Error> {
    let api = RuntimeApi::start().await?;
    let mut command = process::function(&binaries.join(function.binary), &api, backend);
    // Otherwise the first request would compute a hash that the next ones do not.
    command.env("CREDENTIAL_CACHE_SECONDS", "0");
    let began = Instant::now();
    let process = Process::start(&mut command)?;
    api.wait_until_ready().await;
    let init = Time {
        wall: began.elapsed(),
        cpu: process.cpu_time()?,
    };
    let first = invoke(&process, &api, function).await?;
    let mut warm = Vec::new();
    for _ in 0..WARM_UP {
        warm.push(invoke(&process, &api, function).await?);
    }
    let warm = median_of(&warm, |time| *time);
    Ok(Start { init, first, warm })
}

async fn invoke(process: &Process, api: &RuntimeApi, function: &Function) -> Result<Time, Error> {
    let (began, before) = (Instant::now(), process.cpu_time()?);
    api.invoke(function.event).await?;
    Ok(Time {
        wall: began.elapsed(),
        cpu: process.cpu_time()?.saturating_sub(before),
    })
}

fn median_of<T>(measured: &[T], time: impl Fn(&T) -> Time) -> Time {
    Time {
        wall: median(measured.iter().map(|measured| time(measured).wall)),
        cpu: median(measured.iter().map(|measured| time(measured).cpu)),
    }
}

fn row(starts: &[Start], baseline: Time) -> String {
    let init = median_of(starts, |start| start.init);
    let first = median_of(starts, |start| start.first);
    let warm = median_of(starts, |start| start.warm);
    format!(
        "{:.2?} | {:.2} | {:.2?} | {:.2} | {:.2?} | {:.2?} | {:.2} | {:.2?} | {:.2?} | {:.2}",
        init.wall,
        ratio(init.wall, baseline.wall),
        init.cpu,
        ratio(init.cpu, baseline.cpu),
        first.wall,
        warm.wall,
        ratio(first.wall, warm.wall),
        first.cpu,
        warm.cpu,
        ratio(first.cpu, warm.cpu),
    )
}
