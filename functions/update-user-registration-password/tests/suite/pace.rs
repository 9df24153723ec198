//! A failed login is answered at a multiple of the response floor, whatever the cost of the
//! account's hash. `testkit/tests/suite/timing/` tests that the times reveal nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::body::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use serde_json::json;
use shared::metrics::{self, Measurements, Metric};
use testkit::relay::{Action, Relays};
use testkit::requests::{log_in, set_password};
use testkit::{Sandbox, with_default_cost};

/// A hash that costs PBKDF2 in addition to Argon2.
const COSTLIER: &str = "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw\
                      $AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The status and the measurements of a login.
async fn login(sandbox: &Sandbox, credential: &str) -> (StatusCode, Measurements) {
    answer(sandbox, &change(credential)).await
}

/// A request for a new password that logs in with this credential.
fn change(credential: &str) -> Request<Bytes> {
    let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    set_password(credential, &body)
}

async fn answer(sandbox: &Sandbox, request: &Request<Bytes>) -> (StatusCode, Measurements) {
    let (response, measured) = metrics::collect(Box::pin(sandbox.send(request))).await;
    (response.status(), measured)
}

fn exceeded(measured: &Measurements) -> usize {
    measured.values(Metric::FloorExceeded).len()
}

async fn sandbox(variables: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::start(&with_default_cost(variables)).await.unwrap();
    let hash = [("password_hash", COSTLIER)];
    sandbox.change_user("admin", &hash).await.unwrap();
    sandbox
}

#[tokio::test]
async fn a_slower_hash_is_answered_at_the_floor_like_an_unknown_name() {
    // Much longer than all of these logins take.
    let floor = Duration::from_secs(3);
    let sandbox = sandbox(&[("RESPONSE_FLOOR_MS", "3000")]).await;
    let logins = ["admin:wrong", "nobody:wrong"]
        .into_iter()
        .flat_map(|credential| [log_in(credential), change(credential)]);
    join_all(logins.map(async |request| {
        let began = Instant::now();
        let (status, measured) = answer(&sandbox, &request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{request:?}");
        assert!(began.elapsed() >= floor, "{request:?}");
        assert_eq!(exceeded(&measured), 0, "{request:?}");
    }))
    .await;
}

/// Every hash exceeds this floor, so the logins that are counted are exactly those that wait for
/// the floor.
#[tokio::test]
async fn only_failed_logins_wait_and_those_beyond_the_floor_are_counted() {
    let sandbox = sandbox(&[
        ("RESPONSE_FLOOR_MS", "1"),
        ("LOGIN_FAILURES_PER_MINUTE", "1"),
    ])
    .await;
    for (credential, status, waits) in [
        ("admin:wrong", StatusCode::UNAUTHORIZED, 1),
        ("admin:wrong", StatusCode::UNAUTHORIZED, 0),
        ("nobody:wrong", StatusCode::UNAUTHORIZED, 1),
        ("bob:p@55wOrd", StatusCode::FORBIDDEN, 0),
    ] {
        let (found, measured) = login(&sandbox, credential).await;
        assert_eq!(found, status, "{credential}");
        assert_eq!(exceeded(&measured), waits, "{credential}");
    }
    // A process that reads from the table that the limit is reached reads the account in the same
    // call.
    let limit = [
        ("RESPONSE_FLOOR_MS", "1"),
        ("LOGIN_FAILURES_PER_MINUTE", "1"),
    ];
    let relays = Relays::start(&sandbox.backend).unwrap();
    // Longer than the floor, which a read from the embedded DynamoDB might not be.
    relays.script(|_| Action::forward().after(Duration::from_millis(5)));
    let other = Sandbox::on(relays.backend.clone(), &with_default_cost(&limit)).unwrap();
    for waits in [1, 0] {
        let (found, measured) = login(&other, "admin:p@55wOrd").await;
        assert_eq!(found, StatusCode::UNAUTHORIZED);
        assert_eq!(measured.values(Metric::LoginsLimited), [1.0]);
        assert_eq!(exceeded(&measured), waits);
    }
}
