//! Tests of addresses: changes, suppression by SES, and international addresses.

use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::{NOW, Operator, number, row, text};

async fn set_email(operator: &Operator, address: &str) -> crate::Answer {
    operator.run(&["set", "jdoe", "--email", address]).await
}

#[tokio::test]
async fn a_new_address_withdraws_mailed_passwords_and_notifies_the_old_address() {
    let operator = Operator::start().await;
    operator.run(&["reset", "jdoe"]).await;
    assert!(
        operator
            .user("jdoe")
            .await
            .contains_key("must_change_password")
    );
    let answer = set_email(&operator, "new@example.com").await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert!(
        answer.out.contains("so the account has no password"),
        "{answer:?}"
    );

    let user = operator.user("jdoe").await;
    for gone in [
        "password_hash",
        "must_change_password",
        "password_expires_at",
        "temporary",
    ] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    assert_eq!(number(&user, "sessions_valid_after"), NOW);
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    let expected = [
        "account.email_set",
        "password.reset",
        "password.temporary_withdrawn",
    ];
    assert_eq!(audit, expected.map(row));
    let mails = operator.sandbox.backend.outbox.mails();
    let told = mails.last().unwrap();
    assert_eq!(told.to, ["a@example.com"]);
    assert_eq!(told.subject, "Your e-mail address was changed");
    assert!(!told.text.contains("new@example.com") && told.password().is_none());
}

/// Missing mail settings are reported before the change.
#[tokio::test]
async fn an_address_stays_if_the_old_one_cannot_be_notified() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    let line = ["set", "jdoe", "--email", "new@example.com"];
    let unset = [("PRODUCT_NAME", ""), ("MAIL_FROM", ""), ("LOGIN_URL", "")];
    let answer = operator.run_with(&line, "", &unset).await;
    assert!(
        answer.error().starts_with(
            "cannot notify the old address: PRODUCT_NAME, MAIL_FROM and LOGIN_URL are not set"
        ),
        "{answer:?}"
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
    assert_eq!(operator.user("jdoe").await, before);

    // SES may still refuse the email. JSON output has the same remark as the text.
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    let answer = operator.run(&[&line[..], &["--json"]].concat()).await;
    let note = answer.json()[0]["note"].as_str().unwrap().to_owned();
    assert!(
        note.contains("the old address was not notified: "),
        "{note}"
    );
}

#[tokio::test]
async fn a_new_address_ends_temporary_passwords_and_resets() {
    let operator = Operator::start().await;
    let hash = text(&operator.user("jdoe").await, "password_hash").to_owned();
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    operator.run(&["reset", "jdoe"]).await;
    operator.sandbox.backend.outbox.refuse(None);
    let mut item = operator.user("jdoe").await;
    let temporary = [
        ("hash", AttributeValue::S(hash.clone())),
        ("expires_at", AttributeValue::N((NOW + 9).to_string())),
    ];
    let temporary = temporary.map(|(name, value)| (name.to_owned(), value));
    item.insert("temporary".to_owned(), AttributeValue::M(temporary.into()));
    operator.sandbox.put_user(item).await.unwrap();

    set_email(&operator, "new@example.com").await;
    let user = operator.user("jdoe").await;
    assert_eq!(text(&user, "password_hash"), hash);
    for gone in ["temporary", "reset", "reset_queue", "reset_due_at"] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    let expected = [
        "account.email_set",
        "password.reset_abandoned",
        "password.temporary_withdrawn",
    ];
    assert_eq!(audit, expected.map(row));
}

#[tokio::test]
async fn setting_the_same_address_withdraws_nothing() {
    let operator = Operator::start().await;
    operator.run(&["reset", "jdoe"]).await;
    let before = operator.user("jdoe").await;
    let answer = set_email(&operator, "a@example.com").await;
    assert_eq!(
        answer.out, "jdoe: address set to a@example.com\n",
        "{answer:?}"
    );
    assert_eq!(operator.user("jdoe").await, before);
    assert_eq!(operator.sandbox.backend.outbox.mails().len(), 1);
}

#[tokio::test]
async fn suppression_is_shown_and_removed() {
    let operator = Operator::start().await;
    let outbox = &operator.sandbox.backend.outbox;
    outbox.suppress("a@example.com", "BOUNCE");
    let shown = operator.run(&["show", "jdoe", "--json"]).await.json();
    assert_eq!(shown[0]["suppressed_for"], "BOUNCE");
    assert!(shown[0]["suppressed_at"].is_string(), "{shown:?}");
    operator.run(&["reset", "bob"]).await;
    assert_eq!(outbox.mails().len(), 1);

    let answer = set_email(&operator, "a@example.com").await;
    assert!(
        answer
            .out
            .contains("removed a@example.com from SES's suppression list (listed since "),
        "{answer:?}"
    );
    assert!(!outbox.is_suppressed("a@example.com"));
    let shown = operator.run(&["show", "jdoe", "--json"]).await.json();
    assert_eq!(shown[0]["suppressed_for"], Value::Null);

    outbox.suppress("a@example.com", "COMPLAINT");
    outbox.refuse(Some("AccessDeniedException"));
    let missing = "permission ses:GetSuppressedDestination is missing";
    let shown = operator.run(&["show", "jdoe", "--json"]).await.json();
    assert_eq!(shown[0]["suppression_unknown"], missing);
    let answer = set_email(&operator, "a@example.com").await;
    assert!(answer.out.contains(missing), "{answer:?}");
    assert!(outbox.is_suppressed("a@example.com"));
}

#[tokio::test]
async fn domains_are_stored_in_punycode() {
    let operator = Operator::start().await;
    let answer = set_email(&operator, "jane@EXÄMPLE.de").await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let user = operator.user("jdoe").await;
    assert_eq!(text(&user, "email"), "jane@xn--exmple-cua.de");
    assert_eq!(text(&user, "email_key"), "jane@xn--exmple-cua.de");
    operator.run(&["reset", "jdoe"]).await;
    let mails = operator.sandbox.backend.outbox.mails();
    assert_eq!(mails.last().unwrap().to, ["jane@xn--exmple-cua.de"]);

    let answer = set_email(&operator, "zoë@example.com").await;
    assert_eq!(
        answer.error(),
        "email has non-ASCII characters before the @, and SES sends no email to such addresses"
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
}

#[tokio::test]
async fn a_reset_keeps_the_old_password_if_mail_failed_before() {
    let operator = Operator::start().await;
    let dual = [("RESET_MODE", "dual")];
    let before = operator.user("jdoe").await;
    operator.run_with(&["reset", "jdoe"], "", &dual).await;
    let user = operator.user("jdoe").await;
    assert_ne!(user["password_hash"], before["password_hash"]);
    assert!(!user.contains_key("temporary"));
    assert_eq!(number(&user, "sessions_valid_after"), NOW);

    let mut item = operator.user("bob").await;
    item.insert(
        "email_failed_at".to_owned(),
        AttributeValue::N(NOW.to_string()),
    );
    operator.sandbox.put_user(item.clone()).await.unwrap();
    let answer = operator.run(&["reset", "bob"]).await;
    assert!(
        answer.out.contains("the old password and sessions stay"),
        "{answer:?}"
    );
    let user = operator.user("bob").await;
    assert_eq!(user["password_hash"], item["password_hash"]);
    assert!(user.contains_key("temporary"));
}

/// The account cannot log in with its address, because another account has it as its user name.
#[tokio::test]
async fn an_address_that_is_a_user_name_gives_a_warning() {
    let operator = Operator::start().await;
    for (id, name) in [("7", "one@example.com"), ("8", "two@example.com")] {
        let answer = operator
            .run(&["add", name, "--id", id, "--no-password"])
            .await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    }
    let warning = "warning: the address is the user name of another account; only that account can log in with it";
    for command in [
        &[
            "add",
            "jroe",
            "--id",
            "9",
            "--email",
            "One@Example.com",
            "--no-password",
        ][..],
        &["set", "jdoe", "--email", "two@example.com"],
    ] {
        let answer = operator.run(command).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        let shown = answer.out.clone() + &answer.err;
        assert!(shown.contains(warning), "{answer:?}");
    }
    let answer = set_email(&operator, "three@example.com").await;
    assert!(!format!("{answer:?}").contains(warning), "{answer:?}");
}
