//! What a function costs as a whole process, as a ratio to what cannot be saved: one Argon2id with
//! the same parameters and reused memory.
//!
//! `cargo bench -p bench` builds the release binaries, plays the Lambda Runtime API for them on an
//! embedded DynamoDB and a local SES endpoint, and reads CPU time and peak memory from the
//! operating system. Requests and bare hashes alternate, so that both see the same noise.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

mod runtime_api;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use local::tables::TableNames;
use local::{Backend, Storage};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use runtime_api::RuntimeApi;

type Error = Box<dyn std::error::Error + Send + Sync>;

const WARM_UP: usize = 10;
const ROUNDS: usize = 300;

struct Subject {
    name: &'static str,
    binary: &'static str,
    event: &'static str,
    /// `CREDENTIAL_CACHE_SECONDS`
    credential_cache_seconds: &'static str,
    hashes: u32,
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "reset",
        credential_cache_seconds: "0",
        binary: "reset-user-password",
        event: include_str!("../../../events/reset-user-password/soap11.json"),
        hashes: 1,
    },
    Subject {
        name: "update, an administrator's first",
        credential_cache_seconds: "0",
        binary: "update-user-registration-password",
        event: include_str!("../../../events/update-user-registration-password/json.json"),
        hashes: 2,
    },
    Subject {
        name: "update, repeated",
        credential_cache_seconds: "300",
        binary: "update-user-registration-password",
        event: include_str!("../../../events/update-user-registration-password/json.json"),
        hashes: 1,
    },
];

#[tokio::main]
async fn main() -> Result<(), Error> {
    println!("request | bare hash | warm request | ratio | rest | init | first | peak | binary");
    let binaries = build()?;
    for subject in &SUBJECTS {
        measure(subject, &binaries.join(subject.binary)).await?;
    }
    Ok(())
}

async fn measure(subject: &Subject, binary: &Path) -> Result<(), Error> {
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let api = RuntimeApi::start().await?;

    let began = Instant::now();
    let mut process = start(binary, &api, &backend)
        .env("CREDENTIAL_CACHE_SECONDS", subject.credential_cache_seconds)
        .spawn()?;
    api.wait_until_ready().await;
    let init = began.elapsed();
    let began = Instant::now();
    api.invoke(subject.event).await?;
    let first = began.elapsed();
    for _ in 1..WARM_UP {
        api.invoke(subject.event).await?;
    }

    let pid = Pid::from_raw(process.id().try_into()?);
    let clock = clock_getcpuclockid(pid)?;
    let mut bare = BareHash::new()?;
    let (mut warm_cpu, mut bare_cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = cpu_time(clock)?;
        api.invoke(subject.event).await?;
        warm_cpu.push(cpu_time(clock)?.saturating_sub(before));
        bare_cpu.push(bare.cpu_time()?);
    }
    let peak = peak_memory_kib(pid)?;
    process.kill()?;
    process.wait()?;

    let (warm, hash) = (median(warm_cpu), median(bare_cpu));
    println!(
        "{} | {hash:.2?} | {warm:.2?} | {:.3} | {:.2?} | {init:.1?} | {first:.1?} | {:.1} MiB | \
         {:.2} MB",
        subject.name,
        warm.as_secs_f64() / hash.as_secs_f64(),
        warm.saturating_sub(hash * subject.hashes),
        f64::from(peak) / 1024.0,
        f64::from(u32::try_from(std::fs::metadata(binary)?.len())?) / 1e6,
    );
    Ok(())
}

/// Builds the binaries; the folder they are in.
fn build() -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", "lambda"])
        .status()?;
    if !status.success() {
        return Err("the binaries could not be built".into());
    }
    // This program is target/release/deps/functions-HASH.
    let program = std::env::current_exe()?;
    let release = program
        .ancestors()
        .nth(2)
        .ok_or("this program is nowhere")?;
    Ok(release.to_owned())
}

fn start(binary: &Path, api: &RuntimeApi, backend: &Backend) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", api.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &backend.dynamodb_url),
            ("AWS_ENDPOINT_URL_SESV2", &backend.ses_url),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("RESPONSE_FLOOR_MS", "0"),
            // The requests are all for one name and from one source: no limit would let them through.
            ("RESET_PER_MINUTE", "0"),
            ("RESET_PER_HOUR", "0"),
            ("SOURCE_PER_MINUTE", "0"),
        ]);
    let names = [
        "USERS_TABLE",
        "LIMITS_TABLE",
        "AUDIT_TABLE",
        "BRANDS_TABLE",
        "PRODUCT_NAME",
        "MAIL_FROM",
        "SUPPORT_CONTACT",
        "LOGIN_URL",
    ];
    for name in names {
        command.env(name, local::default_variable(name).unwrap_or_default());
    }
    command
}

/// Argon2id with the default parameters and nothing around it.
struct BareHash {
    context: Argon2<'static>,
    memory: Vec<Block>,
}

impl BareHash {
    fn new() -> Result<Self, Error> {
        let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| error.to_string())?;
        let memory = vec![Block::new(); params.block_count()];
        let context = Argon2::new(Algorithm::Argon2id, Version::default(), params);
        let mut bare = Self { context, memory };
        for _ in 0..WARM_UP {
            bare.cpu_time()?;
        }
        Ok(bare)
    }

    fn cpu_time(&mut self) -> Result<Duration, Error> {
        let before = cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
        self.context
            .hash_password_into_with_memory(
                b"346789-abcdef-ghjkmn-pqrtuv-wxyCEF",
                b"0123456789abcdef",
                &mut [0; 32],
                self.memory.as_mut_slice(),
            )
            .map_err(|error| error.to_string())?;
        Ok(cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID)?.saturating_sub(before))
    }
}

fn cpu_time(clock: ClockId) -> Result<Duration, Error> {
    Ok(clock.now()?.into())
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

fn peak_memory_kib(pid: Pid) -> Result<u32, Error> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
