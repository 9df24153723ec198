//! Tests of the commands for one account.

use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use password::{Cost, Hasher, Secret, Verification};
use serde_json::{Value, json};
use shared::clock::{Clock, Timestamp};
use testkit::Sandbox;
use testkit::requests::reset;

use crate::{NO_LIMITS, NOW, Operator, PASSWORD, number, row, text};

const ADD: [&str; 8] = [
    "add",
    "JRoe",
    "--id",
    "7",
    "--email",
    "roe@example.com",
    "--role",
    "Admin",
];

async fn add(operator: &Operator, changes: &[&str], password: &str) -> crate::Answer {
    let arguments = [&ADD[..], changes, &["--password-stdin"]].concat();
    operator
        .run_with(&arguments, &format!("{password}\r\n"), &[])
        .await
}

#[tokio::test]
async fn add_stores_the_account_with_its_password() {
    let operator = Operator::start().await;
    let answer = add(
        &operator,
        &["--name", "Jo Roe", "--brand", "Brand", "--language", "DE"],
        PASSWORD,
    )
    .await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert_eq!(answer.out, "JRoe: added\n");

    let user = operator.user("jroe").await;
    assert_eq!(text(&user, "display_username"), "JRoe");
    assert_eq!(text(&user, "email_key"), "roe@example.com");
    assert_eq!(text(&user, "brand"), "brand");
    let shown = operator.run(&["show", "jroe", "--json"]).await.json();
    assert_eq!(shown[0]["language"], "de");
    assert_eq!(user["roles"].as_ss().unwrap(), &["Admin"]);
    assert_eq!(number(&user, "version"), 1);
    let stored = Secret::from(text(&user, "password_hash"));
    let verification = Hasher::new(Cost::DEFAULT).verify(&Secret::from(PASSWORD), &stored);
    let needs_rehash = false;
    assert_eq!(verification, Ok(Verification::Valid { needs_rehash }));
    let mut audit = operator.audit("jroe").await;
    audit.sort();
    assert_eq!(audit, [row("account.added"), row("role.granted")]);
}

#[tokio::test]
async fn invalid_accounts_are_not_added() {
    let operator = Operator::start().await;
    for (changes, password, error, exit_code) in [
        (
            &["--brand", "x"][..],
            "short",
            "the password must have 8 to 128 characters",
            1,
        ),
        (
            &[],
            "Password1",
            "the password is one of the most common passwords",
            1,
        ),
        (
            &["--name", PASSWORD],
            PASSWORD,
            "the password is the email address, the part of it before the @, the user name, the display name, the \
             brand or the product name",
            1,
        ),
    ] {
        let answer = add(&operator, changes, password).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(exit_code));
    }
    let same_address = [
        "add",
        "other",
        "--id",
        "8",
        "--email",
        "A@example.com",
        "--brand",
        "BRAND",
        "--no-password",
    ];
    let answer = operator.run(&same_address).await;
    assert_eq!(
        answer.error(),
        "the address already belongs to jdoe in the same brand"
    );
    let no_address = [
        "add",
        "other",
        "--id",
        "8",
        "--email",
        "nowhere",
        "--no-password",
    ];
    let answer = operator.run(&no_address).await;
    assert_eq!(answer.error(), "email is not an address");
    assert_eq!(answer.exit_code, ExitCode::from(2));
    let no_password = operator.run(&ADD).await;
    assert_eq!(no_password.exit_code, ExitCode::from(2));
    assert!(!operator.has("jroe").await && !operator.has("other").await);

    let before = operator.user("jdoe").await;
    let answer = operator
        .run(&["add", "ＪDoe", "--id", "8", "--no-password"])
        .await;
    assert_eq!(answer.error(), "account ＪDoe already exists");
    assert_eq!(operator.user("jdoe").await, before);
    assert_eq!(operator.audit("jdoe").await, []);
}

#[tokio::test]
async fn disable_ends_sessions() {
    let operator = Operator::start().await;
    let answer = operator.run(&["disable", "JDoe"]).await;
    assert_eq!(answer.out, "jdoe: disabled\n");
    let user = operator.user("jdoe").await;
    assert_eq!(user["disabled"].as_bool(), Ok(&true));
    assert_eq!(number(&user, "sessions_valid_after"), NOW);

    let again = operator.run(&["disable", "jdoe", "--json"]).await;
    assert_eq!(
        again.json(),
        [json!({ "username": "jdoe", "changed": false, "event": null })]
    );
    let enabled = operator.run(&["enable", "jdoe", "--json"]).await;
    let event = "account.enabled";
    assert_eq!(
        enabled.json(),
        [json!({ "username": "jdoe", "changed": true, "event": event })],
        "{enabled:?}"
    );
    assert!(!operator.user("jdoe").await.contains_key("disabled"));
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    assert_eq!(audit, [row("account.disabled"), row("account.enabled")]);
}

#[tokio::test]
async fn roles_are_granted_and_revoked() {
    let operator = Operator::start().await;
    for (arguments, roles) in [
        (["grant", "Admin", "jdoe"], &["Admin"][..]),
        (["grant", "Support", "jdoe"], &["Admin", "Support"]),
        (["grant", "Support", "jdoe"], &["Admin", "Support"]),
        (["revoke", "Admin", "jdoe"], &["Support"]),
        (["revoke", "Admin", "jdoe"], &["Support"]),
        (["revoke", " Support ", "jdoe"], &[]),
    ] {
        let answer = operator.run(&arguments).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        let shown = operator.run(&["show", "jdoe", "--json"]).await.json();
        assert_eq!(shown[0]["roles"], json!(roles), "{arguments:?}");
    }
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    let [granted, revoked] = ["role.granted", "role.revoked"].map(row);
    assert_eq!(audit, [granted.clone(), granted, revoked.clone(), revoked]);
    let rows = operator.run(&["audit", "jdoe", "--json"]).await.json();
    let of = |row: &Value| format!("{} {}", row["event"], row["detail"]).replace('"', "");
    let mut rows: Vec<_> = rows.iter().map(of).collect();
    rows.sort();
    let expected = [
        "role.granted Admin",
        "role.granted Support",
        "role.revoked Admin",
        "role.revoked Support",
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn setting_an_address_changes_nothing_else() {
    let operator = Operator::start().await;
    let mark = [("email_failed_at", "1")];
    operator.sandbox.change_user("jdoe", &mark).await.unwrap();
    let mut expected = operator.user("jdoe").await;
    let answer = operator
        .run(&["set", "JDoe", "--email", " New@example.com", "--json"])
        .await;
    let event = "account.email_set";
    assert_eq!(
        answer.json(),
        [json!({ "username": "jdoe", "changed": true, "event": event })],
        "{answer:?}"
    );
    expected.remove("email_failed_at");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    expected.insert("email".to_owned(), text("New@example.com"));
    expected.insert("email_key".to_owned(), text("new@example.com"));
    let now = AttributeValue::N(NOW.to_string());
    expected.insert("sessions_valid_after".to_owned(), now);
    assert_eq!(operator.user("jdoe").await, expected);
    assert_eq!(operator.audit("jdoe").await, [row(event)]);
    operator.run(&["reset", "jdoe"]).await;
    let mails = operator.sandbox.backend.outbox.mails();
    assert_eq!(mails.last().unwrap().to, ["New@example.com"]);

    let expected = operator.user("admin").await;
    for (address, error, exit_code) in [
        ("nowhere", "email is not an address", 2),
        (
            "BOB@pumpalarm.com",
            "the address already belongs to bob in the same brand",
            1,
        ),
    ] {
        let answer = operator.run(&["set", "admin", "--email", address]).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(exit_code));
    }
    assert_eq!(operator.user("admin").await, expected);
    assert_eq!(operator.audit("admin").await, []);
}

#[tokio::test]
async fn reset_runs_the_operation_and_reports_its_outcome() {
    let operator = Operator::start().await;
    let answer = operator.run(&["reset", "jdoe"]).await;
    assert_eq!(
        answer.out, "jdoe: new password mailed to a@example.com\n",
        "{answer:?}"
    );
    assert_eq!(operator.sandbox.backend.outbox.mails().len(), 1);
    assert_eq!(operator.audit("jdoe").await, [row("password.reset")]);

    let answer = operator.run(&["reset", "jdoe"]).await;
    assert_eq!(
        answer.error(),
        "jdoe: rate limit for resets by operators reached; try again at 2026-11-21T22:35:15Z"
    );
    assert_eq!(answer.exit_code, ExitCode::from(75));
    for missing in ["LIMITS_TABLE", "BRANDS_TABLE"] {
        let nowhere = [(missing, "Nowhere")];
        let answer = operator.run_with(&["reset", "jdoe"], "", &nowhere).await;
        let error = "table Nowhere not found at ";
        assert!(answer.error().starts_with(error), "{answer:?}");
        assert_eq!(answer.exit_code, ExitCode::from(3));
    }
    operator.run(&["disable", "bob"]).await;
    let answer = operator.run(&["reset", "bob"]).await;
    assert_eq!(answer.error(), "bob: account is disabled");
    assert_eq!(operator.sandbox.backend.outbox.mails().len(), 1);
}

/// Requests by strangers do not use up the limit of operators.
#[tokio::test]
async fn resets_by_operators_have_their_own_rate_limit() {
    let operator = Operator::start().await;
    let backend = operator.sandbox.backend.clone();
    let service = Sandbox::on(backend, &[("RESET_PER_MINUTE", "1")]).unwrap();
    for _ in 0..2 {
        service.send(&reset("jdoe")).await;
    }
    let outbox = &operator.sandbox.backend.outbox;
    assert_eq!(outbox.mails().len(), 1);
    let answer = operator.run(&["reset", "jdoe"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert_eq!(outbox.mails().len(), 2);
}

#[tokio::test]
async fn a_reset_whose_mail_fails_is_pending() {
    let operator = Operator::start().await;
    assert_eq!(operator.run(&["pending"]).await.out, "none\n");
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    let answer = operator.run(&["reset", "jdoe"]).await;
    assert!(
        answer
            .error()
            .starts_with("jdoe: SES did not accept the email"),
        "{answer:?}"
    );
    let pending = operator.run(&["pending", "--json"]).await.json();
    let request_id = &pending[0]["request_id"];
    assert_eq!(
        pending,
        [json!({
            "username": "jdoe",
            "state": "waiting",
            "attempts": 1,
            "requested_at": "2026-11-21T22:34:15Z",
            "next_attempt_at": "2026-11-21T22:35:15Z",
            "request_id": request_id,
        })]
    );
    let rows = operator.run(&["pending"]).await.out;
    assert!(rows.contains("waiting"), "{rows}");
}

/// Changes an item as a third-party program might leave it.
async fn damage(operator: &Operator, username: &str, changes: &[(&str, Option<AttributeValue>)]) {
    let mut item = operator.user(username).await;
    for (name, value) in changes {
        match value {
            Some(value) => item.insert((*name).to_owned(), value.clone()),
            None => item.remove(*name),
        };
    }
    operator.sandbox.put_user(item).await.unwrap();
}

#[tokio::test]
async fn pending_lists_unfinished_resets_in_every_state() {
    let operator = Operator::start().await;
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    let number = |text: &str| AttributeValue::N(text.to_owned());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (changes, state) in [
        (vec![], "waiting"),
        (
            vec![("reset_superseded", Some(AttributeValue::Bool(true)))],
            "superseded",
        ),
        (vec![("id", None)], "unreadable"),
        (vec![("reset", None)], "unreadable"),
        (vec![("reset", Some(text("lost")))], "unreadable"),
        (vec![("reset_queue", None)], "stranded"),
        (vec![("reset_queue", Some(text("elsewhere")))], "stranded"),
        (vec![("reset_due_at", None)], "stranded"),
        // No sweep ever reaches this time.
        (vec![("reset_due_at", Some(number("1e30")))], "stranded"),
        (vec![("reset", None), ("reset_due_at", None)], "stranded"),
    ] {
        let whole = operator.user("bob").await;
        operator.run_with(&["reset", "bob"], "", &NO_LIMITS).await;
        damage(&operator, "bob", &changes).await;
        let pending = operator.run(&["pending", "--json"]).await.json();
        assert_eq!(pending.len(), 1, "{changes:?}");
        assert_eq!(pending[0]["username"], "bob");
        assert_eq!(pending[0]["state"], state, "{changes:?}");
        let has_reset = changes.iter().all(|(name, _)| *name != "reset");
        let attempts = if has_reset { json!(1) } else { json!(null) };
        assert_eq!(pending[0]["attempts"], attempts, "{changes:?}");
        operator.sandbox.put_user(whole).await.unwrap();
    }
    assert_eq!(operator.run(&["pending"]).await.out, "none\n");
}

#[tokio::test]
async fn show_prints_no_hash() {
    let operator = Operator::start().await;
    let backend = operator.sandbox.backend.clone();
    let clock = Clock::new(|| Timestamp(NOW));
    let service = Sandbox::at(&clock, backend, &[("RESET_MODE", "dual")]).unwrap();
    service.send(&reset("jdoe")).await;
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    operator.run(&["reset", "bob"]).await;
    for (username, name) in [("jdoe", "temporary_expires_at"), ("bob", "reset_attempts")] {
        let people = operator.run(&["show", username]).await.out;
        let scripts = operator.run(&["show", username, "--json"]).await;
        let shown = &scripts.json()[0];
        assert_eq!(shown["password"], "argon2id");
        assert!(!shown[name].is_null() && people.contains(name), "{people}");
        for out in [&people, &scripts.out] {
            assert!(!out.contains('$') && !out.contains('\u{1b}'), "{out}");
        }
    }
    let audit = operator.run(&["audit", "jdoe", "--json"]).await.json();
    assert_eq!(audit[0]["event"], "password.reset");
    assert_eq!(audit[0]["at"], "2026-11-21T22:34:15Z");
}

#[tokio::test]
async fn errors_are_one_line() {
    let operator = Operator::start().await;
    for command in [
        &["show", "nobody"][..],
        &["disable", "nobody"],
        &["grant", "Admin", "nobody"],
        &["reset", "nobody"],
    ] {
        let answer = operator.run(command).await;
        let error = "account nobody not found; use `accounts find` to search by part of a name";
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(3));
    }
    for (name, command) in [
        ("USERS_TABLE", ["show", "jdoe"]),
        ("AUDIT_TABLE", ["disable", "jdoe"]),
        ("LIMITS_TABLE", ["reset", "jdoe"]),
        ("MAIL_FROM", ["reset", "jdoe"]),
    ] {
        let answer = operator.run_with(&command, "", &[(name, "")]).await;
        assert_eq!(answer.error(), format!("{name} is not set"));
        assert_eq!(answer.exit_code, ExitCode::from(2));
    }
    let nameless = operator
        .run_with(&["disable", "jdoe"], "", &[("USER", "")])
        .await;
    assert_eq!(
        nameless.error(),
        "no operator name: use --operator or set USER"
    );
}
