//! Benchmarks of the functions as whole processes, as ratios to the unavoidable cost.
//!
//! `cargo bench -p bench --bench functions` builds the release binaries, runs them against its own
//! Lambda Runtime API, an embedded DynamoDB and a local SES endpoint, and reads CPU time and peak
//! memory from the operating system. `-- --help` lists the options.

mod accounts;
mod bare_hash;
mod bars;
mod function;
mod hostile;
mod instructions;
mod load;
mod meter;
mod outage;
mod peers;
mod process;
mod requests;
mod runtime_api;
mod size;
mod start;
mod statistic;
mod sweep;
mod thaw;
mod warm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use function::{Error, Function, RESET, UPDATE, WARM_UP};

/// The minimum number of users in the table.
const FEW_USERS: u64 = 1_000;

/// Benchmarks of the functions, as ratios to the unavoidable cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// The measurements to run; the first six by default
    subjects: Vec<Subject>,
    /// The number of starts and thaws of each process
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Also measures requests with these numbers of users in the table; list them in ascending order
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(2_000..))]
    users: Vec<u64>,
    /// The numbers of resets that wait for the sweep
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50_000])]
    waiting: Vec<u64>,
    /// The number of resets during the outage
    #[arg(long, default_value_t = 600)]
    resets: u64,
    /// The duration of each load
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The argument that cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// The size of the binaries
    Size,
    /// Warm requests, as a ratio to one bare hash
    Warm,
    /// The start of a process, and its first request
    Start,
    /// The first request after a thaw, with connections that the other side has closed
    Thaw,
    /// Requests to DynamoDB and their capacity units, for calls and for searches by `accounts`
    Requests,
    /// Many concurrent callers
    Load,
    /// Hostile and legitimate traffic at once; only if named
    Hostile,
    /// The resets during an outage of SES; only if named
    Outage,
    /// One sweep with few and with many waiting resets; only if named
    Sweep,
    /// The instructions of warm requests, counted by Callgrind; only if named
    Instructions,
    /// The same reset in other languages; only if named, as it is by bench/peers/run
    Peers,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let is_asked = |subject| arguments.subjects.is_empty() || arguments.subjects.contains(&subject);
    if [Subject::Size, Subject::Warm, Subject::Start, Subject::Thaw]
        .into_iter()
        .any(is_asked)
    {
        // Builds the default members, as `sam build` does.
        process::build(&["--bins"])?;
        let binaries = process::build(&["--package", "baseline"])?;
        if is_asked(Subject::Size) {
            size::measure(&binaries)?;
        }
        if is_asked(Subject::Warm) {
            warm::measure(&binaries).await?;
        }
        if is_asked(Subject::Start) {
            start::measure(&binaries, arguments.starts).await?;
        }
        if is_asked(Subject::Thaw) {
            thaw::measure(&binaries, arguments.starts).await?;
        }
    }
    if is_asked(Subject::Requests) {
        let binaries = process::build(&["--package", "accounts"])?;
        let sizes = [&[FEW_USERS], arguments.users.as_slice()].concat();
        requests::measure(&binaries.join("accounts"), &sizes).await?;
    }
    if is_asked(Subject::Load) {
        let binaries = process::build(&["--package", "local"])?;
        let duration = Duration::from_secs(arguments.seconds);
        load::measure(&binaries.join("local"), duration).await?;
    }
    // These take minutes, which is too long for a default.
    if arguments.subjects.contains(&Subject::Hostile) {
        let binaries = process::build(&["--bins"])?;
        hostile::measure(&binaries, Duration::from_secs(arguments.seconds)).await?;
    }
    if arguments.subjects.contains(&Subject::Outage) {
        let binaries = process::build(&["--bins"])?;
        outage::measure(&binaries, arguments.resets).await?;
    }
    if arguments.subjects.contains(&Subject::Sweep) {
        sweep::measure(&arguments.waiting).await?;
    }
    if arguments.subjects.contains(&Subject::Instructions) {
        process::build(&["--bins"])?;
        instructions::measure().await?;
    }
    if arguments.subjects.contains(&Subject::Peers) {
        let binaries = process::build(&["--bins"])?;
        peers::measure(&binaries, &pictures().join("peers-lambda.svg")).await?;
    }
    Ok(())
}

/// The folder of the documentation's pictures.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures")
}
