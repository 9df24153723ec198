//! Tests of `import`.

use std::process::ExitCode;

use serde_json::json;
use tempfile::TempDir;
use testkit::faults::{Attempts, Failure, Fault, Injection, Proxy};
use testkit::relay::{Action, Relays};

use crate::{Answer, NOW, Operator, number, row, text};

const HASH: &str = "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";

/// Imports a file with this name and content.
pub(crate) async fn import(
    operator: &Operator,
    name: &str,
    content: &str,
    options: &[&str],
) -> Answer {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    let command = ["import", path.to_str().unwrap(), "--yes"];
    operator.run(&[&command, options].concat()).await
}

/// Returns a CSV file with `count` accounts, from `u0` on.
fn accounts(count: u64) -> String {
    let row = |n| format!("u{n},{},u{n}@example.com,{HASH}\n", 1_000 + n);
    let heading = "username,id,email,password_hash\n".to_owned();
    heading + &(0..count).map(row).collect::<String>()
}

/// Adds the columns that an overwrite requires.
pub(crate) fn complete(file: &str) -> String {
    let (heading, rows) = file.split_once('\n').unwrap();
    let required = "username,id,email,display_name,brand,language,roles,disabled";
    let missing = |name: &&str| !heading.split(',').any(|present| present == *name);
    let missing: Vec<_> = required.split(',').filter(missing).collect();
    let heading = format!("{heading},{}\n", missing.join(","));
    let row = |row: &str| row.to_owned() + &",".repeat(missing.len()) + "\n";
    heading + &rows.lines().map(row).collect::<String>()
}

#[tokio::test]
async fn csv_and_json_import_the_same_accounts() {
    let csv = format!(
        "\u{feff}id,username,email,display_name,brand,language,roles,password_hash,disabled\r\n\
         007,ZRoe,Z@example.com,\"Roe, Zoë\",Brand,de-AT,Admin;Support,{HASH},true\r\n"
    );
    let jsonl = json!({
        "username": "ZRoe", "id": 7, "email": "Z@example.com", "display_name": "Roe, Zoë",
        "brand": "Brand", "language": "de-at", "roles": ["Admin", "Support"],
        "password_hash": HASH, "disabled": true,
    });
    let mut items = Vec::new();
    for (name, content) in [("users.csv", csv), ("users.jsonl", format!("\n{jsonl}\n"))] {
        let operator = Operator::start().await;
        let answer = import(&operator, name, &content, &[]).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        assert_eq!(answer.out, "1 written, 0 already present, 0 refused\n");
        items.push(operator.user("zroe").await);
    }
    assert_eq!(items[0], items[1]);
    let item = &items[0];
    assert_eq!(text(item, "display_username"), "ZRoe");
    assert_eq!(number(item, "id"), 7);
    assert_eq!(text(item, "email"), "Z@example.com");
    assert_eq!(text(item, "email_key"), "z@example.com");
    assert_eq!(text(item, "brand"), "brand");
    assert_eq!(text(item, "language"), "de-AT");
    assert_eq!(text(item, "password_hash"), HASH);
    assert_eq!(item["roles"].as_ss().unwrap().len(), 2);
    assert_eq!(item["disabled"].as_bool(), Ok(&true));
    assert_eq!(number(item, "version"), 1);
    assert_eq!(number(item, "imported_at"), NOW);
}

#[tokio::test]
async fn refused_rows_stop_the_import_without_skip_refused() {
    let operator = Operator::start().await;
    let file = format!(
        "username,id,email,password_hash\n\
         good,1,,{HASH}\n\
         \n\
         ,2,,\n\
         bad,x,nowhere,\n\
         \"two\nlines\",4,,\n\
         GOOD,5,,\n\
         other,6,x@example.com,\n\
         another,7,X@example.com,\n\
         few,8\n\
         hash,9,,secret\n\
         open,\"10,,\n\
         \"open\",\"1\"1\",,\n\
         one,2,,\rtwo,3,,\n\
         Bob,12,,\n\
         jane,13,BOB@pumpalarm.com,\n\
         jdoe,42,a@example.com,\n\
         far,9223372036854775808,,\n\
         Brand#Acme,14,,"
    );
    let refused = "line 4: username must be one line of 1 to 256 bytes\n\
                   line 5: email is not an address; id must be a whole number\n\
                   line 6: unclosed quote\n\
                   line 7: unclosed quote\n\
                   line 8: username is already used by an earlier row\n\
                   line 10: email is already used by an earlier row with the same brand\n\
                   line 11: 2 columns, but the header line has 4\n\
                   line 12: password_hash has an unknown format; leave it empty for plain-text \
                   or encrypted passwords, and have the person ask for a reset\n\
                   line 13: unclosed quote\n\
                   line 14: unclosed quote\n\
                   line 15: lines must end in LF or CRLF\n\
                   line 16: username is already used by an account with a different id\n\
                   line 17: email is already used by an existing account of the same brand\n\
                   line 19: id must not exceed 9223372036854775807\n\
                   line 20: username must not begin with brand#\n";
    for (options, end) in [
        (
            &["--dry-run"][..],
            "2 can be written, 1 already present, 15 refused\n",
        ),
        (
            &[],
            "nothing written: 15 of 18 rows refused; correct them, or skip them with --skip-refused \
             (not allowed with --disable-missing)\n",
        ),
    ] {
        // Line numbers match those of an editor, with either line ending.
        let dos = file.replace('\n', "\r\n");
        let answer = import(&operator, "users.csv", &dos, options).await;
        assert_eq!(answer.out, format!("{refused}{end}"));
        let answer = import(&operator, "users.csv", &file, options).await;
        assert_eq!(answer.out, format!("{refused}{end}"));
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        assert!(!operator.has("good").await);
    }
    let answer = import(&operator, "users.csv", &file, &["--skip-refused", "--json"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    let lines = answer.json();
    let reasons = ["username must be one line of 1 to 256 bytes"];
    assert_eq!(lines[0], json!({ "line": 4, "refused": reasons }));
    assert_eq!(
        lines[15],
        json!({ "written": 2, "present": 1, "refused": 15 })
    );
    assert!(operator.has("good").await && operator.has("other").await);
    assert!(!operator.has("hash").await && !operator.has("few").await);
}

/// The first row may be the right one, so the second must not take its place.
#[tokio::test]
async fn rows_that_repeat_a_refused_row_are_refused_too() {
    let operator = Operator::start().await;
    let file = "username,id,email,password_hash\n\
                maria,1,m@example.com,secret\n\
                MARIA,2,,\n\
                anna,3,M@example.com,\n\
                good,4,,\n";
    let answer = import(&operator, "users.csv", file, &["--skip-refused"]).await;
    assert!(
        answer.out.ends_with(
            "line 3: username is already used by an earlier row\n\
             line 4: email is already used by an earlier row with the same brand\n\
             1 written, 0 already present, 3 refused\n"
        ),
        "{answer:?}"
    );
    assert!(!operator.has("maria").await && !operator.has("anna").await);
    assert!(operator.has("good").await);
}

#[tokio::test]
async fn a_dry_run_in_json_counts_valid_rows() {
    let operator = Operator::start().await;
    let file = "\u{feff}{\"username\":\"jdoe\",\"id\":42}\n{\"username\":\"jane\",\"id\":43}\n";
    let options = &["--dry-run", "--json"];
    let answer = import(&operator, "users.jsonl", file, options).await;
    let counts = json!({ "writable": 1, "present": 1, "refused": 0 });
    assert_eq!(answer.json(), [counts]);
    let options = &["--dry-run", "--json", "--overwrite"];
    let file = complete("username,id\njdoe,42\njane,43\n");
    let answer = import(&operator, "users.csv", &file, options).await;
    let preview = json!({
        "new": 1, "changed": 1, "unchanged": 0, "addresses_changed": 1, "passwords_withdrawn": 0,
        "passwords_replaced": 0, "accounts_losing_roles": 0, "roles_lost": [],
    });
    let counts = json!({ "writable": 2, "unchanged": 0, "refused": 0 });
    assert_eq!(answer.json(), [preview, counts]);
    assert!(!operator.has("jane").await);
}

/// The machine has no access to DynamoDB.
#[tokio::test]
async fn a_dry_run_needs_no_table() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    std::fs::write(&path, accounts(3)).unwrap();
    let command = ["import", path.to_str().unwrap()];
    let nowhere = [("USERS_TABLE", "")];
    let dry_run = [&command[..], &["--dry-run"]].concat();
    let answer = operator.run_with(&dry_run, "", &nowhere).await;
    assert_eq!(
        answer.out,
        "3 can be written, 0 already present, 0 refused\n"
    );
    let note = "warning: not compared with existing accounts: ";
    assert!(answer.err.starts_with(note), "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    let answer = operator.run_with(&command, "", &nowhere).await;
    assert!(answer.error().contains("USERS_TABLE"), "{answer:?}");
}

/// The file is long enough for false positives of the filter.
#[tokio::test]
async fn only_repeated_rows_of_a_long_file_are_refused() {
    let operator = Operator::start().await;
    let file = accounts(30_000) + "U7,1,U8@example.com,\n";
    let answer = import(&operator, "users.csv", &file, &["--dry-run"]).await;
    assert_eq!(
        answer.out,
        "line 30002: username is already used by an earlier row; email is already used \
         by an earlier row with the same brand\n30000 can be written, 0 already present, 1 refused\n"
    );
}

#[tokio::test]
async fn refused_json_rows_are_reported_by_line() {
    let operator = Operator::start().await;
    let file = "{\"username\":\"a\",\"id\":1}\n\
                {\"username\":\"b\",\"id\":\n\
                {\"username\":\"c\",\"id\":1,\"password\":\"secret\"}\n\
                {\"username\":{\"secret\":1},\"id\":1}\n\
                {\"username\":[\"d\"],\"id\":1}\n\
                {\"username\":\"e\",\"id\":1,\"username\":\"f\"}\n\
                {\"username\":\"g\"}\n\
                {\"username\":\"h\",\"id\":1,\"roles\":[[\"Admin\"]]}\n\
                [\"i\",1]\n";
    let answer = import(&operator, "users.ndjson", file, &["--dry-run"]).await;
    assert_eq!(
        answer.out,
        "line 2: not a JSON object (error at column 21)\n\
         line 3: unknown member; known: username, id, email, display_name, brand, language, roles, disabled, password_hash\n\
         line 4: username has an unsupported type\n\
         line 5: username has an unsupported type\n\
         line 6: username is repeated\n\
         line 7: id is missing\n\
         line 8: roles has an unsupported type\n\
         line 9: not a JSON object (error at column 0)\n\
         1 can be written, 0 already present, 8 refused\n"
    );
}

#[tokio::test]
async fn a_repeated_import_writes_the_rest_in_few_calls() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    let answer = import(&operator, "users.csv", &accounts(250), &[]).await;
    assert_eq!(answer.out, "250 written, 0 already present, 0 refused\n");
    let dynamodb = &operator.sandbox.backend.clients.dynamodb;
    let users = &operator.sandbox.backend.tables.users;
    // Simulates an interrupted import.
    for n in [130, 220] {
        let username = aws_sdk_dynamodb::types::AttributeValue::S(format!("u{n}"));
        let delete = dynamodb.delete_item().table_name(users);
        delete.key("username", username).send().await.unwrap();
    }
    let before = operator.user("u7").await;
    relays.take_calls();
    let answer = import(&operator, "users.csv", &accounts(260), &[]).await;
    assert_eq!(
        answer.out, "12 written, 248 already present, 0 refused\n",
        "{answer:?}"
    );
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    assert_eq!(operator.user("u7").await, before);
    let calls = relays.take_calls();
    let writes = calls
        .iter()
        .filter(|call| call.operation == "TransactWriteItems" && !call.is_retry);
    // One call per hundred rows, and another one if some of them are new.
    assert_eq!(writes.count(), 5);
}

#[tokio::test]
async fn throttled_writes_are_retried() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    let throttled = std::sync::atomic::AtomicU64::new(0);
    relays.script(move |call| {
        let order = std::sync::atomic::Ordering::Relaxed;
        // Throttles more often than the SDK retries.
        if call.operation == "TransactWriteItems" && throttled.fetch_add(1, order) < 4 {
            Action::refuse(400, "ThrottlingException")
        } else {
            Action::forward()
        }
    });
    let answer = import(&operator, "users.csv", &accounts(3), &[]).await;
    assert_eq!(
        answer.out, "3 written, 0 already present, 0 refused\n",
        "{answer:?}"
    );
    assert!(operator.has("u2").await);
    let calls = relays.take_calls();
    let writes = calls
        .iter()
        .filter(|call| call.operation == "TransactWriteItems");
    assert!(writes.count() >= 5);
}

#[tokio::test]
async fn accounts_count_as_written_if_the_answer_was_lost() {
    let mut operator = Operator::start().await;
    let proxy = Proxy::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = proxy.relays.backend.dynamodb_url.clone();
    // The first call reads the existing accounts.
    let (call, attempts, name) = (1, Attempts::Every, "answer lost");
    let fault = Fault::DroppedAfter;
    let failure = Failure {
        fault,
        attempts,
        name,
    };
    proxy.inject(Some(Injection { call, failure }));
    let answer = import(&operator, "users.csv", &accounts(3), &[]).await;
    assert_eq!(
        answer.out, "3 written, 0 already present, 0 refused\n",
        "{answer:?}"
    );
    assert_eq!(proxy.calls().len(), 3);
}

#[tokio::test]
async fn overwrite_never_changes_an_account_of_another_customer() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    let file =
        format!("username,id,email,password_hash\njdoe,42,new@example.com,\nbob,77,,{HASH}\n");
    let refused = "line 3: username is already used by an account with a different id\n";
    let answer = import(&operator, "users.csv", &file, &["--skip-refused"]).await;
    let counts = "0 written, 1 already present, 1 refused\n";
    assert_eq!(answer.out, format!("{refused}{counts}"));
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert_eq!(operator.user("jdoe").await, before);
    assert_eq!(operator.audit("jdoe").await, []);

    let options = ["--overwrite", "--skip-refused"];
    let answer = import(&operator, "users.csv", &complete(&file), &options).await;
    let counts = "0 new, 1 changed, 0 unchanged\n\
                  addresses changed: 1, mailed passwords withdrawn: 0\n\
                  1 written, 0 unchanged, 1 refused\n";
    assert_eq!(answer.out, format!("{refused}{counts}"));
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    assert_eq!(audit, ["account.email_set", "account.imported"].map(row));
    assert_eq!(operator.audit("bob").await, []);
    let after = operator.user("jdoe").await;
    assert_eq!(text(&after, "email_key"), "new@example.com");
    assert_eq!(after["password_hash"], before["password_hash"]);
    assert_eq!(number(&after, "version"), number(&before, "version") + 1);
    assert_eq!(number(&after, "sessions_valid_after"), NOW);
    assert_eq!(number(&operator.user("bob").await, "id"), 2);
}

/// A missing column would clear its values and enable disabled accounts.
#[tokio::test]
async fn overwrite_requires_all_columns_except_the_password() {
    let operator = Operator::start().await;
    let before = operator.user("jdoe").await;
    let csv = "username,id,email\njdoe,42,new@example.com\n";
    let answer = import(&operator, "users.csv", csv, &["--overwrite"]).await;
    assert!(
        answer
            .error()
            .starts_with("the header line has no column display_name"),
        "{answer:?}"
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
    let jsonl = json!({
        "username": "jdoe", "id": 42, "email": "new@example.com", "display_name": "Jane Doe",
        "brand": null, "language": null, "disabled": false,
    });
    let answer = import(
        &operator,
        "users.jsonl",
        &jsonl.to_string(),
        &["--overwrite"],
    )
    .await;
    assert!(answer.out.starts_with("line 1: roles is missing\n"));
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert_eq!(operator.user("jdoe").await, before);
}

/// Dry runs check this, too. Otherwise the error would appear only when rows are written.
#[tokio::test]
async fn overwrite_requires_an_operator_and_the_audit_table() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    std::fs::write(&path, complete(&accounts(1))).unwrap();
    let command = ["import", path.to_str().unwrap(), "--overwrite"];
    for options in [&[][..], &["--dry-run"]] {
        let command = [&command, options].concat();
        for name in ["AUDIT_TABLE", "USER"] {
            let answer = operator.run_with(&command, "", &[(name, "")]).await;
            assert!(answer.error().contains(name), "{answer:?}");
            assert_eq!(answer.exit_code, ExitCode::from(2));
        }
    }
    assert!(!operator.has("u0").await);
}

/// The write refuses a row if its account was created after the check.
#[tokio::test]
async fn an_account_created_during_the_import_is_not_overwritten() {
    let preview = "0 new, 1 changed, 0 unchanged\n\
                   addresses changed: 1, mailed passwords withdrawn: 0\n";
    for (options, preview, outcome) in [
        (&[][..], "", "0 written, 1 already present, 1 refused\n"),
        (
            &["--overwrite"],
            preview,
            "1 written, 0 unchanged, 1 refused\n",
        ),
    ] {
        let mut operator = Operator::start().await;
        let relays = Relays::start(&operator.sandbox.backend).unwrap();
        operator.dynamodb_url = relays.backend.dynamodb_url.clone();
        relays.script(|call| match call.operation.as_str() {
            "Scan" => Action::answer(200, "", r#"{"Items":[],"Count":0,"ScannedCount":0}"#),
            _ => Action::forward(),
        });
        let file = complete("username,id\njdoe,42\nbob,77\n");
        let answer = import(&operator, "users.csv", &file, options).await;
        let refused = "line 3: username is already used by an account with a different id\n";
        assert_eq!(answer.out, format!("{preview}{refused}{outcome}"));
        assert_eq!(number(&operator.user("bob").await, "id"), 2);
        assert_eq!(operator.audit("bob").await, []);
    }
}

/// The preview is printed before anything is written, and in a dry run.
#[tokio::test]
async fn the_preview_of_an_overwrite_is_limited() {
    let operator = Operator::start().await;
    let heading = "username,id,email,display_name,brand,language,roles,disabled\n";
    let file = |roles: &str| {
        let row = |n| format!("u{n:02},{n},,,,,{roles},\n");
        heading.to_owned() + &(0..25).map(row).collect::<String>() + "same,99,,Same,,,Admin,\n"
    };
    let answer = import(&operator, "users.csv", &file("Admin;Support"), &[]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let named = |n| format!("u{n:02} loses Admin\n");
    let shown = format!(
        "1 new, 25 changed, 1 unchanged\n{}5 more accounts lose roles\n",
        (0..20).map(named).collect::<String>()
    );
    let again = file("Support") + "new,100,,,,,,\n";
    let dry_run = ["--overwrite", "--dry-run"];
    let answer = import(&operator, "users.csv", &again, &dry_run).await;
    let end = "26 can be written, 1 unchanged, 0 refused\n";
    assert_eq!(answer.out, format!("{shown}{end}"));
    assert_eq!(
        operator.user("u00").await["roles"].as_ss().unwrap().len(),
        2
    );
    assert!(!operator.has("new").await);
    let answer = import(&operator, "users.csv", &again, &["--overwrite"]).await;
    let end = "26 written, 1 unchanged, 0 refused\n";
    assert_eq!(answer.out, format!("{shown}{end}"));
}

/// Each row takes an address that another account has until the import.
#[tokio::test]
async fn addresses_may_move_between_accounts_of_a_file() {
    let operator = Operator::start().await;
    let file = "username,id,email\nbob,2,admin@pumpalarm.com\nadmin,1,bob@pumpalarm.com\n";
    let options = ["--overwrite", "--force"];
    let answer = import(&operator, "users.csv", &complete(file), &options).await;
    assert_eq!(
        answer.out,
        "0 new, 2 changed, 0 unchanged\n\
         addresses changed: 2, mailed passwords withdrawn: 0\n\
         admin loses Admin\n2 written, 0 unchanged, 0 refused\n"
    );
    let email = |item| text(&item, "email").to_owned();
    assert_eq!(email(operator.user("bob").await), "admin@pumpalarm.com");
    assert_eq!(email(operator.user("admin").await), "bob@pumpalarm.com");

    // The row of bob is refused, so bob keeps the address.
    let file = "username,id,email\njane,3,admin@pumpalarm.com\nbob,99,b@example.com\n";
    let answer = import(&operator, "users.csv", &complete(file), &["--overwrite"]).await;
    assert_eq!(
        answer.out,
        "line 2: email is already used by an existing account of the same brand\n\
         line 3: username is already used by an account with a different id\n\
         nothing written: 2 of 2 rows refused; correct them, or skip them with --skip-refused (not \
         allowed with --disable-missing)\n"
    );
}

#[tokio::test]
async fn an_overwritten_password_ends_pending_resets() {
    let operator = Operator::start().await;
    operator
        .sandbox
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    operator.run(&["reset", "jdoe"]).await;
    assert!(operator.user("jdoe").await.contains_key("reset"));
    let mark = [("email_failed_at", "1")];
    operator.sandbox.change_user("jdoe", &mark).await.unwrap();
    let file = format!("username,id,password_hash\njdoe,42,{HASH}\n");
    let answer = import(&operator, "users.csv", &complete(&file), &["--overwrite"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let user = operator.user("jdoe").await;
    assert_eq!(text(&user, "password_hash"), HASH);
    for gone in [
        "reset",
        "reset_queue",
        "reset_due_at",
        "email",
        "email_key",
        "email_failed_at",
    ] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    assert_eq!(operator.run(&["pending"]).await.out, "none\n");
}

#[tokio::test]
async fn an_unusable_file_is_a_usage_error() {
    let operator = Operator::start().await;
    for (name, content, error) in [
        (
            "users.txt",
            "",
            "the name of the file ends neither in .csv nor in .jsonl; use --format csv or --format jsonl",
        ),
        (
            "users.csv",
            "username,password,id\n",
            "column 2 of the header line is unknown or repeated; columns are separated by commas; known: ",
        ),
        (
            "users.csv",
            "username,id,id\n",
            "column 3 of the header line is unknown or repeated; columns are separated by commas; known: ",
        ),
        (
            "users.csv",
            "username;id\n",
            "column 1 of the header line is unknown or repeated; columns are separated by commas; known: ",
        ),
        (
            "users.csv",
            "username,email\n",
            "the header line has no column id; known: ",
        ),
        (
            "users.csv",
            "username,\"id\n",
            "header line: unclosed quote",
        ),
        ("users.csv", "", "the file is empty"),
        (
            "users.csv",
            "username,id\rjane,1\r",
            "header line: lines must end in LF or CRLF",
        ),
    ] {
        let answer = import(&operator, name, content, &[]).await;
        assert!(answer.error().starts_with(error), "{answer:?}");
        assert_eq!(answer.exit_code, ExitCode::from(2));
    }
}

#[tokio::test]
async fn an_unreadable_file_is_named_once() {
    let operator = Operator::start().await;
    let answer = operator.run(&["import", "/nowhere/users.csv"]).await;
    assert!(
        answer
            .error()
            .starts_with("/nowhere/users.csv: No such file"),
        "{answer:?}"
    );
    assert_eq!(answer.error().matches("nowhere").count(), 1, "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::from(3));
}

#[tokio::test]
async fn a_pipe_and_utf_16_are_refused_before_anything_is_written() {
    let operator = Operator::start().await;
    let answer = operator
        .run(&["import", "/dev/null", "--format", "csv"])
        .await;
    assert_eq!(
        answer.error(),
        "the file must be a regular file, not a folder or a pipe, because it is read several times"
    );
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    let text: Vec<u8> = "\u{feff}username,id\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&path, text).unwrap();
    let answer = operator.run(&["import", path.to_str().unwrap()]).await;
    assert_eq!(answer.error(), "the file is in UTF-16; save it as UTF-8");
    assert_eq!(answer.exit_code, ExitCode::from(2));
    let latin_1 = b"username,id,display_name\njane,1,Zo\xeb\nmary,2,Mary\n";
    std::fs::write(&path, latin_1).unwrap();
    let answer = operator
        .run(&["import", "--dry-run", path.to_str().unwrap()])
        .await;
    assert!(
        answer.out.starts_with("line 2: not valid UTF-8\n"),
        "{answer:?}"
    );
}

/// The first line is an account if there is no header line.
#[tokio::test]
async fn errors_never_quote_the_file() {
    let operator = Operator::start().await;
    for (name, content) in [
        ("users.csv", format!("jroe,7,roe@example.com,{HASH}\n")),
        ("users.jsonl", format!("{{\"{HASH}\":\"jroe\",\"id\":7}}\n")),
        (
            "users.jsonl",
            format!("{{\"username\":\"jroe\",\"id\":\"{HASH}\"}}\n"),
        ),
    ] {
        let answer = import(&operator, name, &content, &[]).await;
        let shown = format!("{}{}", answer.out, answer.err);
        assert_ne!(answer.exit_code, ExitCode::SUCCESS, "{shown}");
        assert!(
            !shown.contains("aspnet") && !shown.contains("roe"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn changes_of_roles_and_addresses_have_audit_rows() {
    let operator = Operator::start().await;
    let file = |rows: &str| {
        format!("username,id,email,display_name,brand,language,roles,disabled\n{rows}")
    };
    let roe = "roe,7,roe@example.com,,,,Admin;Support,\n";
    let answer = import(&operator, "users.csv", &file(roe), &[]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert_eq!(
        details(&operator, "roe").await,
        ["role.granted Admin; Support"]
    );

    let again = "roe,7,new@example.com,,,,Support;Reader,\nnew,8,,,,,Admin,\n";
    let answer = import(&operator, "users.csv", &file(again), &["--overwrite"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let expected = [
        "account.email_set ",
        "account.imported ",
        "role.granted Admin; Support",
        "role.granted Reader",
        "role.revoked Admin",
    ];
    assert_eq!(details(&operator, "roe").await, expected);
    let expected = ["account.imported ", "role.granted Admin"];
    assert_eq!(details(&operator, "new").await, expected);

    let nobody = [("USER", "")];
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    std::fs::write(&path, file("late,9,,,,,Admin,\n")).unwrap();
    let command = ["import", path.to_str().unwrap()];
    let answer = operator.run_with(&command, "", &nobody).await;
    assert_eq!(answer.exit_code, ExitCode::from(2), "{answer:?}");
    assert!(!operator.has("late").await);
}

/// Returns the events and details of an account's audit rows.
async fn details(operator: &Operator, username: &str) -> Vec<String> {
    let rows = operator.sandbox.audit(username).await.unwrap();
    let detail = |row: &local::Item| row.get("detail").map(|_| text(row, "detail").to_owned());
    let rows = rows.iter();
    let mut rows: Vec<_> = rows
        .map(|row| format!("{} {}", text(row, "event"), detail(row).unwrap_or_default()))
        .collect();
    rows.sort();
    rows
}

/// A transaction holds a hundred writes.
#[tokio::test]
async fn accounts_with_roles_are_split_into_several_transactions() {
    let operator = Operator::start().await;
    let rows: String = (0..120).map(|n| format!("u{n},{n},Admin\n")).collect();
    let file = format!("username,id,roles\n{rows}");
    let answer = import(&operator, "users.csv", &file, &[]).await;
    assert_eq!(
        answer.out, "120 written, 0 already present, 0 refused\n",
        "{answer:?}"
    );
    assert_eq!(details(&operator, "u119").await, ["role.granted Admin"]);
}

#[tokio::test]
async fn an_address_that_is_another_user_name_gives_a_warning() {
    let operator = Operator::start().await;
    let add = ["add", "boss@example.com", "--id", "70", "--no-password"];
    operator.run(&add).await;
    let file = "username,id,email\ncustomer,71,Boss@example.com\na@example.com,72,\nother,73,\n";
    let answer = import(&operator, "users.csv", file, &[]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let warned: Vec<_> = answer
        .err
        .lines()
        .filter_map(|line| line.split(": warning").next())
        .collect();
    assert_eq!(warned, ["line 2", "line 3"], "{answer:?}");

    let clash = [
        "add",
        "more",
        "--id",
        "74",
        "--email",
        "boss@example.com",
        "--brand",
        "x",
        "--no-password",
    ];
    let answer = operator.run(&clash).await;
    assert!(
        answer.err.contains("is the user name of another account"),
        "{answer:?}"
    );
    let clash = ["add", "bob@pumpalarm.com", "--id", "75", "--no-password"];
    let answer = operator.run(&clash).await;
    assert!(
        answer.err.contains("is the address of another account"),
        "{answer:?}"
    );
}
