//! The requests to DynamoDB of one warm call and of a search by `accounts`, the capacity units that
//! they consume, and the time that they take, with growing numbers of users in the table.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use dynoxide::Database;
use http::Request;
use local::tables::TableNames;
use local::{Backend, Configs, Functions, Storage, gateway};
use serde_json::json;
use shared::clock::Clock;
use shared::config::Env;
use testkit::requests;
use tokio::net::TcpListener;

use super::meter::{Call, Meter};
use super::process::Process;
use super::statistic::median;
use super::{Error, accounts};

/// The number of calls to measure. The first one after a start is not warm.
const CALLS: u64 = 5;
/// The maximum number of requests that are shown individually.
const SHOWN: usize = 8;
/// The maximum number of users with which searches are measured, as they read the whole table.
const MOST_SEARCHED: u64 = 1_000_000;

/// The measurements of one call or search.
struct Measured {
    took: Duration,
    calls: Vec<Call>,
    /// The peak memory of the process in MiB, if it is a separate one.
    memory: Option<f64>,
}

/// A call about the account with a number.
struct Operation {
    name: &'static str,
    request: fn(u64) -> Request<Bytes>,
    mails: usize,
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        name: "reset",
        request: |number| requests::reset(&accounts::username(number)),
        mails: 1,
    },
    Operation {
        name: "update",
        request: |number| set_password("admin", number),
        mails: 1,
    },
    Operation {
        name: "update, by an email address",
        request: |number| set_password("admin@pumpalarm.com", number),
        mails: 1,
    },
    Operation {
        name: "login for a session",
        request: |_| requests::log_in("admin:p@55wOrd"),
        mails: 0,
    },
];

fn set_password(administrator: &str, number: u64) -> Request<Bytes> {
    let body = json!({
        "Email": accounts::email(number),
        "NewPassword": "lamp-Sodium-4417",
        "SendResetEmail": true,
    });
    requests::set_password(&format!("{administrator}:p@55wOrd"), &body)
}

/// Measures with each of these numbers of users, in ascending order.
#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) async fn measure(program: &Path, sizes: &[u64]) -> Result<(), Error> {
    let database = Database::memory()?;
    let (meter, backend) = metered(&serve(&database).await?).await?;
    let functions = functions(&backend, None)?;
    println!(
        "\ncall | users | requests | capacity units | request by request | time | of DynamoDB | \
         peak memory"
    );
    let mut there = 0;
    for &users in sizes {
        let began = Instant::now();
        accounts::load(&database, &backend.tables.users, there..users)?;
        println!(
            "{} more users loaded in {:.0?}",
            users - there,
            began.elapsed()
        );
        there = users;
        for operation in &OPERATIONS {
            let mut measured = Vec::new();
            // About different accounts, because resets are limited by name.
            for number in users - CALLS - 1..users {
                meter.take();
                let took = call(operation, number, &backend, &functions).await?;
                measured.push(Measured {
                    took,
                    calls: meter.take(),
                    memory: None,
                });
            }
            println!("{} | {users} | {}", operation.name, row(&measured)?);
        }
        if users > MOST_SEARCHED {
            continue;
        }
        let name = accounts::username(users - 1);
        let address = accounts::email(users - 1);
        for search in [["find", &address].as_slice(), &["find", &name], &["list"]] {
            let mut measured = Vec::new();
            for _ in 0..3 {
                meter.take();
                let (took, memory) = search_for(program, search, &backend).await?;
                measured.push(Measured {
                    took,
                    calls: meter.take(),
                    memory: Some(memory),
                });
            }
            println!(
                "accounts {} | {users} | {}",
                search.join(" "),
                row(&measured)?
            );
        }
    }
    Ok(())
}

/// Serves a database. Returns its URL.
async fn serve(database: &Database) -> Result<String, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    Ok(url)
}

/// Makes a backend that uses this DynamoDB through a meter.
pub(super) async fn metered(dynamodb_url: &str) -> Result<(Meter, Backend), Error> {
    let meter = Meter::start(dynamodb_url).await?;
    let storage = Storage::Running(meter.url.clone());
    let backend = Backend::start(storage, TableNames::default()).await?;
    Ok((meter, backend))
}

/// The functions with their default configuration including limits, except for the floor, and with
/// this rate of emails if it is given.
pub(super) fn functions(backend: &Backend, mail_rate: Option<u32>) -> Result<Functions, Error> {
    let lookup = |name: &str| match name {
        "RESPONSE_FLOOR_MS" => Some("0".to_owned()),
        "MAIL_RATE" => mail_rate.map(|rate| rate.to_string()),
        _ => local::default_variable(name),
    };
    let configs = Configs::read(Env::new(&lookup))?;
    Ok(Functions::new(backend, configs, &Clock::system()))
}

/// Makes a call. Returns the time it took.
async fn call(
    operation: &Operation,
    number: u64,
    backend: &Backend,
    functions: &Functions,
) -> Result<Duration, Error> {
    backend.outbox.clear();
    let peer = ([192, 0, 2, 1], 50_000).into();
    let began = Instant::now();
    let response = gateway::call(functions, &(operation.request)(number), peer).await;
    let took = began.elapsed();
    if response.status().is_success() && backend.outbox.mails().len() == operation.mails {
        Ok(took)
    } else {
        Err(format!("{}: {response:?}", operation.name).into())
    }
}

/// Runs a command of `accounts`. Returns the time it took, including its start, and its peak
/// memory.
async fn search_for(
    program: &Path,
    line: &[&str],
    backend: &Backend,
) -> Result<(Duration, f64), Error> {
    let mut command = Command::new(program);
    command
        .args(["--endpoint", &backend.dynamodb_url, "--users-table"])
        .arg(&backend.tables.users)
        .args(line)
        .env_clear()
        .stdout(Stdio::null());
    let began = Instant::now();
    let (status, memory) = Process::start(&mut command)?.finish().await?;
    let took = began.elapsed();
    if status.success() {
        Ok((took, memory))
    } else {
        Err(format!("accounts {}: {status}", line.join(" ")).into())
    }
}

/// The requests and units of the warm calls, which must all be the same, the medians of their
/// times, and their peak memory. The first call is not warm and is left out.
fn row(measured: &[Measured]) -> Result<String, Error> {
    let [_, warm @ ..] = measured else {
        return Err("nothing was measured".into());
    };
    let [first, others @ ..] = warm else {
        return Err("only one call was measured".into());
    };
    let counted = count(&first.calls);
    // Requests that are made at once may arrive in any order.
    let sorted = |one: &Measured| {
        let mut requests = each(&one.calls);
        requests.sort_unstable();
        requests
    };
    if let Some(other) = others.iter().find(|one| sorted(one) != sorted(first)) {
        let other = count(&other.calls);
        return Err(format!("the same call took {counted}, and {other}").into());
    }
    let time = median(warm.iter().map(|one| one.took));
    let in_dynamodb = warm
        .iter()
        .map(|one| one.calls.iter().map(|call| call.took).sum::<Duration>());
    let memory = warm.iter().filter_map(|one| one.memory).reduce(f64::max);
    let memory = memory.map_or_else(String::new, |mib| format!("{mib:.0} MiB"));
    Ok(format!(
        "{counted} | {time:.1?} | {:.1?} | {memory}",
        median(in_dynamodb)
    ))
}

/// The requests and the units of a call, in total and one by one.
fn count(calls: &[Call]) -> String {
    let units: f64 = calls.iter().map(Call::units).sum();
    let one_by_one = if calls.len() > SHOWN {
        let mut tables = BTreeMap::<_, f64>::new();
        for (table, units) in calls.iter().flat_map(|call| &call.consumed) {
            *tables.entry(table).or_default() += units;
        }
        of_tables(tables)
    } else {
        each(calls).join(", ")
    };
    format!("{} | {units} | {one_by_one}", calls.len())
}

/// The tables and units of each request.
fn each(calls: &[Call]) -> Vec<String> {
    let calls = calls.iter();
    let calls = calls.map(|call| of_tables(call.consumed.iter().map(|(t, u)| (t, *u))));
    calls.collect()
}

fn of_tables<'a>(tables: impl IntoIterator<Item = (&'a String, f64)>) -> String {
    let tables = tables.into_iter();
    let tables = tables.map(|(table, units)| format!("{table} {units}"));
    tables.collect::<Vec<_>>().join(" and ")
}
