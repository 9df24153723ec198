//! Tests of safeguards against mistakes, and of the identity of operators.

use std::process::ExitCode;

use axum::http::StatusCode;
use serde_json::json;
use shared::clock::{Clock, Timestamp};
use shared::lambda;
use testkit::Sandbox;
use testkit::relay::{Action, Relays};

use crate::aws::{Query, Seen, refusal, sts};
use crate::import::import;
use crate::{NOW, Operator, row, text};

const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Operators/jo";

#[tokio::test]
async fn a_misspelled_role_is_refused_with_a_suggestion() {
    let operator = Operator::start().await;
    operator.run(&["grant", "Admin", "jdoe"]).await;
    for role in ["admin", "ADMIN", "Admn", "Admins"] {
        let answer = operator.run(&["revoke", role, "jdoe"]).await;
        let error = format!("jdoe has the role Admin, not {role}; role names must match exactly");
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        let answer = operator.run(&["grant", role, "bob"]).await;
        assert!(
            answer
                .error()
                .starts_with(&format!("{role} resembles the role Admin, ")),
            "{answer:?}"
        );
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
    }
    assert_eq!(
        operator.user("jdoe").await["roles"].as_ss().unwrap(),
        &["Admin"]
    );
    assert!(!operator.user("bob").await.contains_key("roles"));
    let answer = operator.run(&["grant", "Admins", "bob", "--force"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}

/// `add`, `grant` and `import` check roles.
#[tokio::test]
async fn a_role_that_resembles_admin_needs_force() {
    let operator = Operator::start().await;
    for role in ["admin", "Administrator", "Admins"] {
        let add = ["add", "ops", "--id", "9", "--no-password", "--role", role];
        let answer = operator.run(&add).await;
        let error = format!("{role} resembles the role Admin, ");
        assert!(answer.error().starts_with(&error), "{answer:?}");
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        let answer = operator.run(&["grant", role, "jdoe"]).await;
        assert!(answer.error().starts_with(&error), "{answer:?}");
        let file = format!("username,id,roles\nops,9,Support;{role}\n");
        let answer = import(&operator, "users.csv", &file, &[]).await;
        let refused = "line 2: a role resembles Admin, and role names must match exactly; use \
                       --force to import it anyway\n";
        assert!(answer.out.starts_with(refused), "{answer:?}");
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        assert!(!operator.has("ops").await);

        let answer = import(&operator, "users.csv", &file, &["--force"]).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        operator.run(&["delete", "ops", "--yes"]).await;
        let answer = operator.run(&[&add[..], &["--force"]].concat()).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        operator.run(&["delete", "ops", "--yes"]).await;
    }
}

#[tokio::test]
async fn swapped_arguments_of_grant_and_revoke_are_refused() {
    let operator = Operator::start().await;
    // There is also an account `admin`.
    for (command, role, user) in [
        ("grant", "jdoe", "Admin"),
        ("grant", "jdoe", "Support"),
        ("revoke", "admin", "Admin"),
        ("revoke", "jdoe", "Support"),
    ] {
        let answer = operator.run(&[command, role, user]).await;
        let error = format!(
            "{role} is the name of an account; did you mean `accounts {command} {user} {role}`?"
        );
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
    }
    assert_eq!(operator.audit("admin").await, []);
    let answer = operator.run(&["revoke", "admin", "admin"]).await;
    let error = "admin has the role Admin, not admin; role names must match exactly";
    assert_eq!(answer.error(), error);
    // A role may have the name of an account.
    let answer = operator.run(&["grant", "bob", "jdoe"]).await;
    assert_eq!(answer.out, "jdoe: role bob granted\n", "{answer:?}");
    let answer = operator.run(&["grant", "jdoe", "admin", "--force"]).await;
    assert_eq!(answer.out, "admin: role jdoe granted\n", "{answer:?}");
}

#[tokio::test]
async fn the_last_admin_cannot_be_disabled_or_revoked() {
    let operator = Operator::start().await;
    let error = "admin is the last account with the role Admin that can log in; use --force to \
                 continue anyway";
    let commands = [&["revoke", "Admin", "admin"][..], &["disable", "admin"]];
    for command in commands {
        let answer = operator.run(command).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
    }
    // A disabled account does not count.
    operator.run(&["grant", "Admin", "bob"]).await;
    operator.run(&["disable", "bob"]).await;
    assert_eq!(operator.run(commands[1]).await.error(), error);
    assert_eq!(operator.audit("admin").await, []);

    operator.run(&["enable", "bob"]).await;
    let answer = operator.run(commands[1]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    // Now bob is the last one, so the role of admin, who is disabled, can be revoked.
    let answer = operator.run(commands[0]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let answer = operator.run(&["disable", "bob"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    let answer = operator.run(&["disable", "bob", "--force"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}

/// The scan returns data from before another operator's change.
#[tokio::test]
async fn concurrent_operators_cannot_remove_the_last_two_admins() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    relays.script(|call| match call.operation.as_str() {
        "Scan" => {
            let bob = json!({ "Items": [{ "username": { "S": "bob" } }], "Count": 1 });
            Action::answer(200, "", &bob.to_string())
        }
        _ => Action::forward(),
    });
    for command in [
        &["revoke", "Admin", "admin"][..],
        &["disable", "admin"],
        &["delete", "admin", "--yes"],
    ] {
        let answer = operator.run(command).await;
        assert_eq!(answer.exit_code, ExitCode::from(75), "{answer:?}");
    }
    relays.script(|_| Action::forward());
    let admin = operator.user("admin").await;
    assert_eq!(admin["roles"].as_ss().unwrap(), &["Admin"]);
    assert!(!admin.contains_key("disabled"));
    assert_eq!(operator.audit("admin").await, []);
}

#[tokio::test]
async fn accounts_without_password_and_address_do_not_count_as_admins() {
    let operator = Operator::start().await;
    let line = [
        "add",
        "ops",
        "--id",
        "9",
        "--role",
        "Admin",
        "--no-password",
    ];
    operator.run(&line).await;
    let answer = operator.run(&["disable", "admin"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE, "{answer:?}");
    operator
        .run(&["set", "ops", "--email", "ops@example.com"])
        .await;
    let answer = operator.run(&["disable", "admin"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}

#[tokio::test]
async fn a_custom_endpoint_never_mails_through_ses_at_aws() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    let command = ["--endpoint", &operator.dynamodb_url, "reset", "jdoe"];
    let answer = operator.run_at(&command, "", &[]).await;
    assert_eq!(
        answer.error(),
        "with --endpoint, mail is never sent through AWS, so a reset also needs --ses-endpoint"
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
    assert_eq!(operator.user("jdoe").await, before);

    // An address can be set without notifying the old one.
    let line = ["set", "jdoe", "--email", "new@example.com"];
    let line = [&command[..2], &line].concat();
    let answer = operator.run_at(&line, "", &[]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let remark = "; the old address was not notified: no SES endpoint given; use --ses-endpoint; \
                  cannot check whether new@example.com is on SES's suppression list: no SES \
                  endpoint given; use --ses-endpoint\n";
    assert!(answer.out.ends_with(remark), "{answer:?}");
    assert_eq!(operator.sandbox.backend.outbox.mails().len(), 0);
}

#[tokio::test]
async fn a_reset_refused_by_ses_names_the_reason() {
    let operator = Operator::start().await;
    for (code, permission) in [
        ("MailFromDomainNotVerifiedException", ""),
        (
            "AccessDeniedException",
            " (permission ses:SendEmail is missing)",
        ),
    ] {
        operator.sandbox.backend.outbox.refuse(Some(code));
        let user = if permission.is_empty() { "jdoe" } else { "bob" };
        let answer = operator.run(&["reset", user]).await;
        let error = format!(
            "{user}: SES did not accept the email: {code}{permission}; the old password stays \
             valid, and the sweep will retry"
        );
        assert_eq!(answer.error(), error);
    }
}

#[tokio::test]
async fn add_refuses_an_existing_account_before_asking_for_a_password() {
    let operator = Operator::start().await;
    // There is no terminal for a password prompt, but that is checked later.
    let answer = operator.run(&["add", "JDoe", "--id", "42"]).await;
    assert_eq!(answer.error(), "account JDoe already exists");
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
}

#[tokio::test]
async fn add_without_a_password_on_the_input_is_refused() {
    let operator = Operator::start().await;
    let command = ["add", "jroe", "--id", "7", "--password-stdin"];
    let answer = operator.run(&command).await;
    let error = "no password given; nothing was changed";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert!(!operator.has("jroe").await);
}

#[tokio::test]
async fn operator_names_must_be_short_and_visible() {
    let operator = Operator::start().await;
    let long = "x".repeat(65);
    for name in [&long, "a\nb", "\u{202e}a", "\u{200b}"] {
        let answer = operator.run(&["--operator", name, "disable", "jdoe"]).await;
        let error = "--operator: must be one line of at most 64 visible characters";
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(2));
    }
    let name = "é".repeat(64);
    let answer = operator
        .run(&["--operator", &name, "disable", "jdoe"])
        .await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}

#[tokio::test]
async fn audit_rows_have_the_arn_and_the_given_name_of_the_operator() {
    let operator = Operator::start().await;
    let server = sts(ARN).await;
    let sts = [
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIAJO"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    for command in [&["disable", "bob"][..], &["reset", "jdoe"]] {
        let answer = operator.run_with(command, "", &sts).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        let user = command.last().unwrap();
        let rows = operator.sandbox.audit(user).await.unwrap();
        assert_eq!(text(&rows[0], "actor"), ARN);
        assert_eq!(text(&rows[0], "requester"), "operator");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    let is_theirs = |call: &Seen| call.signature.contains("Credential=AKIAJO/");
    assert!(seen.iter().all(is_theirs), "{seen:?}");
}

/// `--endpoint` may point to DynamoDB at AWS.
#[tokio::test]
async fn unverified_operator_names_are_marked() {
    let operator = Operator::start().await;
    operator.run(&["--operator", ARN, "disable", "bob"]).await;
    let rows = operator.sandbox.audit("bob").await.unwrap();
    assert_eq!(text(&rows[0], "actor"), format!("unverified:{ARN}"));
    assert!(!rows[0].contains_key("requester"));
    operator.run(&["enable", "bob"]).await;
    assert!(
        operator
            .audit("bob")
            .await
            .contains(&row("account.enabled"))
    );
}

#[tokio::test]
async fn commands_are_refused_if_sts_does_not_identify_the_operator() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    let expired = "The security token included in the request is expired";
    let refused = refusal("ExpiredToken", expired);
    let server = Query::start(move |_| (StatusCode::FORBIDDEN, refused.clone())).await;
    let sts = [("AWS_ENDPOINT_URL_STS", server.url.as_str())];
    let answer = operator.run_with(&["disable", "jdoe"], "", &sts).await;
    assert!(
        answer.error().starts_with("AWS rejected the credentials "),
        "{answer:?}"
    );
    assert!(answer.error().ends_with("is expired"), "{answer:?}");
    let nowhere = [("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")];
    let answer = operator.run_with(&["disable", "jdoe"], "", &nowhere).await;
    assert!(
        answer.error().starts_with("STS did not answer"),
        "{answer:?}"
    );
    assert_eq!(relays.take_calls().len(), 0);
    assert_eq!(operator.user("jdoe").await.get("disabled"), None);
    let shown = operator
        .run_with(&["show", "jdoe", "--json"], "", &nowhere)
        .await;
    assert_eq!(shown.json()[0]["disabled"], json!(false));
}

/// The audit row names the operator who requested the reset.
#[tokio::test]
async fn a_reset_finished_by_a_sweep_keeps_its_operator() {
    let operator = Operator::start().await;
    let backend = &operator.sandbox.backend;
    let server = sts(ARN).await;
    let sts = [("AWS_ENDPOINT_URL_STS", server.url.as_str())];
    backend.outbox.refuse(Some("SendingPausedException"));
    let answer = operator.run_with(&["reset", "jdoe"], "", &sts).await;
    assert_eq!(answer.exit_code, ExitCode::from(75), "{answer:?}");
    assert_eq!(operator.audit("jdoe").await, []);

    backend.outbox.refuse(None);
    let later = Clock::new(|| Timestamp(NOW + 60));
    let service = Sandbox::at(&later, backend.clone(), &[("RESET_MODE", "dual")]).unwrap();
    let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" }).to_string();
    let function = &service.functions.reset_user_password;
    let summary = lambda::invoke(function, &event, "sweep-1".to_owned()).await;
    assert_eq!(summary.unwrap()["sweep"]["reset"], 1);
    let rows = operator.sandbox.audit("jdoe").await.unwrap();
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(text(row, "event"), "password.reset");
    assert_eq!(text(row, "source"), "sweep");
    assert_eq!(text(row, "actor"), ARN);
    assert_eq!(text(row, "requester"), "operator");
    // A reset by an operator replaces the password in every reset mode of the sweep.
    assert!(!operator.user("jdoe").await.contains_key("temporary"));
}
