//! Tests of `import --overwrite`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use shared::dynamodb;
use tempfile::TempDir;
use testkit::relay::{Action, Relays};

use crate::import::{complete, import};
use crate::{NOW, Operator, number, row, text};

const HASH: &str = "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";
const HEADING: &str =
    "username,id,email,display_name,brand,language,roles,disabled,password_hash\n";
/// A row that equals `jdoe` in the table.
const JDOE: &str = "jdoe,42,a@example.com,Jane Doe,Brand,,,,\n";

fn file(rows: &str) -> String {
    format!("{HEADING}{rows}")
}

fn jdoe_with(email: &str, hash: &str) -> String {
    file(&format!("jdoe,42,{email},Jane Doe,Brand,,,,{hash}\n"))
}

async fn mail_failed(operator: &Operator, username: &str) {
    let mut item = operator.user(username).await;
    item.insert("email_failed_at".to_owned(), dynamodb::number(1));
    operator.sandbox.put_user(item).await.unwrap();
}

#[tokio::test]
async fn unchanged_rows_are_not_written() {
    let operator = Operator::start().await;
    let rows = format!("{JDOE}roe,7,roe@example.com,,,,Support;Admin,true,{HASH}\n");
    import(&operator, "users.csv", &file(&rows), &[]).await;
    mail_failed(&operator, "jdoe").await;
    let before = (operator.user("jdoe").await, operator.user("roe").await);
    let answer = import(&operator, "users.csv", &file(&rows), &["--overwrite"]).await;
    assert_eq!(
        answer.out,
        "0 new, 0 changed, 2 unchanged\n0 written, 2 unchanged, 0 refused\n"
    );
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    let after = (operator.user("jdoe").await, operator.user("roe").await);
    assert_eq!(after, before);
    assert_eq!(operator.audit("jdoe").await, []);
    assert_eq!(operator.audit("roe").await, [row("role.granted")]);

    let changed = rows.replace("Jane", "Joan");
    let options = ["--overwrite", "--json"];
    let answer = import(&operator, "users.csv", &file(&changed), &options).await;
    let counts = json!({ "written": 1, "unchanged": 1, "refused": 0 });
    assert_eq!(answer.json()[1], counts);
    let jdoe = operator.user("jdoe").await;
    assert_eq!(text(&jdoe, "display_name"), "Joan Doe");
    assert_eq!(number(&jdoe, "sessions_valid_after"), NOW);
    // The address did not change.
    assert_eq!(number(&jdoe, "email_failed_at"), 1);
    assert_eq!(operator.audit("jdoe").await, [row("account.imported")]);
}

/// Each login replaces an imported hash, so the same file takes away what people use now.
#[tokio::test]
async fn a_dry_run_counts_the_password_hashes_that_the_file_replaces() {
    let operator = Operator::start().await;
    let rows = format!("{JDOE}roe,7,,,,,,,{HASH}\nlee,8,,,,,,,{HASH}\nkim,9,,,,,,,\n");
    import(&operator, "users.csv", &file(&rows), &[]).await;
    for user in ["roe", "kim"] {
        let command = ["set-password", user, "--password-stdin"];
        operator.run_with(&command, "lamp-Sodium-4417\n", &[]).await;
    }
    let dry_run = ["--overwrite", "--dry-run"];
    let answer = import(&operator, "users.csv", &file(&rows), &dry_run).await;
    assert_eq!(
        answer.out,
        "0 new, 1 changed, 3 unchanged\n\
         passwords replaced by those in the file: 1\n\
         1 can be written, 3 unchanged, 0 refused\n"
    );
    let dry_run = ["--overwrite", "--dry-run", "--json"];
    let answer = import(&operator, "users.csv", &file(&rows), &dry_run).await;
    assert_eq!(answer.json()[0]["passwords_replaced"], 1);
}

#[tokio::test]
async fn overwriting_an_address_withdraws_mailed_passwords() {
    let operator = Operator::start().await;
    operator.run(&["reset", "jdoe"]).await;
    let answer = import(
        &operator,
        "users.csv",
        &jdoe_with("new@example.com", ""),
        &["--overwrite"],
    )
    .await;
    assert_eq!(
        answer.out,
        "0 new, 1 changed, 0 unchanged\n\
         addresses changed: 1, mailed passwords withdrawn: 1\n\
         1 written, 0 unchanged, 0 refused\n"
    );
    let user = operator.user("jdoe").await;
    for gone in [
        "password_hash",
        "must_change_password",
        "password_expires_at",
    ] {
        assert!(!user.contains_key(gone), "{gone}");
    }
    assert_eq!(text(&user, "email"), "new@example.com");
    assert_eq!(number(&user, "sessions_valid_after"), NOW);
    let mut audit = operator.audit("jdoe").await;
    audit.sort();
    let expected = [
        "account.email_set",
        "account.imported",
        "password.reset",
        "password.temporary_withdrawn",
    ];
    assert_eq!(audit, expected.map(row));
}

#[tokio::test]
async fn overwriting_an_address_ends_temporary_passwords_and_resets() {
    let operator = Operator::start().await;
    mail_failed(&operator, "jdoe").await;
    operator.run(&["reset", "jdoe"]).await;
    assert!(operator.user("jdoe").await.contains_key("temporary"));
    let outbox = &operator.sandbox.backend.outbox;
    outbox.refuse(Some("MessageRejected"));
    operator.run(&["reset", "bob"]).await;
    let hashes = async |username| operator.user(username).await.get("password_hash").cloned();
    let before = (hashes("jdoe").await, hashes("bob").await);
    let rows = "jdoe,42,new@example.com,Jane Doe,Brand,,,,\nbob,2,,Bob,,,,,\n";
    let answer = import(&operator, "users.csv", &file(rows), &["--overwrite"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert_eq!((hashes("jdoe").await, hashes("bob").await), before);
    assert!(!operator.user("jdoe").await.contains_key("temporary"));
    assert_eq!(operator.run(&["pending"]).await.out, "none\n");
    for (username, event) in [
        ("jdoe", "password.temporary_withdrawn"),
        ("bob", "password.reset_abandoned"),
    ] {
        let audit = operator.audit(username).await;
        assert!(audit.contains(&row(event)), "{username}: {audit:?}");
    }
}

/// The imported hash is not the password mailed to the old address.
#[tokio::test]
async fn an_imported_hash_is_kept_when_the_address_changes() {
    let operator = Operator::start().await;
    operator.run(&["reset", "jdoe"]).await;
    let moved = jdoe_with("new@example.com", HASH);
    let answer = import(&operator, "users.csv", &moved, &["--overwrite"]).await;
    assert!(
        answer
            .out
            .contains("addresses changed: 1, mailed passwords withdrawn: 0"),
        "{answer:?}"
    );
    let user = operator.user("jdoe").await;
    assert_eq!(text(&user, "password_hash"), HASH);
    assert!(!user.contains_key("must_change_password"));
}

/// Returns an answer of `BatchGetItem` with `jdoe` before someone else's change.
fn stale(users: &str) -> String {
    let item: Value = json!({
        "username": { "S": "jdoe" }, "display_username": { "S": "jdoe" }, "id": { "N": "42" },
        "email": { "S": "old@example.com" }, "email_key": { "S": "old@example.com" },
        "display_name": { "S": "Jane Doe" }, "brand": { "S": "brand" },
    });
    json!({ "Responses": { users: [item] } }).to_string()
}

/// A change between preview and write is detected.
#[tokio::test]
async fn only_previewed_changes_are_written() {
    // The first read is for the preview, the second one for the write.
    for looks in [1, 2] {
        let mut operator = Operator::start().await;
        let before = operator.user("jdoe").await;
        let relays = Relays::start(&operator.sandbox.backend).unwrap();
        operator.dynamodb_url = relays.backend.dynamodb_url.clone();
        let answer = stale(&operator.sandbox.backend.tables.users);
        let reads = AtomicU64::new(0);
        relays.script(move |call| {
            let is_read = call.operation == "BatchGetItem";
            if is_read && reads.fetch_add(1, Ordering::Relaxed) < looks {
                Action::answer(200, "", &answer)
            } else {
                Action::forward()
            }
        });
        let rows = format!("{}new,8,,,,,,,\n", jdoe_with("new@example.com", HASH));
        let answer = import(&operator, "users.csv", &rows, &["--overwrite"]).await;
        let end = "line 2: account changed by someone else in the meantime; run the import again\n\
                   1 written, 0 unchanged, 1 refused\n";
        assert!(answer.out.ends_with(end), "{looks}: {answer:?}");
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        relays.script(|_| Action::forward());
        assert_eq!(operator.user("jdoe").await, before);
        assert_eq!(operator.audit("jdoe").await, []);
        assert!(operator.has("new").await);
    }
}

#[tokio::test]
async fn changes_of_existing_accounts_need_confirmation() {
    let operator = Operator::start().await;
    let gone = "gone,9,gone@example.com\n";
    let first = format!("username,id,email\n{gone}");
    import(&operator, "users.csv", &first, &[]).await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    std::fs::write(&path, jdoe_with("new@example.com", "")).unwrap();
    let line = ["import", path.to_str().unwrap()];
    let before = operator.user("jdoe").await;
    for (options, question) in [
        (
            &["--overwrite"][..],
            "Overwrite 1 account? Type 'yes' to confirm: ",
        ),
        (
            &["--disable-missing"],
            "Disable 1 account? Type 'yes' to confirm: ",
        ),
        (
            &["--overwrite", "--disable-missing"],
            "Overwrite 1 account and disable 1? Type 'yes' to confirm: ",
        ),
    ] {
        let line = [&line[..], options].concat();
        let answer = operator.run(&line).await;
        let error = "cannot ask for confirmation without a terminal; use --yes";
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(2));
        let answer = operator.run_asked(&line, "no\n").await;
        assert!(answer.err.starts_with(question), "{answer:?}");
        assert!(
            answer
                .err
                .ends_with("error: not confirmed; nothing was changed\n")
        );
        assert_eq!(answer.exit_code, ExitCode::FAILURE);
        assert_eq!(operator.user("jdoe").await, before);
    }
    let line = [&line[..], &["--overwrite", "--disable-missing"]].concat();
    let answer = operator.run_asked(&line, "yes\n").await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let shown = answer.out.find("1 missing from the file: gone").unwrap();
    assert!(shown < answer.out.find("1 written, ").unwrap());
    assert_eq!(operator.user("gone").await["disabled"].as_bool(), Ok(&true));
    // Now nothing changes, so there is no prompt.
    let answer = operator.run_asked(&line, "").await;
    assert_eq!(
        (answer.exit_code, answer.err.as_str()),
        (ExitCode::SUCCESS, "")
    );
}

/// New accounts do not change existing ones.
#[tokio::test]
async fn new_accounts_need_no_confirmation() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("users.csv");
    std::fs::write(&path, complete("username,id\nnew,8\n")).unwrap();
    let answer = operator.run(&["import", path.to_str().unwrap()]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
}
