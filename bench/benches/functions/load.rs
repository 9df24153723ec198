//! Load tests: many concurrent callers of `ResetUserPassword`, over HTTP, against the program
//! `local`. The callers run on the same cores, so their CPU time is printed too.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::Select;
use axum::body::{Body, to_bytes};
use http::{HeaderValue, StatusCode, header};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use local::tables::TableNames;
use local::{Backend, Storage};
use nix::time::ClockId;
use testkit::requests;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval_at, sleep_until};

use super::bare_hash::BareHash;
use super::process::{NO_LIMITS, Process, cpu_time};
use super::statistic::{percentile, ratio};
use super::{Error, accounts};

const CALLERS: u32 = 64;
/// The number of accounts, which is so large that no account is reset twice at the same time.
const USERS: u64 = 10_000;
const HASHES: u32 = 100;
const FLOOR: Duration = Duration::from_millis(500);
/// The period of each caller in the loads with a floor, and the total load as a percentage of the
/// throughput without a floor.
const PERIOD: Duration = Duration::from_secs(1);
const PERCENT: [u32; 3] = [25, 50, 75];

/// Measures loads of this duration, first without a floor, then with one.
pub(super) async fn measure(binary: &Path, duration: Duration) -> Result<(), Error> {
    let throughput = without_floor(binary, duration).await?;
    with_floor(binary, duration, throughput).await
}

/// Measures the two halves of a load separately, because costs that grow with the number of calls
/// show in the second half. Returns the throughput of the second half.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
async fn without_floor(binary: &Path, duration: Duration) -> Result<f64, Error> {
    println!(
        "\nload without a floor | throughput | cores ÷ a bare hash | ratio | bare hashes on all \
         cores | errors | median | CPU of a call | of its caller | peak memory"
    );
    let local = Local::start(binary, Duration::ZERO).await?;
    let mut throughput = 0.0;
    let mut before = Bare::measure()?;
    for half in ["first half", "second half"] {
        let load = local.load(CALLERS, None, duration / 2).await?;
        let after = Bare::measure()?;
        let bare = before.mean(&after);
        throughput = f64::from(load.calls()) / load.took.as_secs_f64();
        println!(
            "{CALLERS} callers, {half} | {throughput:.1}/s | {:.1}/s | {:.3} | {:.1}/s | {} | \
             {:.1?} | {:.2?} | {:.2?} | {:.0} MiB",
            bare.cores_by_one,
            throughput / bare.cores_by_one,
            bare.all_cores,
            load.errors,
            load.latency(50),
            load.cpu / load.calls(),
            load.callers_cpu / load.calls(),
            local.process.peak_memory_mib()?,
        );
        before = after;
    }
    Ok(throughput)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
async fn with_floor(binary: &Path, duration: Duration, throughput: f64) -> Result<(), Error> {
    println!(
        "\nload with a floor of {FLOOR:?} | of the throughput | errors | median − floor | p99 − \
         floor | p99 of a bare timer | CPU"
    );
    for percent in PERCENT {
        let local = Local::start(binary, FLOOR).await?;
        let callers = throughput * PERIOD.as_secs_f64() * f64::from(percent) / 100.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let callers = (callers as u32).max(1);
        // Both concurrently, so that delays of the machine affect both.
        let (load, timers) = tokio::join!(
            local.load(callers, Some(PERIOD), duration),
            timers(callers, duration),
        );
        let load = load?;
        println!(
            "{callers} callers, each {PERIOD:?} | {percent} % | {} | {:.1?} | {:.1?} | {:.1?} | \
             {:.0} %",
            load.errors,
            load.latency(50).saturating_sub(FLOOR),
            load.latency(99).saturating_sub(FLOOR),
            percentile(timers, 99),
            100.0 * ratio(load.cpu + load.callers_cpu, load.took * cores()?),
        );
    }
    Ok(())
}

/// Bare hashes per second.
struct Bare {
    /// The number of cores, divided by the CPU time of one hash.
    cores_by_one: f64,
    /// The measured rate while all cores hash at once.
    all_cores: f64,
}

impl Bare {
    fn measure() -> Result<Self, Error> {
        let cores = cores()?;
        Ok(Self {
            cores_by_one: f64::from(cores) / BareHash::median(HASHES)?.as_secs_f64(),
            all_cores: BareHash::rate_on(cores, HASHES)?,
        })
    }

    fn mean(&self, other: &Self) -> Self {
        Self {
            cores_by_one: f64::midpoint(self.cores_by_one, other.cores_by_one),
            all_cores: f64::midpoint(self.all_cores, other.all_cores),
        }
    }
}

fn cores() -> Result<u32, Error> {
    Ok(u32::try_from(std::thread::available_parallelism()?.get())?)
}

/// The delay of timers with the length of the floor on an otherwise idle machine. There are as many
/// timers as callers, with the same period.
async fn timers(count: u32, duration: Duration) -> Vec<Duration> {
    let began = Instant::now();
    let mut timing = JoinSet::new();
    for number in 0..count {
        let mut pace = interval_at(began + PERIOD * number / count, PERIOD);
        timing.spawn(async move {
            let mut late = Vec::new();
            while began.elapsed() < duration {
                let due = pace.tick().await;
                sleep_until(due + FLOOR).await;
                late.push(due.elapsed().saturating_sub(FLOOR));
            }
            late
        });
    }
    timing.join_all().await.concat()
}

/// `local` without limits, and with accounts.
struct Local {
    process: Process,
    /// Host and port.
    address: String,
    /// Its DynamoDB.
    backend: Backend,
    calls: Arc<AtomicU64>,
}

impl Local {
    async fn start(binary: &Path, floor: Duration) -> Result<Self, Error> {
        let mut process = Process::start(
            Command::new(binary)
                .args(["--memory", "--port", "0"])
                .env_clear()
                .env("RESPONSE_FLOOR_MS", floor.as_millis().to_string())
                .envs(NO_LIMITS)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let greeting = BufReader::new(process.stdout().ok_or("nothing to read from")?);
        let mut lines = greeting.lines().map_while(Result::ok);
        let mut after = |words| {
            let line = lines.find_map(|line| line.strip_prefix(words).map(str::to_owned));
            line.ok_or("the program did not start")
        };
        let services = after("DynamoDB on ")?;
        let dynamodb_url = services.split(',').next().unwrap_or_default().to_owned();
        let address = after("ready on http://")?;
        let storage = Storage::Running(dynamodb_url);
        let backend = Backend::start(storage, TableNames::default()).await?;
        accounts::add(&backend.clients.dynamodb, &backend.tables.users, 0..USERS).await?;
        let calls = Arc::default();
        Ok(Self {
            process,
            address,
            backend,
            calls,
        })
    }

    /// Runs this number of callers for this time. Each calls again after its answer, or once per
    /// period.
    async fn load(
        &self,
        callers: u32,
        period: Option<Duration>,
        duration: Duration,
    ) -> Result<Load, Error> {
        let resets = self.resets().await?;
        let (cpu, callers_cpu) = (self.process.cpu_time()?, own_cpu_time()?);
        let began = Instant::now();
        let mut calling = JoinSet::new();
        for number in 0..callers {
            let caller = Caller::connect(&self.address, &self.calls).await?;
            let first = |period| began + period * number / callers;
            let pace = period.map(|period| interval_at(first(period), period));
            calling.spawn(caller.call(pace, began + duration));
        }
        let called = calling.join_all().await;
        let took = began.elapsed();
        let cpu = self.process.cpu_time()?.saturating_sub(cpu);
        let callers_cpu = own_cpu_time()?.saturating_sub(callers_cpu);

        let (mut latencies, mut errors) = (Vec::new(), 0);
        for called in called {
            let (answered, failed) = called?;
            latencies.extend(answered);
            errors += failed;
        }
        let resets = self.resets().await?.saturating_sub(resets);
        Ok(Load {
            errors: errors + latencies.len().saturating_sub(resets),
            latencies,
            took,
            cpu,
            callers_cpu,
        })
    }

    /// The resets so far. An answer does not show whether there was one.
    async fn resets(&self) -> Result<usize, Error> {
        let scan = self.backend.clients.dynamodb.scan();
        let scan = scan
            .table_name(&self.backend.tables.audit)
            .select(Select::Count);
        let mut pages = scan.into_paginator().send();
        let mut resets = 0;
        while let Some(page) = pages.next().await {
            resets += usize::try_from(page?.count)?;
        }
        Ok(resets)
    }
}

fn own_cpu_time() -> Result<Duration, Error> {
    cpu_time(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// The results of a load.
struct Load {
    /// The latencies of the calls that were answered.
    latencies: Vec<Duration>,
    /// The number of calls without a successful answer, and of calls that reset no password.
    errors: usize,
    took: Duration,
    /// The CPU time of `local`.
    cpu: Duration,
    callers_cpu: Duration,
}

impl Load {
    fn calls(&self) -> u32 {
        u32::try_from(self.latencies.len())
            .unwrap_or(u32::MAX)
            .max(1)
    }

    fn latency(&self, percent: usize) -> Duration {
        percentile(self.latencies.iter().copied(), percent)
    }
}

/// One caller and its connection.
struct Caller {
    address: String,
    /// The calls of all callers so far.
    calls: Arc<AtomicU64>,
    connection: SendRequest<Body>,
}

impl Caller {
    async fn connect(address: &str, calls: &Arc<AtomicU64>) -> Result<Self, Error> {
        Ok(Self {
            address: address.to_owned(),
            calls: Arc::clone(calls),
            connection: connect(address).await?,
        })
    }

    /// Calls until this time. Returns the latencies, measured from the time at which a call was
    /// due, and the number of errors.
    async fn call(
        mut self,
        mut pace: Option<Interval>,
        until: Instant,
    ) -> Result<(Vec<Duration>, usize), Error> {
        let (mut latencies, mut errors) = (Vec::new(), 0);
        loop {
            let due = match &mut pace {
                Some(pace) => pace.tick().await,
                None => Instant::now(),
            };
            if due >= until {
                return Ok((latencies, errors));
            }
            if self.reset().await.is_ok() {
                latencies.push(due.elapsed());
            } else {
                errors += 1;
                self.connection = connect(&self.address).await?;
            }
        }
    }

    /// Resets the next account.
    async fn reset(&mut self) -> Result<(), Error> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) % USERS;
        let mut request = requests::reset(&accounts::username(number)).map(Body::from);
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().insert(header::HOST, host);
        self.connection.ready().await?;
        let response = self.connection.send_request(request).await?;
        let status = response.status();
        to_bytes(Body::new(response.into_body()), usize::MAX).await?;
        match status {
            StatusCode::OK => Ok(()),
            other => Err(other.to_string().into()),
        }
    }
}

async fn connect(address: &str) -> Result<SendRequest<Body>, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // An error of the connection appears as an error of the next request.
    tokio::spawn(connection);
    Ok(sender)
}
