//! The same reset as a Lambda function in other languages (`bench/peers/lambda`), each as a whole
//! process with the Runtime API: its start, its first request, warm requests, memory and size.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use local::tables::TableNames;
use local::{Backend, Storage};

use super::bars::{self, Bar};
use super::process::{self, Process};
use super::runtime_api::RuntimeApi;
use super::statistic::{median, ratio};
use super::{Error, RESET, WARM_UP};

const ROUNDS: usize = 3;
/// The number of warm requests to measure in each process.
const WARM: usize = 50;
/// The peers' runtimes and packages, as installed by `bench/peers/run`.
const FOLDER: &str = "target/peers";
/// The limits: every function counts its requests against them, but none reaches them.
const LIMITS: [(&str, &str); 3] = [
    ("RESET_PER_MINUTE", "1000"),
    ("RESET_PER_HOUR", "1000"),
    ("SOURCE_PER_MINUTE", "1000"),
];

/// A function, and the files that are uploaded.
struct Peer {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    uploaded: Vec<PathBuf>,
}

/// The measurements of one process.
struct Run {
    ready: Duration,
    first: Duration,
    warm: Duration,
    warm_cpu: Duration,
    peak_mib: f64,
}

/// Measures all of them in turn, prints the table, and draws it.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(binaries: &Path, picture: &Path) -> Result<(), Error> {
    let peers = peers(binaries)?;
    let backend = Backend::start(Storage::Memory, TableNames::default()).await?;
    let mut runs: Vec<Vec<Run>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (peer, runs) in peers.iter().zip(&mut runs) {
            runs.push(run(peer, &backend).await?);
        }
    }
    let rows: Vec<_> = runs.iter().map(|runs| medians(runs)).collect();
    println!(
        "\nreset as a Lambda function | ready | ratio to ours | ready and first request | ratio | warm \
         request | its CPU | ratio | peak memory | ratio | size"
    );
    let [ours, ..] = rows.as_slice() else {
        return Ok(());
    };
    let mut bars = Vec::new();
    for (peer, row) in peers.iter().zip(&rows) {
        println!("{} | {}", peer.name, line(row, ours, peer)?);
        let cold = (row.ready + row.first).as_secs_f64() * 1e3;
        bars.push(Bar {
            name: peer.name.to_owned(),
            value: cold,
            label: format!("{cold:.0} ms"),
        });
    }
    bars::draw(
        "From the start of the process to its first answer",
        &bars,
        picture,
    )
}

fn peers(binaries: &Path) -> Result<[Peer; 3], Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = root.join(FOLDER).canonicalize().map_err(|error| {
        format!("{FOLDER}: {error}; bench/peers/run installs the peers and calls this")
    })?;
    let node = std::fs::read_link(installed.join("node-program"))?;
    Ok([
        Peer {
            name: "Rust (this project)",
            program: binaries.join(RESET.binary),
            arguments: vec![],
            uploaded: vec![binaries.join(RESET.binary)],
        },
        Peer {
            name: "Node.js",
            program: node,
            arguments: vec![installed.join("node/main.mjs")],
            uploaded: vec![installed.join("node")],
        },
        Peer {
            name: "Python",
            program: installed.join("venv/bin/python"),
            arguments: vec![installed.join("python/main.py")],
            uploaded: vec![installed.join("python"), installed.join("site-packages")],
        },
    ])
}

async fn run(peer: &Peer, backend: &Backend) -> Result<Run, Error> {
    let api = RuntimeApi::start().await?;
    let mut command: Command = process::function(&peer.program, &api, backend);
    command
        .args(&peer.arguments)
        .envs(LIMITS)
        // The SDK for Python ignores AWS_REGION.
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let began = Instant::now();
    let process = Process::start(&mut command)?;
    api.wait_until_ready().await;
    let ready = began.elapsed();
    let first = invoke(&api).await?;
    for _ in 0..WARM_UP {
        invoke(&api).await?;
    }
    let (mut warm, mut warm_cpu) = (Vec::new(), Vec::new());
    for _ in 0..WARM {
        let before = process.cpu_time()?;
        warm.push(invoke(&api).await?);
        warm_cpu.push(process.cpu_time()?.saturating_sub(before));
    }
    let mails = backend.outbox.mails().len();
    backend.outbox.clear();
    if mails != 1 + WARM_UP + WARM {
        return Err(format!("{}: {mails} emails", peer.name).into());
    }
    Ok(Run {
        ready,
        first,
        warm: median(warm),
        warm_cpu: median(warm_cpu),
        peak_mib: process.peak_memory_mib()?,
    })
}

async fn invoke(api: &RuntimeApi) -> Result<Duration, Error> {
    let began = Instant::now();
    api.invoke(RESET.event).await?;
    Ok(began.elapsed())
}

fn medians(runs: &[Run]) -> Run {
    let of = |time: fn(&Run) -> Duration| median(runs.iter().map(time));
    Run {
        ready: of(|run| run.ready),
        first: of(|run| run.first),
        warm: of(|run| run.warm),
        warm_cpu: of(|run| run.warm_cpu),
        peak_mib: runs.iter().map(|run| run.peak_mib).fold(0.0, f64::max),
    }
}

fn line(row: &Run, ours: &Run, peer: &Peer) -> Result<String, Error> {
    let (cold, our_cold) = (row.ready + row.first, ours.ready + ours.first);
    Ok(format!(
        "{:.1?} | {:.1} | {cold:.1?} | {:.1} | {:.1?} | {:.1?} | {:.2} | {:.1} MiB | {:.1} | {:.1} MB",
        row.ready,
        ratio(row.ready, ours.ready),
        ratio(cold, our_cold),
        row.warm,
        row.warm_cpu,
        ratio(row.warm_cpu, ours.warm_cpu),
        row.peak_mib,
        row.peak_mib / ours.peak_mib,
        size_mb(&peer.uploaded)?,
    ))
}

/// The total size of files and folders, in MB.
fn size_mb(paths: &[PathBuf]) -> Result<f64, Error> {
    let (mut left, mut bytes) = (paths.to_vec(), 0);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                left.push(entry?.path());
            }
        } else {
            bytes += path.metadata()?.len();
        }
    }
    Ok(f64::from(u32::try_from(bytes / 1_000)?) / 1e3)
}
