//! Warm requests, as a ratio to one bare hash. Ten requests and ten bare hashes alternate, so that
//! both have the same noise, and only a few of the requests find the caches filled by a bare
//! hash.

use std::path::Path;

use local::tables::TableNames;
use local::{Backend, Storage};

use super::bare_hash::BareHash;
use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::statistic::{median, ratio};
use super::{Error, RESET, UPDATE, WARM_UP};

const ROUNDS: usize = 30;
const TURN: usize = 10;

struct Subject {
    name: &'static str,
    binary: &'static str,
    event: &'static str,
    /// `CREDENTIAL_CACHE_SECONDS`
    credential_cache_seconds: &'static str,
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "reset",
        binary: RESET.binary,
        event: RESET.event,
        credential_cache_seconds: "0",
    },
    Subject {
        name: "update, an administrator's first",
        binary: UPDATE.binary,
        event: UPDATE.event,
        credential_cache_seconds: "0",
    },
    Subject {
        name: "update, repeated",
        binary: UPDATE.binary,
        event: UPDATE.event,
        credential_cache_seconds: "300",
    },
];

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(binaries: &Path) -> Result<(), Error> {
    println!(
        "\nwarm request | bare hash | CPU | ratio | main thread | ratio | page faults | peak memory"
    );
    for subject in &SUBJECTS {
        println!("{}", row(subject, &binaries.join(subject.binary)).await?);
    }
    Ok(())
}

async fn row(subject: &Subject, binary: &Path) -> Result<String, Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let api = RuntimeApi::start().await?;
    let process = Process::start(
        process::function(binary, &api, &backend)
            .env("CREDENTIAL_CACHE_SECONDS", subject.credential_cache_seconds),
    )?;
    for _ in 0..WARM_UP {
        api.invoke(subject.event).await?;
    }
    let mut bare = BareHash::new()?;
    let (mut warm_cpu, mut main_cpu, mut bare_cpu) = (Vec::new(), Vec::new(), Vec::new());
    let faults = process.page_faults()?;
    for _ in 0..ROUNDS {
        for _ in 0..TURN {
            let (before, main_before) = (process.cpu_time()?, process.main_cpu_time()?);
            api.invoke(subject.event).await?;
            warm_cpu.push(process.cpu_time()?.saturating_sub(before));
            main_cpu.push(process.main_cpu_time()?.saturating_sub(main_before));
        }
        for _ in 0..TURN {
            bare_cpu.push(bare.cpu_time()?);
        }
    }
    let faults = process.page_faults()? - faults;
    let (warm, main, hash) = (median(warm_cpu), median(main_cpu), median(bare_cpu));
    Ok(format!(
        "{} | {hash:.2?} | {warm:.2?} | {:.3} | {main:.2?} | {:.3} | {faults} in {} requests | \
         {:.1} MiB",
        subject.name,
        ratio(warm, hash),
        ratio(main, hash),
        ROUNDS * TURN,
        process.peak_memory_mib()?,
    ))
}
