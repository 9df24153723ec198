//! A failed login computes the same number of hashes whether or not the name exists, because
//! hashing dominates the time.
//!
//! Hashes are counted in the log, so this test needs its own process. Release builds do not log
//! them.

#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::attribute;
use serde_json::json;
use shared::clock::{Clock, Timestamp};
use testkit::Sandbox;
use testkit::requests::{log_in, set_password};
use tokio::sync::Mutex;

/// SHA-1 once: far cheaper than Argon2.
const IMPORTED: &str =
    "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";

/// The number of hashes with the current cost that this process has computed.
fn hashes() -> usize {
    let log = testkit::logged_elsewhere();
    let lines = log
        .lines()
        .filter(|line| line.contains("\"message\":\"Argon2\""));
    lines
        .inspect(|line| assert!(line.contains("\"memory_kib\":8,"), "{line}"))
        .count()
}

/// Administrators in every state that cannot log in with "wr0ng".
async fn register(sandbox: &Sandbox) {
    let changes = [
        ("enabled", None),
        ("disabled", Some(("disabled", AttributeValue::Bool(true)))),
        (
            "expired",
            Some(("password_expires_at", attribute::number(1))),
        ),
        ("without", None),
        (
            "imported",
            Some(("password_hash", attribute::text(IMPORTED))),
        ),
    ];
    for (username, change) in changes {
        let mut item = sandbox.user("admin").await.unwrap();
        item.insert("username".to_owned(), attribute::text(username));
        if let Some((name, value)) = change {
            item.insert(name.to_owned(), value);
        }
        if username == "without" {
            item.remove("password_hash");
        }
        sandbox.put_user(item).await.unwrap();
    }
}

/// Both tests count the hashes of the whole process.
static COUNTING: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn a_credential_is_hashed_once_in_five_minutes() {
    let _counting = COUNTING.lock().await;
    let time = Arc::new(AtomicU64::new(1_800_000_000));
    let now = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(now.load(Ordering::Relaxed)));
    let backend = testkit::backend().await;
    let sandbox = Sandbox::at(&clock, backend, &[]).unwrap();
    let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    let request = set_password("admin:p@55wOrd", &body);
    let cost = async || {
        let before = hashes();
        assert_eq!(sandbox.send(&request).await.status(), StatusCode::OK);
        hashes() - before
    };
    assert_eq!(cost().await, 2, "the credential and the new password");
    assert_eq!(cost().await, 1);
    time.fetch_add(299, Ordering::Relaxed);
    assert_eq!(cost().await, 1);
    time.fetch_add(1, Ordering::Relaxed);
    assert_eq!(cost().await, 2);

    // A change to the account takes effect at once.
    let clerk = AttributeValue::Ss(vec!["Clerk".to_owned()]);
    for (attribute, value, expected) in [
        ("roles", clerk, StatusCode::FORBIDDEN),
        (
            "disabled",
            AttributeValue::Bool(true),
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let mut admin = sandbox.user("admin").await.unwrap();
        admin.insert(attribute.to_owned(), value);
        sandbox.put_user(admin).await.unwrap();
        assert_eq!(sandbox.send(&request).await.status(), expected);
    }
}

#[tokio::test]
async fn a_failed_login_computes_as_many_hashes_for_every_name() {
    let _counting = COUNTING.lock().await;
    let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    // There may be a temporary password, so there are always two hashes.
    for (mode, expected) in [("replace", 1), ("dual", 2)] {
        let sandbox = Sandbox::start(&[("RESET_MODE", mode)]).await.unwrap();
        register(&sandbox).await;
        for username in [
            "nobody", "enabled", "disabled", "expired", "without", "imported",
        ] {
            let credential = format!("{username}:wr0ng");
            for request in [set_password(&credential, &body), log_in(&credential)] {
                let before = hashes();
                let response = sandbox.send(&request).await;
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
                assert_eq!(hashes() - before, expected, "{mode} {username}");
            }
        }
    }
}
