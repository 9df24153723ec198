//! Rate limits of resets, and the mailed password in dual mode.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail this way"
)]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Response;
use local::{Backend, Item, attribute};
use shared::clock::{Clock, Timestamp};
use testkit::Sandbox;
use testkit::relay::{Action, Relays, Step};
use testkit::requests::reset;
use tokio::task::JoinSet;

const DEFAULTS: [(&str, &str); 3] = [
    ("RESET_PER_MINUTE", "1"),
    ("RESET_PER_HOUR", "5"),
    ("SOURCE_PER_MINUTE", "60"),
];

fn is_success(response: &Response<Bytes>) -> bool {
    response.status() == 200
        && String::from_utf8_lossy(response.body()).contains("If the username is on file")
}

async fn verifies(sandbox: &Sandbox, hash: &str, password: &str) -> bool {
    let item = sandbox.user("jdoe").await.unwrap();
    let hash = match hash {
        "temporary" => item["temporary"].as_m().unwrap()["hash"].as_s().unwrap(),
        name => item[name].as_s().unwrap(),
    };
    testkit::item::verifies(hash, password)
}

#[tokio::test]
async fn two_hundred_concurrent_calls_send_one_mail() {
    let sandbox = Arc::new(Sandbox::start(&DEFAULTS[..2]).await.unwrap());
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let sandbox = Arc::clone(&sandbox);
        calls.spawn(async move { sandbox.send(&reset("jdoe")).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(is_success));
    assert_eq!(sandbox.backend.outbox.mails().len(), 1);
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_gets_the_same_answer() {
    let sandbox = Sandbox::start(&DEFAULTS).await.unwrap();
    let first = sandbox.send(&reset("jdoe")).await;
    let hash = sandbox.user("jdoe").await.unwrap()["password_hash"].clone();
    for name in ["jdoe", "%20JDoe%20"] {
        let again = sandbox.send(&reset(name)).await;
        assert_eq!(again.body(), first.body());
    }
    assert_eq!(sandbox.user("jdoe").await.unwrap()["password_hash"], hash);
    assert_eq!(sandbox.backend.outbox.mails().len(), 1);
}

#[tokio::test]
async fn a_source_has_its_own_limit_and_cannot_claim_to_be_another() {
    let sandbox = Sandbox::start(&[("SOURCE_PER_MINUTE", "2")]).await.unwrap();
    for (number, name) in ["nobody", "jdoe", "bob"].into_iter().enumerate() {
        let mut request = reset(name);
        let forwarded = format!("198.51.100.{number}").parse().unwrap();
        request.headers_mut().insert("x-forwarded-for", forwarded);
        assert!(is_success(&sandbox.send(&request).await));
    }
    let mails = sandbox.backend.outbox.mails();
    assert_eq!(mails.len(), 1, "nobody and jdoe were the two");
    assert_eq!(mails[0].to, ["a@example.com"]);
}

#[tokio::test]
async fn an_hour_has_a_limit_too() {
    let limits = [("RESET_PER_HOUR", "2")];
    let sandbox = Sandbox::start(&limits).await.unwrap();
    for _ in 0..4 {
        assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    }
    assert_eq!(sandbox.backend.outbox.mails().len(), 2);
}

#[tokio::test]
async fn resets_that_cannot_be_counted_are_refused() {
    let sandbox = Sandbox::start(&[("RESET_PER_MINUTE", "1"), ("LIMITS_TABLE", "Nowhere")])
        .await
        .unwrap();
    assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    assert!(sandbox.backend.outbox.mails().is_empty());
    assert!(verifies(&sandbox, "password_hash", "p@55wOrd").await);
}

#[tokio::test]
async fn in_dual_mode_a_stranger_locks_nobody_out() {
    let sandbox = Sandbox::start(&[("RESET_MODE", "dual")]).await.unwrap();
    for _ in 0..100 {
        assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    }
    assert!(verifies(&sandbox, "password_hash", "p@55wOrd").await);
    let mails = sandbox.backend.outbox.mails();
    let last = mails.last().unwrap().password().unwrap();
    assert!(verifies(&sandbox, "temporary", last).await);
}

/// The calls of a reset to DynamoDB in a warm process: source, name, reservation and promotion.
#[tokio::test]
async fn a_reset_is_four_requests_and_each_limit_one_of_them() {
    let relays = Relays::start(&testkit::backend().await).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &DEFAULTS).unwrap();
    for (username, expected) in [
        // The brand is read once in five minutes.
        ("jdoe", 5),
        ("bob", 4),
        ("admin", 4),
        ("nobody", 3),
    ] {
        relays.take_calls();
        sandbox.send(&reset(username)).await;
        let mut calls = relays.take_calls();
        calls.retain(|call| call.operation != "SendEmail");
        assert_eq!(calls.len(), expected, "{username}");
        calls.retain(|call| call.body.contains(&sandbox.backend.tables.limits));
        let operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(operations, ["UpdateItem", "UpdateItem"], "{username}");
    }
}

/// The number of requests to the Limits table for one reset, which must be mailed.
async fn counts_of_a_reset(process: &Process, username: &str, source: [u8; 4]) -> usize {
    let Process { relays, sandbox } = process;
    let mails = sandbox.backend.outbox.mails().len();
    assert!(is_success(
        &sandbox.send_from(source, &reset(username)).await
    ));
    assert_eq!(sandbox.backend.outbox.mails().len(), mails + 1);
    let mut calls = relays.take_calls();
    calls.retain(|call| call.body.contains(&sandbox.backend.tables.limits));
    calls.len()
}

/// A process that has just started.
struct Process {
    relays: Relays,
    sandbox: Sandbox,
}

impl Process {
    fn start(backend: &Backend, seconds: u64) -> Self {
        let relays = Relays::start(backend).unwrap();
        let clock = Clock::new(move || Timestamp(1_800_000_000 + seconds));
        let sandbox = Sandbox::at(&clock, relays.backend.clone(), &DEFAULTS).unwrap();
        Self { relays, sandbox }
    }
}

/// DynamoDB deletes expired items within days, so a new process often finds some.
#[tokio::test]
async fn expired_limits_cost_a_new_process_no_request() {
    let backend = testkit::backend().await;
    let (here, there) = ([198, 51, 100, 1], [198, 51, 100, 2]);
    let first = Process::start(&backend, 0);
    assert_eq!(counts_of_a_reset(&first, "bob", here).await, 2);
    for (day, source) in [(1, here), (2, there), (3, here)] {
        let fresh = Process::start(&backend, day * 86_400);
        let counts = counts_of_a_reset(&fresh, "bob", source).await;
        assert_eq!(counts, 2, "day {day}");
    }
}

/// A process does not know of concurrent uses in another process until it reads the limit.
#[tokio::test]
async fn a_source_counted_elsewhere_costs_a_new_process_a_single_extra_request() {
    let backend = testkit::backend().await;
    let source = [198, 51, 100, 1];
    let [one, other] = [(); 2].map(|()| Process::start(&backend, 0));
    assert_eq!(counts_of_a_reset(&one, "bob", source).await, 2);
    assert_eq!(counts_of_a_reset(&other, "admin", source).await, 3);
    assert_eq!(counts_of_a_reset(&other, "jdoe", source).await, 2);
}

/// Several processes on the same tables, each with its own clients and a latency of six
/// milliseconds to DynamoDB. Their clock stands still, so that no use is restored, and none is
/// refused because its request was counted later than a request of the next second.
struct Processes {
    tables: Sandbox,
    processes: Vec<(Relays, Sandbox)>,
}

impl Processes {
    async fn start(count: usize, limits: &[(&str, &str)]) -> Self {
        let backend = testkit::backend().await;
        let clock = Clock::new(|| Timestamp(1_800_000_000));
        let processes = (0..count).map(|_| {
            let relays = Relays::start(&backend).unwrap();
            relays.script(|_| Action::forward().after(Duration::from_millis(6)));
            let sandbox = Sandbox::at(&clock, relays.backend.clone(), limits).unwrap();
            (relays, sandbox)
        });
        Self {
            processes: processes.collect(),
            tables: Sandbox::on(backend, &[]).unwrap(),
        }
    }

    /// Adds accounts with these names, each with its own address.
    async fn add(&self, usernames: &[String]) {
        for username in usernames {
            let address = attribute::text(&format!("{username}@example.com"));
            let change = |item: &mut Item| {
                item.insert("email".into(), address.clone());
                item.insert("email_key".into(), address);
            };
            let copied = self.tables.copy_user("bob", username, change).await;
            copied.unwrap();
        }
    }

    /// Requests a reset of each name concurrently, from one source, distributed over the processes.
    async fn reset_at_once(&self, usernames: &[String], source: [u8; 4]) {
        let mut calls = JoinSet::new();
        for (username, (_, process)) in usernames.iter().zip(self.processes.iter().cycle()) {
            let (process, request) = (process.clone(), reset(username));
            calls.spawn(async move { process.send_from(source, &request).await });
        }
        let answers = calls.join_all().await;
        assert!(answers.iter().all(is_success));
    }

    /// The addresses that were mailed, sorted.
    fn mailed(&self) -> Vec<String> {
        let mails = self.tables.backend.outbox.mails();
        let mut addresses: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
        addresses.sort();
        addresses
    }
}

fn addresses(usernames: &[String]) -> Vec<String> {
    let addresses = usernames.iter().map(|name| format!("{name}@example.com"));
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort();
    addresses
}

const ROUNDS: u8 = 50;
/// Concurrent rounds, each from a different source.
const ROUNDS_AT_ONCE: usize = 5;

/// A portal or a proxy is one source for everybody behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_users_behind_one_source_are_all_mailed() {
    let processes = Processes::start(10, &DEFAULTS).await;
    let users = |round| {
        (0..10)
            .map(|user| format!("user-{round}-{user}"))
            .collect::<Vec<_>>()
    };
    let everybody: Vec<_> = (0..ROUNDS).flat_map(users).collect();
    processes.add(&everybody).await;
    let rounds = stream::iter(0..ROUNDS).map(async |round| {
        let source = [198, 51, 100, round];
        processes.reset_at_once(&users(round), source).await;
    });
    rounds.buffer_unordered(ROUNDS_AT_ONCE).count().await;
    assert_eq!(processes.mailed(), addresses(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_up_to_the_limit_of_a_source() {
    let limits = [("RESET_PER_MINUTE", "1"), ("SOURCE_PER_MINUTE", "100")];
    let processes = Processes::start(10, &limits).await;
    let users: Vec<_> = (0..100).map(|user| format!("user-{user}")).collect();
    processes.add(&users).await;
    processes.reset_at_once(&users, [198, 51, 100, 1]).await;
    assert_eq!(processes.mailed(), addresses(&users));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_get_exactly_the_limit() {
    let limits = [("RESET_PER_HOUR", "7")];
    let processes = Processes::start(10, &limits).await;
    processes
        .reset_at_once(&vec!["nobody".to_owned(); 50], [198, 51, 100, 1])
        .await;
    let limits = processes.tables.backend.clients.dynamodb.scan();
    let limits = limits.table_name(&processes.tables.backend.tables.limits);
    let items = limits.send().await.unwrap().items.unwrap();
    let [item] = items.as_slice() else {
        panic!("{items:?}");
    };
    let tat: u64 = item["tat_3600"].as_n().unwrap().parse().unwrap();
    let expires_at: u64 = item["expires_at"].as_n().unwrap().parse().unwrap();
    let begin = expires_at - 2 * 3_600;
    let used = (tat - begin * 1_000_000).div_ceil(3_600 * 1_000_000 / 7);
    assert_eq!(used, 7);
    assert_eq!(item.len(), 4, "an item has a constant size: {item:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_calls_in_ten_processes_send_one_mail() {
    let processes = Processes::start(10, &DEFAULTS[..2]).await;
    processes
        .reset_at_once(&vec!["jdoe".to_owned(); 200], [198, 51, 100, 1])
        .await;
    assert_eq!(processes.mailed(), ["a@example.com"]);
}

/// The SDK repeats a call if its answer is lost, although DynamoDB may have counted it.
#[tokio::test]
async fn a_use_whose_answer_was_lost_is_one_use() {
    let relays = Relays::start(&testkit::backend().await).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &DEFAULTS).unwrap();
    let lost = AtomicUsize::new(0);
    relays.script(move |call| {
        let is_count = call.operation == "UpdateItem" && call.body.contains("tat_60");
        if is_count && lost.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            Action(vec![Step::Deliver])
        } else {
            Action::forward()
        }
    });
    assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    assert_eq!(sandbox.backend.outbox.mails().len(), 1);
}

/// An address cannot exceed its limit by using a different notation.
#[tokio::test]
async fn a_source_in_another_notation_is_the_same_source() {
    let sandbox = Sandbox::start(&[("SOURCE_PER_MINUTE", "1")]).await.unwrap();
    for (source, username) in [
        ("198.51.100.1", "jdoe"),
        ("::ffff:198.51.100.1", "bob"),
        ("64:ff9b::198.51.100.1", "admin"),
    ] {
        let source: IpAddr = source.parse().unwrap();
        let answer = sandbox.send_from(source, &reset(username)).await;
        assert!(is_success(&answer));
    }
    let mails = sandbox.backend.outbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["a@example.com"]);
}
