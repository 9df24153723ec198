//! `check-keys`.

use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use testkit::requests::reset;

use crate::{Operator, row, text};

const OLD: &str = "j\u{30c}ane";
const NEW: &str = "\u{1f0}ane";

/// An account whose keys are those of an earlier version's rules.
async fn put_old(operator: &Operator) {
    let mut item = operator.user("jdoe").await;
    for (name, value) in [
        ("username", OLD),
        ("display_username", "J\u{30c}ane"),
        ("email", "jane@exämple.de"),
        ("email_key", "jane@exämple.de"),
    ] {
        item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    }
    operator.sandbox.put_user(item).await.unwrap();
}

#[tokio::test]
async fn check_keys_finds_and_repairs_old_keys() {
    let operator = Operator::start().await;
    let clean = operator.run(&["check-keys"]).await;
    assert_eq!(clean.exit_code, ExitCode::SUCCESS, "{clean:?}");
    assert_eq!(clean.out, "none\n");

    put_old(&operator).await;
    let before = operator.user(OLD).await;
    for arguments in [
        &["check-keys"][..],
        &["check-keys", "--repair", "--dry-run"],
    ] {
        let found = operator.run(&[arguments, &["--json"]].concat()).await;
        assert_eq!(found.exit_code, ExitCode::FAILURE, "{found:?}");
        let found = found.json();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["username"], OLD);
        assert_eq!(found[0]["right_username"], NEW);
        assert_eq!(found[0]["wrong_email_key"], true);
    }
    assert_eq!(operator.user(OLD).await, before);

    let repaired = operator.run(&["check-keys", "--repair"]).await;
    assert_eq!(repaired.exit_code, ExitCode::SUCCESS, "{repaired:?}");
    let mut expected = before;
    for (name, value) in [("username", NEW), ("email_key", "jane@xn--exmple-cua.de")] {
        expected.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    }
    assert_eq!(operator.user(NEW).await, expected);
    assert!(!operator.has(OLD).await);
    assert_eq!(operator.audit(NEW).await, [row("account.key_changed")]);

    operator.sandbox.send(&reset("J\u{30c}ANE")).await;
    let mails = operator.sandbox.backend.outbox.mails();
    assert_eq!(mails[0].to, ["jane@xn--exmple-cua.de"]);
}

#[tokio::test]
async fn check_keys_does_not_overwrite_other_accounts() {
    let operator = Operator::start().await;
    put_old(&operator).await;
    operator
        .run(&["add", NEW, "--id", "9", "--no-password"])
        .await;
    let [old, new] = [operator.user(OLD).await, operator.user(NEW).await];
    let answer = operator.run(&["check-keys", "--repair"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE, "{answer:?}");
    assert!(
        answer
            .out
            .contains("another account already has the correct key")
    );
    assert_eq!(operator.user(OLD).await, old);
    assert_eq!(operator.user(NEW).await, new);
}

#[tokio::test]
async fn check_keys_repairs_a_wrong_address_key_in_place() {
    let operator = Operator::start().await;
    let wrong = [("email_key", "A@example.com")];
    operator.sandbox.change_user("jdoe", &wrong).await.unwrap();
    let unmailable = [
        ("email", "zoë@example.com"),
        ("email_key", "zoë@example.com"),
    ];
    operator
        .sandbox
        .change_user("bob", &unmailable)
        .await
        .unwrap();
    let answer = operator.run(&["check-keys", "--repair"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE, "{answer:?}");
    assert!(
        answer.out.contains("SES cannot send mail to the address"),
        "{answer:?}"
    );
    assert_eq!(
        text(&operator.user("jdoe").await, "email_key"),
        "a@example.com"
    );
    assert_eq!(operator.audit("jdoe").await, [row("account.key_changed")]);
}
