//! A failed login costs the same hashes whether the name is on file or not: the hash is what takes
//! the time.
//!
//! Counted in the log, which is why this test has a process of its own; a release logs nothing of
//! the kind.

#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Request, StatusCode};
use local::Sandbox;

/// How many hashes of today's cost this process computed.
fn hashes() -> usize {
    let log = local::logged();
    let lines = log
        .lines()
        .filter(|line| line.contains("\"message\":\"Argon2\""));
    lines
        .inspect(|line| assert!(line.contains("\"memory_kib\":19456"), "{line}"))
        .count()
}

fn login(credential: &str) -> Request<Bytes> {
    let credential = BASE64_STANDARD.encode(credential);
    Request::post("/UpdateUserRegistrationPassword")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Basic {credential}"))
        .body("Email=a@example.com&NewPassword=lamp-Sodium-4417".into())
        .unwrap()
}

/// Administrators in every state that cannot log in with "wrong".
async fn register(sandbox: &Sandbox) {
    let changes = [
        ("enabled", None),
        ("disabled", Some(("disabled", AttributeValue::Bool(true)))),
        (
            "expired",
            Some(("password_expires_at", AttributeValue::N("1".to_owned()))),
        ),
        ("without", None),
    ];
    for (username, change) in changes {
        let mut item = sandbox.user("admin").await.unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        item.insert("username".to_owned(), text(username));
        if let Some((name, value)) = change {
            item.insert(name.to_owned(), value);
        }
        if username == "without" {
            item.remove("password_hash");
        }
        sandbox.put_user(item).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_login_takes_the_same_hashes_for_every_name() {
    // Beside the old password there may be a temporary one: always two hashes.
    for (mode, expected) in [("replace", 1), ("dual", 2)] {
        let sandbox = Sandbox::start(&[("RESET_MODE", mode)]).await.unwrap();
        register(&sandbox).await;
        for username in ["nobody", "enabled", "disabled", "expired", "without"] {
            let request = login(&format!("{username}:wrong"));
            let before = hashes();
            let response = sandbox.send(&request).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(hashes() - before, expected, "{mode} {username}");
        }
    }
}
