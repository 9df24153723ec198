//! Tests of `audit`.

use std::process::ExitCode;

use serde_json::Value;
use shared::clock::{Clock, Timestamp};
use testkit::Sandbox;
use testkit::requests::reset;

use crate::{NO_LIMITS, NOW, Operator};

/// Creates rows on two days, by a stranger and two operators.
async fn prepare() -> Operator {
    let operator = Operator::start().await;
    let backend = operator.sandbox.backend.clone();
    let clock = Clock::new(|| Timestamp(NOW - 86_400));
    let service = Sandbox::at(&clock, backend, &NO_LIMITS).unwrap();
    service.send(&reset("jdoe")).await;
    operator.run(&["disable", "jdoe"]).await;
    operator
        .run(&["--operator", "kim", "grant", "Support", "bob"])
        .await;
    operator
}

/// Returns the events and accounts of the rows.
async fn rows(operator: &Operator, options: &[&str]) -> Vec<String> {
    let answer = operator
        .run(&[&["audit", "--json"], options].concat())
        .await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let rows = answer.json();
    let row = |row: &Value| format!("{} {}", row["event"], row["username"]).replace('"', "");
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn audit_filters_by_account_actor_event_and_time() {
    let operator = prepare().await;
    let (reset, disabled) = ("password.reset jdoe", "account.disabled jdoe");
    let granted = "role.granted bob";
    let mut all = rows(&operator, &[]).await;
    assert_eq!(all.remove(0), reset, "the oldest comes first");
    all.sort();
    assert_eq!(all, [disabled, granted]);
    for (options, expected) in [
        (&["jdoe"][..], &[reset, disabled][..]),
        (&["JDoe", "--event", "account."], &[disabled]),
        (&["--event", "password."], &[reset]),
        (&["--event", "role.granted"], &[granted]),
        (&["--actor", "kim"], &[granted]),
        (&["--actor", "operator"], &[disabled]),
        (&["jdoe", "--since", "2026-11-21T22:34:15Z"], &[disabled]),
        (&["jdoe", "--since", "2026-11-21"], &[disabled]),
        (&["--until", "2026-11-21"], &[reset]),
        (&["jdoe", "--until", "2026-11-21T22:34:15Z"], &[reset]),
        (&["--since", "2026-11-22"], &[]),
        (&["admin"], &[]),
        (&["jdoe", "--event", "mail."], &[]),
    ] {
        assert_eq!(rows(&operator, options).await, expected, "{options:?}");
    }
    let answer = operator.run(&["audit", "--event", "role.grantd"]).await;
    assert_eq!(
        answer.error(),
        "unknown event role.grantd; did you mean role.granted?"
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
    let kinds = "events begin with password., mail., account., role., brand., access.";
    let answer = operator
        .run(&["audit", "jdoe", "--event", "nonsense"])
        .await;
    let error = format!("unknown event nonsense; {kinds}");
    assert_eq!(answer.error(), error);
    let line = ["audit", "--since", "2026-11-22", "--until", "2026-11-21"];
    let answer = operator.run(&line).await;
    let error = "--until must be later than --since";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(2));
}

#[tokio::test]
async fn audit_of_an_unknown_name_is_an_error() {
    let operator = Operator::start().await;
    for (name, error) in [
        (
            "jdeo",
            "jdeo not found, and it has no audit rows; similar: jdoe",
        ),
        ("stranger", "stranger not found, and it has no audit rows"),
        (
            "brand#brnad",
            "brand#brnad not found, and it has no audit rows; similar: brand#brand",
        ),
    ] {
        let answer = operator.run(&["audit", name]).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(3));
    }
    for name in ["jdoe", "brand#brand"] {
        let answer = operator.run(&["audit", name]).await;
        assert_eq!(answer.out, "none\n", "{answer:?}");
    }
    // Rows of a deleted account are still found.
    operator.run(&["delete", "jdoe", "--yes"]).await;
    let answer = operator.run(&["audit", "jdoe"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    // The name is not checked without the Users table.
    let nowhere = [("USERS_TABLE", "")];
    let answer = operator.run_with(&["audit", "jdeo"], "", &nowhere).await;
    assert_eq!(answer.out, "none\n", "{answer:?}");
}
