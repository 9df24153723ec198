//! What the functions cost as whole processes, as ratios to what cannot be saved.
//!
//! `cargo bench -p bench --bench functions` builds the release binaries, plays the Lambda Runtime
//! API for them on an embedded DynamoDB and a local SES endpoint, and reads CPU time and peak memory
//! from the operating system. `-- --help` says what can be asked for.

mod accounts;
mod bare_hash;
mod bars;
mod function;
mod hostile;
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

/// Users in the table, at least.
const FEW_USERS: u64 = 1_000;

/// What the functions cost, as ratios to what cannot be saved.
#[derive(Debug, Parser)]
struct Arguments {
    /// What is measured; the first six if nothing is named
    subjects: Vec<Subject>,
    /// How often each process is started, and thawed
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Measures requests with so many users in the table, too; several numbers must grow
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(2_000..))]
    users: Vec<u64>,
    /// How many resets wait for the sweep
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50_000])]
    waiting: Vec<u64>,
    /// How many resets are asked for during the outage
    #[arg(long, default_value_t = 600)]
    resets: u64,
    /// How long each load lasts
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What cargo says to every benchmark
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
    /// The first request after a thaw, whose connections the other side has forgotten
    Thaw,
    /// Requests to DynamoDB and their capacity units, of calls and of searches by `accounts`
    Requests,
    /// Many callers at once
    Load,
    /// Hostile and legitimate traffic at once; only if it is named
    Hostile,
    /// The resets of an outage of SES; only if it is named
    Outage,
    /// One sweep with few and with many resets waiting; only if it is named
    Sweep,
    /// The same reset in other languages; only if it is named, by bench/peers/run
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
        // The functions as `sam build` does: the default members.
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
    // These take minutes: too long for a default.
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
    if arguments.subjects.contains(&Subject::Peers) {
        let binaries = process::build(&["--bins"])?;
        peers::measure(&binaries, &pictures().join("peers-lambda.svg")).await?;
    }
    Ok(())
}

/// Where the documentation has its pictures.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures")
}
