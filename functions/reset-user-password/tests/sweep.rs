//! The scheduled events: what a request left over is finished once, and the self-test finds what is
//! wrong.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use http::StatusCode;
use local::faults::World;
use local::requests::reset;
use local::tables::TableNames;
use local::{Backend, Storage, attribute};
use serde_json::{Value, json};
use shared::metrics::{self, Metric};

const OLD_PASSWORD: &str = "p@55wOrd";

async fn backend() -> Backend {
    let backend = Backend::start(Storage::Memory, TableNames::default());
    backend.await.unwrap()
}

/// A world with one account; gives its name.
async fn world(backend: &Backend, variables: &[(&str, &str)]) -> (World, String) {
    let world = World::new(backend, variables).await.unwrap();
    let item = world.copy_of("jdoe").await.unwrap();
    world.put(&item).await.unwrap();
    let username = item["username"].as_s().unwrap().clone();
    (world, username)
}

fn count(summary: &Value, what: &str) -> u64 {
    summary["sweep"][what].as_u64().unwrap()
}

#[tokio::test]
async fn two_sweeps_at_once_finish_a_reset_once() {
    let backend = backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    world.send(&reset(&username)).await;
    backend.outbox.refuse(None);
    world.wait();

    // The other one comes while the first one's mail is on its way.
    backend.outbox.delay(Duration::from_millis(200));
    let (one, other) = tokio::join!(world.sweep(), world.sweep());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(
        count(&one, "reset") + count(&other, "reset"),
        1,
        "{one} {other}"
    );
    assert_eq!(
        count(&one, "failed") + count(&other, "failed"),
        0,
        "{one} {other}"
    );

    let mails = world.mails(&username);
    assert_eq!(mails.len(), 1);
    assert!(
        world
            .opens(&username, mails[0].password().unwrap())
            .await
            .unwrap()
    );
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "due"), 0);
    assert_eq!(world.mails(&username).len(), 1);
}

/// A slow SES must not make the answer for a known name late.
#[tokio::test]
async fn what_is_not_done_in_time_for_the_answer_is_left_to_the_sweep() {
    let backend = backend().await;
    let (world, username) = world(&backend, &[("RESPONSE_FLOOR_MS", "1000")]).await;
    backend.outbox.delay(Duration::from_mins(1));
    let (answer, measured) = metrics::collect(world.send(&reset(&username))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(measured.outcome, Some("reset.overdue"));
    assert_eq!(measured.values(Metric::ResetPending), [1.0]);
    assert!(world.opens(&username, OLD_PASSWORD).await.unwrap());

    backend.outbox.delay(Duration::ZERO);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
    let mails = world.mails(&username);
    let mailed = mails.last().unwrap().password().unwrap();
    assert!(world.opens(&username, mailed).await.unwrap());
    assert!(!world.opens(&username, OLD_PASSWORD).await.unwrap());
}

#[tokio::test]
async fn a_reset_that_is_given_up_is_counted() {
    let backend = backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    let ((), measured) = metrics::collect(async {
        world.send(&reset(&username)).await;
        world.sweep_until_done().await.unwrap();
    })
    .await;
    assert_eq!(measured.values(Metric::MailFailures).len(), 5);
    assert_eq!(measured.values(Metric::ResetPending).len(), 5);
    assert_eq!(measured.values(Metric::ResetAbandoned), [1.0]);
    let rows = world.audit(&username).await.unwrap();
    let events: Vec<_> = rows
        .iter()
        .map(|row| row["event"].as_s().unwrap())
        .collect();
    assert_eq!(events, ["password.reset_abandoned"]);
}

fn self_test() -> Value {
    json!({
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "detail": { "task": "self-test" }
    })
}

#[tokio::test]
async fn the_self_test_resets_its_account_and_measures_the_gap() {
    let backend = backend().await;
    let variables = [("SELF_TEST_USERNAME", "canary")];
    let (world, _) = world(&backend, &variables).await;
    let mut canary = world.copy_of("jdoe").await.unwrap();
    canary.insert("username".to_owned(), attribute::text("canary"));
    world.put(&canary).await.unwrap();

    let (answer, measured) = metrics::collect(world.event(&self_test())).await;
    let answer = answer.unwrap();
    assert_eq!(answer["self_test"]["reset"], true, "{answer}");
    assert_eq!(answer["self_test"]["same_answer"], true, "{answer}");
    assert_eq!(measured.values(Metric::SelfTestGap).len(), 1);
    assert!(measured.values(Metric::SelfTestFailures).is_empty());
    assert_eq!(backend.outbox.mails().len(), 1);

    // At once again, the limit is in the way: nothing is reset.
    let (answer, measured) = metrics::collect(world.event(&self_test())).await;
    assert_eq!(answer.unwrap()["self_test"]["reset"], false);
    assert_eq!(measured.values(Metric::SelfTestFailures), [1.0]);
}

#[tokio::test]
async fn events_that_nobody_asked_for_fail_the_invocation() {
    let backend = backend().await;
    let (world, _) = world(&backend, &[]).await;
    // There is no account to test with.
    assert!(world.event(&self_test()).await.is_err());
    let mut other = self_test();
    other["detail"]["task"] = "something".into();
    assert!(world.event(&other).await.is_err());
    other["detail-type"] = "EC2 Instance State-change Notification".into();
    assert!(world.event(&other).await.is_err());
}
