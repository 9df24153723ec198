//! The first request after a thaw: Lambda froze the process, and DynamoDB and SES have forgotten its
//! connections meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use local::{Backend, Item, attribute};
use testkit::relay::{Action, Relays, Step};
use testkit::thaw::{Forgotten, thaw};
use testkit::{Sandbox, requests};

/// Longer than a connection may be idle.
const FREEZE: Duration = Duration::from_millis(6_100);
const FLOOR: Duration = Duration::from_millis(500);
/// How often each reply is tried with each service. Fifty and one with each reply.
const RUNS: usize = 17;
/// Runs at the same time, most of which wait for the floor.
const RUNS_AT_ONCE: usize = 6;

/// Resets a password in a process of its own, after a freeze of this length. The mail must be
/// accepted before the answer, which must come with the first floor, and the SDK must not have
/// waited to try again.
async fn first_reset(
    backend: &Backend,
    username: &str,
    (forgotten, reply, freeze): (Forgotten, Action, Duration),
) {
    let relays = Relays::start(backend).unwrap();
    let floor = FLOOR.as_millis().to_string();
    let variables = [("RESPONSE_FLOOR_MS", floor.as_str())];
    let service = Sandbox::on(relays.backend.clone(), &variables).unwrap();
    let address = format!("{username}@example.com");
    let change = |item: &mut Item| {
        item.insert("email".into(), attribute::text(&address));
        item.insert("email_key".into(), attribute::text(&address));
    };
    service.copy_user("bob", username, change).await.unwrap();
    let function = &service.functions.reset_user_password;
    thaw(&**function, &relays, (forgotten, reply)).await;
    tokio::time::sleep(freeze).await;
    relays.take_calls();

    let began = Instant::now();
    let answer = service.send(&requests::reset(username)).await;
    let elapsed = began.elapsed();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(elapsed < 2 * FLOOR, "{username}: {elapsed:?}");
    let mails = backend.outbox.mails_to(|to| to == address);
    assert_eq!(mails.len(), 1, "{username}");
    let calls = relays.take_calls();
    assert!(!calls.iter().any(|call| call.is_retry), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_connection_costs_a_new_one_and_no_back_off() {
    let backend = &testkit::backend().await;
    let replies = [Action::HANG_UP, Action(vec![Step::Reset])];
    let runs = (0..RUNS).flat_map(|_| Forgotten::ALL);
    let runs = runs.flat_map(|forgotten| replies.clone().map(|reply| (forgotten, reply)));
    let runs = stream::iter(runs.enumerate()).map(async |(run, (forgotten, reply))| {
        let username = format!("thawed-{run}");
        let process = (forgotten, reply, Duration::ZERO);
        first_reset(backend, &username, process).await;
    });
    let runs = runs.buffer_unordered(RUNS_AT_ONCE).count().await;
    assert_eq!(runs, 2 * 51);
}

#[tokio::test]
async fn a_connection_that_swallows_what_it_gets_is_not_used_after_a_freeze() {
    let backend = testkit::backend().await;
    let silence = Action(vec![Step::AwaitGivingUp]);
    let process = (Forgotten::Both, silence, FREEZE);
    first_reset(&backend, "thawed", process).await;
}
