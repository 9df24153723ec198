//! Tests of accounts whose customer number or version is unreadable.

use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tempfile::TempDir;

use crate::{NO_LIMITS, Operator, row};

const UNREADABLE: &str = "account bob is unreadable: its attribute id must be a whole number \
                          from 0 to 9223372036854775807, and version, if present, a whole number; \
                          `accounts disable` and `accounts delete` still work";

/// Starts an operator with a table in which this attribute of `bob` is not a number.
async fn start(name: &str) -> Operator {
    let operator = Operator::start().await;
    let mut item = operator.user("bob").await;
    item.insert(name.to_owned(), AttributeValue::S("two".to_owned()));
    operator.sandbox.put_user(item).await.unwrap();
    operator
}

#[tokio::test]
async fn an_unreadable_account_does_not_stop_resets_of_others() {
    let operator = start("id").await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("names.txt");
    std::fs::write(&path, "bob\njdoe\n").unwrap();
    let line = ["reset", "--from", path.to_str().unwrap()];
    let rate = ["--per-minute", "6000"];
    let answer = operator
        .run_with(&[&line[..], &["--dry-run"]].concat(), "", &NO_LIMITS)
        .await;
    let expected = format!("line 1: {UNREADABLE}\n1 can be reset, 1 refused\n");
    assert_eq!(answer.out, expected);
    let answer = operator
        .run_with(&[&line[..], &rate].concat(), "", &NO_LIMITS)
        .await;
    assert_eq!(answer.out, expected.replace("can be reset", "reset"));
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert_eq!(operator.audit("jdoe").await, [row("password.reset")]);
}

#[tokio::test]
async fn an_unreadable_account_can_be_disabled_and_deleted() {
    for name in ["id", "version"] {
        let operator = start(name).await;
        let answer = operator.run(&["end-sessions", "bob"]).await;
        assert_eq!(answer.error(), UNREADABLE);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        let answer = operator.run(&["find", "bob@pumpalarm.com", "--json"]).await;
        assert_eq!(answer.json()[0]["username"], "bob", "{answer:?}");

        let answer = operator.run(&["disable", "bob"]).await;
        assert_eq!(answer.out, "bob: disabled\n", "{answer:?}");
        assert_eq!(operator.user("bob").await["disabled"].as_bool(), Ok(&true));
        let answer = operator.run_asked(&["delete", "bob"], "no\n").await;
        let question = "Delete bob (unreadable)? ";
        assert!(answer.err.starts_with(question), "{answer:?}");
        assert!(operator.has("bob").await);
        let answer = operator.run(&["delete", "bob", "--yes", "--json"]).await;
        let expected = json!({ "username": "bob", "changed": true, "event": "account.deleted" });
        assert_eq!(answer.json(), [expected], "{answer:?}");
        assert!(!operator.has("bob").await);
    }
}
