//! The instructions of a warm request, counted by Callgrind. Unlike times, they are the same in
//! every run.
//!
//! Only the main thread, which does everything except hashing, is counted. SHA-256 is listed
//! separately, because Valgrind's processor has no instructions for it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

use local::tables::TableNames;
use local::{Backend, Storage};

use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::{Error, Function, RESET, UPDATE, WARM_UP};

const REQUESTS: u64 = 100;
/// The number of parts that are listed.
const PARTS: usize = 10;

/// The instructions of each function, without those of the functions that it calls.
type Profile = HashMap<String, u64>;

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure() -> Result<(), Error> {
    println!("\ninstructions of a warm request, without the hash | without SHA-256 | with it");
    for function in [RESET, UPDATE] {
        let profile = profile(&function).await?;
        let (sha256, rest): (Profile, Profile) = profile
            .into_iter()
            .partition(|(name, _)| name.contains("sha256"));
        let [sha256, rest_total] =
            [&sha256, &rest].map(|part| part.values().sum::<u64>() / REQUESTS);
        let with_it = rest_total + sha256;
        println!("{} | {rest_total} | {with_it}", function.binary);
        for (name, instructions) in largest(rest) {
            let percent = instructions * 100 / REQUESTS / rest_total;
            println!("  {name} | {} | {percent} %", instructions / REQUESTS);
        }
    }
    Ok(())
}

async fn profile(function: &Function) -> Result<Profile, Error> {
    let binary = with_symbols(function)?;
    let output = binary.with_extension("callgrind");
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let api = RuntimeApi::start().await?;
    let mut command = Command::new("/usr/bin/valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--separate-threads=yes"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(&binary);
    process::configure(&mut command, &api, &backend);
    let process = Process::start(&mut command)
        .map_err(|error| format!("valgrind cannot be started: {error}"))?;
    for _ in 0..WARM_UP {
        api.invoke(function.event).await?;
    }
    control("--zero", &process)?;
    for _ in 0..REQUESTS {
        api.invoke(function.event).await?;
    }
    control("--dump", &process)?;
    // The first dump of the first thread.
    let dump = format!("{}.1-01", output.display());
    Ok(self_cost(&std::fs::read_to_string(dump)?))
}

/// Links a function like the released one, but with symbols.
fn with_symbols(function: &Function) -> Result<PathBuf, Error> {
    let binary = function.binary;
    let arguments = ["--package", binary, "--bin", binary, "--", "-Cstrip=none"];
    let linked = process::cargo("rustc", &arguments)?.join(binary);
    // The next build replaces the one without symbols.
    let copy = linked.with_file_name(format!("{binary}-with-symbols"));
    std::fs::rename(linked, &copy)?;
    Ok(copy)
}

/// Sends a command to Callgrind in a process.
fn control(command: &str, process: &Process) -> Result<(), Error> {
    let output = Command::new("callgrind_control")
        .args([command, &process.id().to_string()])
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stdout).into())
    }
}

/// Reads a dump ("Callgrind Format Specification" in Valgrind's manual).
fn self_cost(dump: &str) -> Profile {
    let (mut names, mut profile) = (HashMap::new(), Profile::new());
    let (mut current, mut is_of_callee) = ("", false);
    for line in dump.lines() {
        let caller = line.strip_prefix("fn=");
        if let Some(function) = caller.or_else(|| line.strip_prefix("cfn=")) {
            // `(id) name` the first time, `(id)` afterwards.
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            let name = if name.is_empty() {
                names.get(id).copied().unwrap_or_default()
            } else {
                names.insert(id, name);
                name
            };
            if caller.is_some() {
                current = name;
            }
        } else if line.starts_with("calls=") {
            is_of_callee = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.rsplit(' ').next().and_then(|cost| cost.parse().ok());
            if !std::mem::take(&mut is_of_callee) {
                *profile.entry(current.to_owned()).or_default() += cost.unwrap_or(0);
            }
        }
    }
    profile
}

/// The parts with the most instructions, by crate or library.
fn largest(profile: Profile) -> Vec<(String, u64)> {
    let mut parts = HashMap::<String, u64>::new();
    for (function, instructions) in profile {
        *parts.entry(part_of(&function)).or_default() += instructions;
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, instructions)| Reverse(*instructions));
    parts.truncate(PARTS);
    parts
}

/// The crate of a function, including one in the form `<crate::Type as Trait>::function`.
fn part_of(function: &str) -> String {
    let path = function.trim_start_matches(['<', '&', '*']);
    let path = path.trim_start_matches("mut ").trim_start_matches("dyn ");
    match path.split_once("::") {
        Some((name, _)) => name.to_owned(),
        None if function.contains("mi_") => "mimalloc".to_owned(),
        None => "the C library".to_owned(),
    }
}
