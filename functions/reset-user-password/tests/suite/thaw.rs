//! The first request after Lambda froze the process, and DynamoDB and SES closed its connections in
//! the meantime.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use http::StatusCode;
use testkit::relay::{Action, Call, Relays, Step};
use testkit::{Sandbox, requests};

/// A time longer than a connection may be idle.
const FREEZE: Duration = Duration::from_millis(6_100);

/// The services that have closed the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgotten {
    Both,
    Dynamodb,
    Ses,
}

/// A process with open connections. The `forgotten` services answer on them with `reply`.
async fn thawed(relays: &Relays, forgotten: Forgotten, reply: &Action) -> Sandbox {
    let service = Sandbox::on(relays.backend.clone(), &[]).unwrap();
    service.functions.reset_user_password.init().await;
    let (dynamodb, ses) = (relays.dynamodb.connections(), relays.ses.connections());
    let reply = reply.clone();
    relays.script(move |call: &Call| {
        let (open, other) = if call.is_to_ses() {
            (ses, Forgotten::Dynamodb)
        } else {
            (dynamodb, Forgotten::Ses)
        };
        if call.connection < open && forgotten != other {
            reply.clone()
        } else {
            Action::forward()
        }
    });
    service
}

/// Resets a password. The mail must be accepted, and the SDK must not have waited to try again.
async fn reset(service: &Sandbox, relays: &Relays) {
    let mails = service.backend.outbox.mails().len();
    let answer = service.send(&requests::reset("jdoe")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(service.backend.outbox.mails().len(), mails + 1);
    assert!(!relays.take_calls().iter().any(|call| call.is_retry));
}

#[tokio::test]
async fn a_closed_connection_is_replaced_without_a_back_off() {
    let backend = testkit::backend().await;
    let closed = Action::HANG_UP;
    let reset_by_peer = Action(vec![Step::Reset]);
    for _ in 0..5 {
        for forgotten in [Forgotten::Both, Forgotten::Dynamodb, Forgotten::Ses] {
            for reply in [&closed, &reset_by_peer] {
                let relays = Relays::start(&backend).unwrap();
                let service = thawed(&relays, forgotten, reply).await;
                reset(&service, &relays).await;
            }
        }
    }
}

#[tokio::test]
async fn an_unresponsive_connection_is_not_used_after_a_freeze() {
    let backend = testkit::backend().await;
    let relays = Relays::start(&backend).unwrap();
    let silence = Action(vec![Step::AwaitGivingUp]);
    let service = thawed(&relays, Forgotten::Both, &silence).await;
    tokio::time::sleep(FREEZE).await;
    reset(&service, &relays).await;
}
