//! The first request after Lambda froze the process, and DynamoDB and SES closed its connections in
//! the meantime.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use local::{Backend, Item, attribute};
use testkit::relay::{Action, Relays, Step};
use testkit::thaw::{DroppedBy, thaw};
use testkit::{Sandbox, requests};

/// A time longer than a connection may be idle.
const FREEZE: Duration = Duration::from_millis(6_100);
/// Long enough for a slow machine.
const FLOOR: Duration = Duration::from_millis(1_500);
/// The number of runs for each reply and each set of services. There are three sets, so each reply
/// has 51 runs.
const RUNS: usize = 17;
/// Concurrent runs. Most of them are waiting for the response floor at any time.
const RUNS_AT_ONCE: usize = 17;

/// Resets a password in a new process after a freeze of this length. The response must come at
/// the first floor, after the email was accepted and without a back-off of the SDK.
async fn first_reset(
    backend: &Backend,
    username: &str,
    (dropped_by, reply, freeze): (DroppedBy, Action, Duration),
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
    thaw(&**function, &relays, (dropped_by, reply)).await;
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
async fn a_closed_connection_is_replaced_without_a_back_off() {
    let backend = &testkit::backend().await;
    let replies = [Action::HANG_UP, Action(vec![Step::Reset])];
    let runs = (0..RUNS).flat_map(|_| DroppedBy::ALL);
    let runs = runs.flat_map(|dropped_by| replies.clone().map(|reply| (dropped_by, reply)));
    let runs = stream::iter(runs.enumerate()).map(async |(run, (dropped_by, reply))| {
        let username = format!("thawed-{run}");
        let process = (dropped_by, reply, Duration::ZERO);
        first_reset(backend, &username, process).await;
    });
    let runs = runs.buffer_unordered(RUNS_AT_ONCE).count().await;
    assert_eq!(runs, 2 * 51);
}

#[tokio::test]
async fn an_unresponsive_connection_is_not_used_after_a_freeze() {
    let backend = testkit::backend().await;
    let silence = Action(vec![Step::AwaitTimeout]);
    let process = (DroppedBy::Both, silence, FREEZE);
    first_reset(&backend, "thawed", process).await;
}
