//! The first request of a new process does not wait for connections, for any name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::StatusCode;
use testkit::relay::{Action, Relays};
use testkit::{Sandbox, requests};

async fn reset(service: &Sandbox, username: &str) -> StatusCode {
    service.send(&requests::reset(username)).await.status()
}

/// A new function with limits enabled, like that of a process that has just started.
fn fresh(relays: &Relays) -> Sandbox {
    Sandbox::on(relays.backend.clone(), &[("RESET_PER_MINUTE", "1")]).unwrap()
}

fn operations(relays: &Relays) -> Vec<String> {
    let calls = relays.take_calls().into_iter();
    calls.map(|call| call.operation).collect()
}

#[tokio::test]
async fn connections_are_open_before_the_first_request() {
    let backend = testkit::backend().await;
    for (username, calls) in [("jdoe", 5), ("nobody", 2)] {
        let relays = Relays::start(&backend).unwrap();
        let service = fresh(&relays);
        service.functions.reset_user_password.init().await;
        let seen = relays.take_calls();
        // SES would record a signed call that is denied.
        assert!(seen.iter().all(|call| call.is_signed != call.is_to_ses()));
        let mut at_init: Vec<_> = seen.into_iter().map(|call| call.operation).collect();
        at_init.sort();
        assert_eq!(at_init, ["GetItem", "SendEmail"]);
        let connections = (relays.dynamodb.connections(), relays.ses.connections());
        assert_eq!(connections, (1, 1));

        assert_eq!(reset(&service, username).await, StatusCode::OK);
        assert_eq!(operations(&relays).len(), calls, "{username}");
        assert_eq!(relays.connections(), 2, "{username}");
    }
}

/// Checks that the previous test counts connections correctly.
#[tokio::test]
async fn without_init_the_connections_depend_on_the_name() {
    let backend = testkit::backend().await;
    for (username, connections) in [("jdoe", 2), ("nobody", 1)] {
        let relays = Relays::start(&backend).unwrap();
        let service = fresh(&relays);
        reset(&service, username).await;
        assert_eq!(relays.connections(), connections, "{username}");
    }
}

/// Any answer from SES means that the connection is open, and there are no retries.
#[tokio::test]
async fn a_refusal_opens_the_connection_too() {
    let backend = testkit::backend().await;
    for (status, error) in [(403, "AccessDeniedException"), (429, "Throttling")] {
        let relays = Relays::start(&backend).unwrap();
        relays.script(move |call| {
            if call.is_to_ses() {
                Action::refuse(status, error)
            } else {
                Action::forward()
            }
        });
        let service = fresh(&relays);
        service.functions.reset_user_password.init().await;
        assert_eq!(operations(&relays).len(), 2, "{error}");

        relays.script(|_| Action::forward());
        reset(&service, "jdoe").await;
        assert_eq!(relays.ses.connections(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_process_starts_without_dynamodb_and_ses() {
    let backend = testkit::backend().await;
    let relays = Relays::start(&backend).unwrap();
    relays.script(|_| Action::HANG_UP);
    let service = fresh(&relays);
    service.functions.reset_user_password.init().await;

    relays.script(|_| Action::forward());
    assert_eq!(reset(&service, "jdoe").await, StatusCode::OK);
    assert_eq!(backend.outbox.mails().len(), 1);
}
