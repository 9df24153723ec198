//! How often a reset may be asked for, and what a mailed password is worth beside the old one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail this way"
)]

use std::sync::Arc;

use axum::body::Bytes;
use http::Response;
use password::{Cost, Hasher, Secret, Verification};
use testkit::Sandbox;
use testkit::relay::Relays;
use testkit::requests::reset;

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
    let (hash, password) = (Secret::from(hash.as_str()), Secret::from(password));
    let verification = Hasher::new(Cost::DEFAULT).verify(&password, &hash).unwrap();
    matches!(verification, Verification::Valid { .. })
}

#[tokio::test]
async fn two_hundred_calls_at_once_send_one_mail() {
    let sandbox = Arc::new(Sandbox::start(&DEFAULTS[..2]).await.unwrap());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let sandbox = Arc::clone(&sandbox);
        calls.spawn(async move { sandbox.send(&reset("jdoe")).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(is_success));
    assert_eq!(sandbox.backend.outbox.mails().len(), 1);
}

#[tokio::test]
async fn asking_again_changes_nothing_and_is_answered_alike() {
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
async fn a_source_has_its_own_limit_and_cannot_give_another() {
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
async fn what_cannot_be_counted_is_not_done() {
    let sandbox = Sandbox::start(&[("RESET_PER_MINUTE", "1"), ("LIMITS_TABLE", "Nowhere")])
        .await
        .unwrap();
    assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    assert!(sandbox.backend.outbox.mails().is_empty());
    assert!(verifies(&sandbox, "password_hash", "p@55wOrd").await);
}

#[tokio::test]
async fn beside_the_old_password_a_stranger_locks_nobody_out() {
    let sandbox = Sandbox::start(&[("RESET_MODE", "dual")]).await.unwrap();
    for _ in 0..100 {
        assert!(is_success(&sandbox.send(&reset("jdoe")).await));
    }
    assert!(verifies(&sandbox, "password_hash", "p@55wOrd").await);
    let mails = sandbox.backend.outbox.mails();
    let last = mails.last().unwrap().password().unwrap();
    assert!(verifies(&sandbox, "temporary", last).await);
}

/// A client that is busy is one source: counting it takes no second look at what it used.
#[tokio::test]
async fn one_request_counts_a_use() {
    let backend = testkit::backend().await;
    let relays = Relays::start(&backend).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &DEFAULTS).unwrap();
    for username in ["jdoe", "bob", "nobody"] {
        relays.take_calls();
        sandbox.send(&reset(username)).await;
        let calls = relays.take_calls();
        let counting = calls
            .iter()
            .filter(|call| call.body.contains(&sandbox.backend.tables.limits));
        assert_eq!(counting.count(), 1, "{username}");
    }
}
