//! Limits of failed logins, and logins with a temporary password.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Bytes;
use http::{HeaderValue, Request, StatusCode};
use local::{Error, Item};
use serde_json::{Value, json};
use shared::metrics::{self, Metric};
use testkit::Sandbox;
use testkit::relay::{Action, Relays, Step};
use testkit::requests::{reset, set_password};
use tokio::sync::Notify;

fn request(credential: &str) -> Request<Bytes> {
    let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    set_password(credential, &body)
}

/// The status of a call from this address.
async fn status(sandbox: &Sandbox, credential: &str, source: [u8; 4]) -> StatusCode {
    let request = request(credential);
    sandbox.send_from(source, &request).await.status()
}

/// The status of a call that claims to be forwarded for another address.
async fn forwarded(
    sandbox: &Sandbox,
    credential: &str,
    source: [u8; 4],
    claimed: &'static str,
) -> StatusCode {
    let mut request = request(credential);
    let claimed = HeaderValue::from_static(claimed);
    request.headers_mut().insert("x-forwarded-for", claimed);
    sandbox.send_from(source, &request).await.status()
}

const HERE: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [192, 0, 2, 2];

#[tokio::test]
async fn a_stranger_cannot_lock_an_administrator_out() {
    let sandbox = Sandbox::start(&[("LOGIN_FAILURES_PER_MINUTE", "2")])
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(status(&sandbox, "admin:wr0ng", HERE).await, 401);
    }
    // The right password from the same address as the wrong ones, and from another address.
    assert_eq!(status(&sandbox, "admin:p@55wOrd", HERE).await, 401);
    assert_eq!(status(&sandbox, "bob:p@55wOrd", HERE).await, 403);
    assert_eq!(status(&sandbox, "admin:p@55wOrd", ELSEWHERE).await, 200);
}

#[tokio::test]
async fn the_source_is_the_address_that_the_gateway_saw() {
    let sandbox = Sandbox::start(&[("LOGIN_FAILURES_PER_MINUTE", "2")])
        .await
        .unwrap();
    let (wrong, right) = ("admin:wr0ng", "admin:p@55wOrd");
    for claimed in ["198.51.100.1", "198.51.100.2"] {
        assert_eq!(forwarded(&sandbox, wrong, HERE, claimed).await, 401);
    }
    let claimed = "198.51.100.3";
    assert_eq!(forwarded(&sandbox, right, HERE, claimed).await, 401);
    // It may also claim to come from the address of the wrong passwords.
    let claimed = "192.0.2.1";
    assert_eq!(forwarded(&sandbox, right, ELSEWHERE, claimed).await, 200);
}

#[tokio::test]
async fn a_source_cannot_try_one_name_after_another() {
    let sandbox = Sandbox::start(&[("LOGIN_FAILURES_PER_MINUTE", "1")])
        .await
        .unwrap();
    for name in 0..5 {
        let credential = format!("name{name}:wr0ng");
        assert_eq!(status(&sandbox, &credential, HERE).await, 401);
    }
    assert_eq!(status(&sandbox, "admin:p@55wOrd", HERE).await, 401);
    assert_eq!(status(&sandbox, "admin:p@55wOrd", ELSEWHERE).await, 200);
}

#[tokio::test]
async fn logins_that_succeed_are_not_counted() {
    let sandbox = Sandbox::start(&[("LOGIN_FAILURES_PER_MINUTE", "1")])
        .await
        .unwrap();
    for _ in 0..4 {
        assert_eq!(status(&sandbox, "admin:p@55wOrd", HERE).await, 200);
    }
}

#[tokio::test]
async fn a_temporary_password_ends_the_old_one_when_it_is_used() {
    let sandbox = Sandbox::start(&[("RESET_MODE", "dual")]).await.unwrap();
    sandbox.send(&reset("admin")).await;
    assert_eq!(status(&sandbox, "admin:p@55wOrd", HERE).await, 200);

    let mails = sandbox.backend.outbox.mails();
    let mail = mails.iter().find(|mail| mail.to == ["admin@pumpalarm.com"]);
    let credential = format!("admin:{}", mail.unwrap().password().unwrap());
    assert_eq!(status(&sandbox, &credential, HERE).await, 200);
    assert_eq!(status(&sandbox, "admin:p@55wOrd", HERE).await, 401);
    assert_eq!(status(&sandbox, &credential, HERE).await, 200);

    let rows = sandbox.audit("admin").await.unwrap();
    // Rows of the same second are in no particular order.
    let events: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.get("event")?.as_s().ok())
        .map(String::as_str)
        .collect();
    let expected = BTreeSet::from(["password.reset", "password.temporary_used"]);
    assert_eq!(events, expected);
}

/// Two processes with the same tables and a limit of one failure. The calls of the second one go
/// through relays.
async fn two_processes() -> Result<(Sandbox, Relays, Sandbox), Error> {
    let limit = [("LOGIN_FAILURES_PER_MINUTE", "1")];
    let one = Sandbox::start(&limit).await?;
    let relays = Relays::start(&one.backend)?;
    let other = Sandbox::on(relays.backend.clone(), &limit)?;
    Ok((one, relays, other))
}

/// A flood of logins beyond the limit costs almost nothing.
#[tokio::test]
async fn what_another_process_counted_is_read_once() {
    let (one, relays, other) = two_processes().await.unwrap();
    assert_eq!(status(&one, "admin:wr0ng", HERE).await, 401);
    for expected in [&["BatchGetItem"][..], &[]] {
        relays.take_calls();
        assert_eq!(status(&other, "admin:p@55wOrd", HERE).await, 401);
        let calls = relays.take_calls();
        let calls: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(calls, expected);
    }
    assert_eq!(status(&other, "admin:p@55wOrd", ELSEWHERE).await, 200);
}

/// DynamoDB answers, but leaves some keys unprocessed.
#[tokio::test]
async fn unprocessed_items_are_requested_again() {
    let (_one, relays, service) = two_processes().await.unwrap();
    for (busy, expected) in [(2, StatusCode::OK), (99, StatusCode::INTERNAL_SERVER_ERROR)] {
        let left = AtomicU32::new(busy);
        relays.script(move |call| {
            let is_busy = call.operation == "BatchGetItem"
                && left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                    .is_ok();
            if !is_busy {
                return Action::forward();
            }
            let request: Value = serde_json::from_str(&call.body).unwrap();
            let keys = &request["RequestItems"];
            let answer = json!({ "Responses": {}, "UnprocessedKeys": keys });
            Action::answer(200, "", &answer.to_string())
        });
        let found = status(&service, "admin:p@55wOrd", HERE).await;
        assert_eq!(found, expected);
    }
    relays.script(|_| Action::forward());
    assert_eq!(status(&service, "admin:wr0ng", HERE).await, 401);
}

/// Logins are refused if a limit cannot be read.
#[tokio::test]
async fn without_the_limits_nobody_logs_in() {
    let sandbox = Sandbox::start(&[
        ("LOGIN_FAILURES_PER_MINUTE", "1"),
        ("LIMITS_TABLE", "Nowhere"),
    ]);
    let sandbox = sandbox.await.unwrap();
    let found = status(&sandbox, "admin:p@55wOrd", HERE).await;
    assert_eq!(found, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(sandbox.audit("jdoe").await.unwrap().is_empty());
}

/// Concurrent attempts all pass before the first one is counted.
#[tokio::test]
async fn failures_beyond_the_limit_count_too() {
    let (_one, relays, sandbox) = two_processes().await.unwrap();
    // No failure is counted before every attempt has read the limits.
    let (reads, all_have_read) = (AtomicU32::new(0), Arc::new(Notify::new()));
    relays.script(move |call| {
        let all_have_read = Arc::clone(&all_have_read);
        if call.operation != "BatchGetItem" {
            let turn = Step::AwaitNotice(Arc::clone(&all_have_read));
            return Action(vec![turn, Step::Notify(all_have_read), Step::Forward]);
        }
        let is_last = reads.fetch_add(1, Ordering::Relaxed) == 2;
        let notice = is_last.then_some(Step::Notify(all_have_read));
        Action(iter::once(Step::Forward).chain(notice).collect())
    });
    let attempt = || status(&sandbox, "admin:wr0ng", HERE);
    let attempts = Box::pin(async { tokio::join!(attempt(), attempt(), attempt()) });
    let (statuses, measured) = metrics::collect(attempts).await;
    assert_eq!(
        statuses,
        (
            StatusCode::UNAUTHORIZED,
            StatusCode::UNAUTHORIZED,
            StatusCode::UNAUTHORIZED
        )
    );
    let failures = measured.values(Metric::LoginFailures).len();
    assert_eq!(failures, 3);

    let request = sandbox.backend.clients.dynamodb.scan();
    let limits = &sandbox.backend.tables.limits;
    let items = request.table_name(limits).send().await.unwrap();
    let tat = |is_source: bool| -> u64 {
        let subject = |item: &Item| item["subject"].as_s().unwrap().clone();
        let mut items = items.items().iter();
        let item = items.find(|item| subject(item).starts_with("login-source#") == is_source);
        item.unwrap()["tat_60"].as_n().unwrap().parse().unwrap()
    };
    // One minute per use of the name, and twelve seconds per use of the source, which has five.
    let (name, source) = (tat(false), tat(true));
    let more = (failures as u64) * (60 - 12) * 1_000_000;
    assert!(
        name.abs_diff(source).abs_diff(more) <= 2_000_000,
        "{name} {source}"
    );
}

/// Knowing both the name and the address of an account gives no additional attempts.
#[tokio::test]
async fn attempts_by_name_and_by_address_are_counted_together() {
    let right = "admin:p@55wOrd";
    for (wrong, is_limited) in [
        (["admin:wr0ng", "admin@pumpalarm.com:wr0ng"], true),
        (["admin@pumpalarm.com:wr0ng", "admin:wr0ng"], true),
        (["admin:wr0ng", "bob@pumpalarm.com:wr0ng"], false),
    ] {
        let limit = [("LOGIN_FAILURES_PER_MINUTE", "2")];
        let sandbox = Sandbox::start(&limit).await.unwrap();
        for credential in wrong {
            assert_eq!(status(&sandbox, credential, HERE).await, 401);
        }
        let expected = if is_limited { 401 } else { 200 };
        assert_eq!(status(&sandbox, right, HERE).await, expected, "{wrong:?}");
        assert_eq!(status(&sandbox, right, ELSEWHERE).await, 200);
    }
}
