//! Tests of `set`, `delete` and `end-sessions`.

use std::process::ExitCode;

use serde_json::json;
use shared::dynamodb;
use testkit::relay::{Action, Relays};

use crate::{NOW, Operator, number, row, text};

#[tokio::test]
async fn set_changes_only_the_given_values() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    let line = [
        "set",
        "JDoe",
        "--id",
        "43",
        "--name",
        " Jane Roe ",
        "--brand",
        "Acme",
        "--language",
        "DE-at",
    ];
    let answer = operator.run(&line).await;
    assert_eq!(
        answer.out,
        "jdoe: id set to 43; name set to Jane Roe; brand set to Acme; language set to de-AT; \
         warning: brand acme has no row; its emails use the values of the default brand\n",
        "{answer:?}"
    );
    let mut expected = before.clone();
    expected.insert("id".to_owned(), dynamodb::number(43));
    expected.insert("display_name".to_owned(), dynamodb::text("Jane Roe"));
    expected.insert("brand".to_owned(), dynamodb::text("acme"));
    expected.insert("language".to_owned(), dynamodb::text("de-AT"));
    assert_eq!(operator.user("jdoe").await, expected);
    let rows = operator.run(&["audit", "jdoe", "--json"]).await.json();
    assert_eq!(rows[0]["event"], "account.changed");
    assert_eq!(rows[0]["detail"], "id, name, brand, language");

    // The second time, nothing changes and no audit row is written.
    let answer = operator.run(&line).await;
    assert_eq!(answer.out, "jdoe: nothing to change\n", "{answer:?}");
    let line = ["set", "jdoe", "--unset", "language", "--unset", "brand"];
    let answer = operator.run(&line).await;
    assert_eq!(answer.out, "jdoe: brand removed; language removed\n");
    expected.remove("language");
    expected.insert("brand".to_owned(), dynamodb::text("-"));
    assert_eq!(operator.user("jdoe").await, expected);
    let event = row("account.changed");
    assert_eq!(operator.audit("jdoe").await, [event.clone(), event]);
}

#[tokio::test]
async fn accounts_without_an_address_cannot_be_reset() {
    let operator = Operator::start().await;
    operator.run(&["reset", "bob"]).await;
    let answer = operator
        .run(&["set", "bob", "--unset", "email", "--id", "3"])
        .await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert!(
        answer
            .out
            .starts_with("bob: id set to 3; address removed, "),
        "{answer:?}"
    );
    let user = operator.user("bob").await;
    for gone in [
        "email",
        "email_key",
        "password_hash",
        "must_change_password",
    ] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    assert_eq!(
        (number(&user, "id"), number(&user, "sessions_valid_after")),
        (3, NOW)
    );
    let mut audit = operator.audit("bob").await;
    audit.sort();
    let events = [
        "account.changed",
        "account.email_set",
        "password.reset",
        "password.temporary_withdrawn",
    ];
    assert_eq!(audit, events.map(row));
    let told = operator.sandbox.backend.outbox.mails();
    assert_eq!(told.last().unwrap().to, ["bob@pumpalarm.com"]);
    assert_eq!(
        told.last().unwrap().subject,
        "Your e-mail address was changed"
    );
    // Refused before the rate limit counts it.
    let answer = operator.run(&["reset", "bob"]).await;
    assert_eq!(answer.error(), "bob: account has no address");
}

#[tokio::test]
async fn set_refuses_invalid_values() {
    let operator = Operator::start().await;
    let before = operator.user("bob").await;
    let long = "x".repeat(257);
    operator.run(&["set", "jdoe", "--unset", "brand"]).await;
    for (options, exit_code, error) in [
        (
            &["--name", &long][..],
            2,
            "display_name must be one line of at most 256 bytes",
        ),
        (
            &["--brand", "a\nb"],
            2,
            "brand must be one line of at most 256 bytes",
        ),
        (
            &["--language", "german!"],
            2,
            "language must be a BCP 47 tag such as de or de-AT",
        ),
        (
            &["--email", " "],
            2,
            "email is empty; use --unset email to remove it",
        ),
        (
            &["--brand", "x", "--unset", "brand"],
            2,
            "brand cannot be set and unset at once",
        ),
        (
            &["--email", "A@example.com"],
            1,
            "the address already belongs to jdoe in the same brand",
        ),
    ] {
        let answer = operator.run(&[&["set", "bob"], options].concat()).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(exit_code));
    }
    // The same address in another brand, then in the same brand.
    let answer = operator.run(&["set", "jdoe", "--brand", "acme"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let answer = operator
        .run(&["set", "bob", "--email", "a@example.com"])
        .await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let answer = operator.run(&["set", "bob", "--brand", "acme"]).await;
    let error = "the address already belongs to jdoe in the same brand";
    assert_eq!(answer.error(), error);
    assert_eq!(
        text(&operator.user("bob").await, "brand"),
        text(&before, "brand")
    );
}

/// The read returns an older version of the account.
#[tokio::test]
async fn a_concurrent_change_is_not_overwritten() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => {
            let item = json!({
                "username": { "S": "jdoe" }, "id": { "N": "42" }, "brand": { "S": "older" },
                "display_username": { "S": "jdoe" }, "display_name": { "S": "Jane Doe" },
            });
            Action::answer(200, "", &json!({ "Item": item }).to_string())
        }
        _ => Action::forward(),
    });
    let answer = operator.run(&["set", "jdoe", "--brand", "acme"]).await;
    assert_eq!(answer.exit_code, ExitCode::from(75), "{answer:?}");
    relays.script(|_| Action::forward());
    assert_eq!(text(&operator.user("jdoe").await, "brand"), "brand");
    assert_eq!(operator.audit("jdoe").await, []);
}

#[tokio::test]
async fn delete_keeps_the_audit_rows() {
    let operator = Operator::start().await;
    operator.run(&["disable", "jdoe"]).await;
    let answer = operator.run(&["delete", "jdoe"]).await;
    let error = "cannot ask for confirmation without a terminal; use --yes";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(2));
    assert!(operator.has("jdoe").await);

    let answer = operator.run(&["delete", "jdoe", "--yes"]).await;
    assert_eq!(
        answer.out,
        "jdoe: deleted; 2 audit rows are kept, each for 400 days after its event\n"
    );
    assert!(!operator.has("jdoe").await);
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    assert_eq!(audit, ["account.deleted", "account.disabled"].map(row));
    let answer = operator.run(&["delete", "jdoe", "--yes"]).await;
    assert_eq!(answer.exit_code, ExitCode::from(3));
    let answer = operator.run(&["delete", "bob", "--yes", "--json"]).await;
    let expected = json!({ "username": "bob", "changed": true, "event": "account.deleted" });
    assert_eq!(answer.json(), [expected]);
}

#[tokio::test]
async fn the_last_admin_cannot_be_deleted() {
    let operator = Operator::start().await;
    let answer = operator.run(&["delete", "admin", "--yes"]).await;
    let error = "admin is the last account with the role Admin that can log in; use --force to \
                 continue anyway";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert!(operator.has("admin").await);
    let answer = operator.run(&["delete", "admin", "--yes", "--force"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert!(!operator.has("admin").await);
    let rows = operator.sandbox.audit("admin").await.unwrap();
    let detail = |event| rows.iter().find(|row| text(row, "event") == event);
    assert_eq!(rows.len(), 2);
    assert_eq!(text(detail("role.revoked").unwrap(), "detail"), "Admin");
    assert!(detail("account.deleted").is_some());
}

/// A role granted during the prompt would be lost without an audit row.
#[tokio::test]
async fn an_account_whose_roles_change_during_the_prompt_is_not_deleted() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => {
            let roles = json!({ "SS": ["Support"] });
            let item = json!({ "username": { "S": "jdoe" }, "id": { "N": "42" }, "roles": roles });
            Action::answer(200, "", &json!({ "Item": item }).to_string())
        }
        _ => Action::forward(),
    });
    let answer = operator.run(&["delete", "jdoe", "--yes"]).await;
    assert_eq!(answer.exit_code, ExitCode::from(75), "{answer:?}");
    relays.script(|_| Action::forward());
    assert!(operator.has("jdoe").await);
    assert_eq!(operator.audit("jdoe").await, []);
}

#[tokio::test]
async fn delete_without_confirmation_is_refused() {
    let operator = Operator::start().await;
    for input in ["no\n", ""] {
        let answer = operator.run_asked(&["delete", "jdoe"], input).await;
        let question = "Delete jdoe (customer 42)? This cannot be undone. Type 'yes' to confirm: ";
        let error = format!("{question}error: not confirmed; jdoe was not deleted\n");
        assert_eq!(answer.err, error);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        assert!(operator.has("jdoe").await);
    }
}

/// Removing the address withdraws the mailed password, and no reset could replace it.
#[tokio::test]
async fn the_last_admin_cannot_lose_both_address_and_password() {
    let operator = Operator::start().await;
    operator
        .run(&["set", "bob", "--email", "bob@example.com"])
        .await;
    operator.run(&["reset", "admin"]).await;
    let line = ["set", "admin", "--unset", "email"];
    let answer = operator.run(&line).await;
    let error = "admin is the last account with the role Admin that can log in; use --force to \
                 continue anyway";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert!(operator.user("admin").await.contains_key("email"));
    let answer = operator.run(&[&line[..], &["--force"]].concat()).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}

/// Another customer gets the user name during the prompt.
#[tokio::test]
async fn an_account_replaced_during_the_prompt_is_not_deleted() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => {
            let item = json!({ "username": { "S": "jdoe" }, "id": { "N": "41" } });
            Action::answer(200, "", &json!({ "Item": item }).to_string())
        }
        _ => Action::forward(),
    });
    let answer = operator.run(&["delete", "jdoe", "--yes"]).await;
    assert_eq!(answer.exit_code, ExitCode::from(75), "{answer:?}");
    relays.script(|_| Action::forward());
    assert!(operator.has("jdoe").await);
    assert_eq!(operator.audit("jdoe").await, []);
}

#[tokio::test]
async fn end_sessions_changes_nothing_else() {
    let operator = Operator::start().await;
    let mut expected = operator.user("jdoe").await;
    let answer = operator.run(&["end-sessions", "JDoe"]).await;
    assert_eq!(answer.out, "jdoe: all sessions ended\n");
    expected.insert("sessions_valid_after".to_owned(), dynamodb::number(NOW));
    expected.insert("version".to_owned(), dynamodb::number(2));
    assert_eq!(operator.user("jdoe").await, expected);
    assert_eq!(
        operator.audit("jdoe").await,
        [row("account.sessions_ended")]
    );
}
