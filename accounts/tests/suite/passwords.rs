//! Tests of `set-password`, `expire` and `reset --from`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use accounts::Arguments;
use aws_sdk_dynamodb::types::AttributeValue;
use clap::Parser as _;
use password::{Cost, Hasher, Secret, Verification};
use serde_json::json;
use tempfile::TempDir;

use crate::{Answer, NO_LIMITS, NOW, Operator, PASSWORD, number, row, text};

const OLD_HASH: &str =
    "$aspnet-membership-sha1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

async fn set_password(operator: &Operator, username: &str, password: &str) -> Answer {
    let line = ["set-password", username, "--password-stdin"];
    operator
        .run_with(&line, &format!("{password}\n"), &[])
        .await
}

#[tokio::test]
async fn set_password_replaces_all_other_passwords() {
    let operator = Operator::start().await;
    operator.run(&["reset", "jdoe"]).await;
    let answer = set_password(&operator, "JDoe", PASSWORD).await;
    assert_eq!(answer.out, "jdoe: password set\n", "{answer:?}");
    let user = operator.user("jdoe").await;
    let stored = Secret::from(text(&user, "password_hash"));
    let verification = Hasher::new(Cost::DEFAULT).verify(&Secret::from(PASSWORD), &stored);
    let needs_rehash = false;
    assert_eq!(verification, Ok(Verification::Valid { needs_rehash }));
    for gone in ["must_change_password", "password_expires_at", "temporary"] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    for name in ["sessions_valid_after", "password_changed_at"] {
        assert_eq!(number(&user, name), NOW);
    }
    assert_eq!(number(&user, "version"), 3);
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    assert_eq!(audit, ["password.reset", "password.set"].map(row));

    // UpdateUserRegistrationPassword cannot find an account without an address.
    operator.run(&["set", "bob", "--unset", "email"]).await;
    operator.run(&["disable", "bob"]).await;
    let answer = set_password(&operator, "bob", PASSWORD).await;
    assert_eq!(
        answer.out,
        "bob: password set; the account stays disabled\n"
    );
}

#[tokio::test]
async fn passwords_that_break_the_rules_are_refused() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    for (password, error) in [
        ("short", "the password must have 8 to 128 characters"),
        (
            "        ",
            "the password must have at least one visible character",
        ),
        (
            "Password1",
            "the password is one of the most common passwords",
        ),
        (
            "a@example.com",
            "the password is the email address, the part of it before the @, the user name, the display name, the \
             brand or the product name",
        ),
    ] {
        let answer = set_password(&operator, "jdoe", password).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
    }
    let answer = operator.run(&["set-password", "jdoe"]).await;
    let error = "cannot ask for the password without a terminal; use --password-stdin";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(2));
    assert_eq!(operator.user("jdoe").await, before);
    let answer = set_password(&operator, "nobody", PASSWORD).await;
    assert_eq!(answer.exit_code, ExitCode::from(3));
}

/// Stores an account with this hash and import time.
async fn import(operator: &Operator, username: &str, at: u64, hash: &str) {
    let line = ["add", username, "--id", "7", "--no-password"];
    operator.run(&line).await;
    let mut item = operator.user(username).await;
    let at = AttributeValue::N(at.to_string());
    item.insert("imported_at".to_owned(), at);
    let hash = AttributeValue::S(hash.to_owned());
    item.insert("password_hash".to_owned(), hash);
    operator.sandbox.put_user(item).await.unwrap();
}

#[tokio::test]
async fn imported_passwords_expire_by_import_date() {
    let operator = Operator::start().await;
    let new_hash = text(&operator.user("jdoe").await, "password_hash").to_owned();
    // The last second of 2025, and the first one of 2026.
    import(&operator, "early", 1_767_225_599, OLD_HASH).await;
    import(&operator, "late", 1_767_225_600, OLD_HASH).await;
    import(&operator, "back", 1_767_225_599, &new_hash).await;
    let line = ["expire", "--imported-before", "2026-01-01"];
    let left_out = "warning: skipped because they have no address for a reset: early; use \
                    --force to expire them anyway\n";
    let answer = operator.run(&line).await;
    assert_eq!(answer.err, left_out);
    assert_eq!(
        answer.out,
        "0 expired, 0 skipped because they changed in the meantime\n"
    );
    let answer = operator.run(&["expire", "early"]).await;
    let error = "early has no address for a reset; use --force to expire the password anyway";
    assert_eq!(answer.error(), error);
    assert!(operator.user("early").await.contains_key("password_hash"));
    let line = [&line[..], &["--force"]].concat();
    let plan = operator
        .run(&[&line[..], &["--dry-run", "--json"]].concat())
        .await;
    assert_eq!(
        plan.json(),
        [json!({
            "username": "early",
            "email": null,
            "imported_at": "2025-12-31T23:59:59Z",
            "password": "aspnet-membership-sha1",
        })]
    );
    assert!(operator.user("early").await.contains_key("password_hash"));
    let answer = operator.run(&line).await;
    assert_eq!(
        answer.out,
        "1 expired, 0 skipped because they changed in the meantime\n"
    );
    let early = operator.user("early").await;
    assert!(!early.contains_key("password_hash"));
    assert_eq!(number(&early, "sessions_valid_after"), NOW);
    for kept in ["late", "back", "jdoe"] {
        assert!(
            operator.user(kept).await.contains_key("password_hash"),
            "{kept}"
        );
    }
    let mut audit = operator.audit("early").await;
    audit.sort();
    assert_eq!(audit, ["account.added", "password.expired"].map(row));
    let answer = operator.run(&[&line[..], &["--json"]].concat()).await;
    assert_eq!(answer.json(), [json!({ "expired": 0, "skipped": 0 })]);
}

#[tokio::test]
async fn expire_keeps_the_mailed_password_valid() {
    let operator = Operator::start().await;
    let dual = [("RESET_MODE", "dual")];
    let mut failed = operator.user("bob").await;
    let at = AttributeValue::N("1".to_owned());
    failed.insert("email_failed_at".to_owned(), at);
    operator.sandbox.put_user(failed).await.unwrap();
    operator.run_with(&["reset", "bob"], "", &dual).await;
    let answer = operator.run(&["expire", "bob"]).await;
    assert_eq!(
        answer.out,
        "bob: password expired; the account needs a reset\n"
    );
    let user = operator.user("bob").await;
    assert!(!user.contains_key("password_hash") && user.contains_key("temporary"));
    let answer = operator.run(&["expire", "bob", "--json"]).await;
    let expected = json!({ "username": "bob", "changed": false, "event": null });
    assert_eq!(answer.json(), [expected]);
    for line in [
        &["expire"][..],
        &["expire", "bob", "--imported-before", "2026-01-01"],
    ] {
        let line = ["accounts"].iter().chain(line);
        assert!(Arguments::try_parse_from(line).is_err());
    }
}

/// Writes user names to a file and returns its path.
fn file(directory: &TempDir, names: &str) -> String {
    let path = directory.path().join("names");
    std::fs::write(&path, names).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn reset_from_a_file_keeps_a_steady_rate() {
    let operator = Operator::start().await;
    operator.run(&["set", "admin", "--unset", "email"]).await;
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "jdoe\n\nnobody\r\n admin\nbob\n");
    let plan = operator.run(&["reset", "--from", &path, "--dry-run"]).await;
    let unknown =
        "line 3: account nobody not found; use `accounts find` to search by part of a name";
    let expected =
        format!("{unknown}\nline 4: admin: account has no address\n2 can be reset, 2 refused\n");
    assert_eq!(plan.out, expected, "{plan:?}");
    assert_eq!(plan.exit_code, ExitCode::FAILURE);
    let outbox = &operator.sandbox.backend.outbox;
    let mailed = outbox.mails().len();

    let began = Instant::now();
    let line = ["reset", "--from", &path, "--per-minute", "240"];
    let answer = operator.run_with(&line, "", &NO_LIMITS).await;
    // Three pauses of 250 ms.
    assert!(began.elapsed() >= Duration::from_millis(750));
    let expected =
        format!("{unknown}\nline 4: admin: account has no address\n2 reset, 2 refused\n");
    assert_eq!(answer.out, expected, "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    let mails = outbox.mails().split_off(mailed);
    let mut to: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort();
    assert_eq!(to, ["a@example.com", "bob@pumpalarm.com"]);

    let line = [&line[..], &["--from-line", "5", "--json"]].concat();
    let answer = operator.run_with(&line, "", &NO_LIMITS).await;
    let rows = answer.json();
    assert_eq!(
        rows[0],
        json!({ "line": 5, "username": "bob", "refused": null, "note": null })
    );
    assert_eq!(
        rows[1],
        json!({ "reset": 1, "old_password_stays": 0, "refused": 0 })
    );
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
}

#[tokio::test]
async fn reset_reports_old_passwords_that_stay_valid() {
    let operator = Operator::start().await;
    let mut bob = operator.sandbox.user("bob").await.unwrap();
    bob.insert(
        "email_failed_at".to_owned(),
        AttributeValue::N("1".to_owned()),
    );
    operator.sandbox.put_user(bob).await.unwrap();
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "\u{feff}jdoe\nbob\n");
    let note = "mail to this address failed on 1970-01-01T00:00:01Z, so the old password and \
                sessions stay valid until the new password is used; ";
    let line = ["reset", "--from", &path, "--per-minute", "600"];
    for (options, word) in [(&["--dry-run"][..], "can be reset"), (&[], "reset")] {
        let line = [&line[..], options].concat();
        let answer = operator.run_with(&line, "", &NO_LIMITS).await;
        assert!(
            answer.out.starts_with(&format!("line 2: bob: {note}")),
            "{answer:?}"
        );
        let summary = format!(
            "2 {word} (for 1 of them, the old password stays valid until the new one is used), 0 refused\n"
        );
        assert!(answer.out.ends_with(&summary), "{answer:?}");
        assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    }
    let many = [&line[..], &["--json"]].concat();
    for line in [&many[..], &["reset", "bob", "--json"]] {
        let answer = operator.run_with(line, "", &NO_LIMITS).await;
        let rows = answer.json();
        let bob = rows.iter().find(|row| row["username"] == "bob").unwrap();
        assert!(bob["note"].as_str().unwrap().starts_with(note), "{bob}");
    }
}

/// The file repeats accounts, and a later run starts at line 3.
#[tokio::test]
async fn repeated_lines_of_a_reset_file_are_skipped() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "jdoe\nbob\nBOB\nJDoe\nadmin\n");
    let line = ["reset", "--from", &path, "--per-minute", "6000"];
    let repeated = "warning: line 3 skipped because it repeats line 2\nwarning: line 4 skipped because it repeats line 1\n";
    for (options, out) in [
        (&["--dry-run"][..], "3 can be reset, 0 refused\n"),
        (&[], "3 reset, 0 refused\n"),
        (&["--from-line", "3"], "1 reset, 0 refused\n"),
    ] {
        let line = [&line[..], options].concat();
        let answer = operator.run_with(&line, "", &NO_LIMITS).await;
        assert_eq!((answer.out.as_str(), answer.err.as_str()), (out, repeated));
        assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    }
    let latin_1 = directory.path().join("latin-1");
    std::fs::write(&latin_1, b"Zo\xeb\n").unwrap();
    let line = ["reset", "--from", latin_1.to_str().unwrap()];
    let answer = operator.run(&line).await;
    let error = format!("{}: not valid UTF-8", latin_1.display());
    assert_eq!(answer.error(), error);
}

#[tokio::test]
async fn set_password_notifies_the_customer_if_configured() {
    let operator = Operator::start().await;
    let line = ["set-password", "jdoe", "--password-stdin"];
    let input = format!("{PASSWORD}\n");
    let outbox = &operator.sandbox.backend.outbox;
    operator.run_with(&line, &input, &[]).await;
    let asked = [("NOTIFY_PASSWORD_SET", "asked")];
    operator.run_with(&line, &input, &asked).await;
    assert!(outbox.mails().is_empty());

    let always = [("NOTIFY_PASSWORD_SET", "always"), ("MAIL_FROM", "")];
    let before = operator.user("jdoe").await;
    let answer = operator.run_with(&line, &input, &always).await;
    let error = "cannot notify the customer: MAIL_FROM is not set";
    assert_eq!(answer.error(), error);
    assert_eq!(operator.user("jdoe").await, before);
    let answer = operator.run_with(&line, &input, &always[..1]).await;
    assert_eq!(answer.out, "jdoe: password set\n", "{answer:?}");
    let mails = outbox.mails();
    let [mail] = mails.as_slice() else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.to, ["a@example.com"]);
    assert_eq!(mail.subject, "Login Updated");
    assert!(mail.password().is_none() && !mail.text.contains(PASSWORD));

    outbox.refuse(Some("MessageRejected"));
    let line = [&line[..], &["--json"]].concat();
    let answer = operator.run_with(&line, &input, &always[..1]).await;
    let note = answer.json()[0]["note"].as_str().unwrap().to_owned();
    assert!(
        note.starts_with("the customer was not notified: "),
        "{note}"
    );
    let wrong = [("NOTIFY_PASSWORD_SET", "never")];
    let answer = operator.run_with(&line[..3], &input, &wrong).await;
    assert_eq!(
        answer.error(),
        "NOTIFY_PASSWORD_SET: must be `asked` or `always`"
    );
}

/// clap drops a requirement that conflicts with another argument, so these are declared as
/// conflicts.
#[test]
fn options_for_many_accounts_are_refused_for_a_single_one() {
    for line in [
        &["expire", "jdoe", "--dry-run"][..],
        &["reset", "jdoe", "--dry-run"],
        &["reset", "jdoe", "--per-minute", "10"],
        &["reset", "jdoe", "--from-line", "2"],
    ] {
        let line = ["accounts"].iter().chain(line);
        assert!(Arguments::try_parse_from(line).is_err());
    }
}

#[tokio::test]
async fn reset_from_a_file_cannot_exceed_the_rate_limit() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "jdoe\n");
    let line = ["reset", "--from", &path, "--per-minute", "61"];
    let answer = operator.run(&line).await;
    let error = "--per-minute 61 exceeds SOURCE_PER_MINUTE, which is 60";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(2));
    assert!(operator.sandbox.backend.outbox.mails().is_empty());
    let nowhere = operator.run(&["reset", "--from", "/nowhere/names"]).await;
    assert_eq!(nowhere.exit_code, ExitCode::from(3));
}
