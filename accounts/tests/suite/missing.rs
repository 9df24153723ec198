//! Accounts that a file lacks are disabled, and somebody who can administer is left.

use std::process::ExitCode;

use serde_json::json;

use crate::import::{complete, import};
use crate::{Operator, row};

const THREE: &str = "username,id,email,roles\none,11,one@example.com,\ntwo,12,two@example.com,\n\
                     three,13,three@example.com,Admin\n";
const ONE: &str = "username,id,email,roles\none,11,one@example.com,\n";
const LOCKED_OUT: &str = "no account with the role Admin could log in afterwards; use --force \
                          to continue anyway";

#[tokio::test]
async fn disable_missing_disables_imported_accounts_not_in_the_file() {
    let operator = Operator::start().await;
    import(&operator, "users.csv", THREE, &[]).await;
    let options = ["--disable-missing", "--dry-run"];
    let plan = import(&operator, "users.csv", ONE, &options).await;
    let (first, rest) = plan.out.split_once('\n').unwrap();
    let found = ["three, two", "two, three"].map(|names| format!("2 missing in the file: {names}"));
    assert!(found.contains(&first.to_owned()), "{plan:?}");
    assert_eq!(rest, "0 can be written, 1 already present, 0 refused\n");
    assert!(!operator.user("two").await.contains_key("disabled"));

    let answer = import(&operator, "users.csv", ONE, &["--disable-missing"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert!(
        answer
            .out
            .contains("0 written, 1 already present, 0 refused, 2 disabled\n"),
        "{answer:?}"
    );
    for username in ["two", "three"] {
        let user = operator.user(username).await;
        assert_eq!(user["disabled"].as_bool(), Ok(&true), "{username}");
        assert!(
            operator
                .audit(username)
                .await
                .contains(&row("account.disabled"))
        );
    }
    // Those that no import brought are nobody's to miss.
    for username in ["one", "admin", "bob", "jdoe"] {
        assert!(
            !operator.user(username).await.contains_key("disabled"),
            "{username}"
        );
    }
    let answer = import(
        &operator,
        "users.csv",
        ONE,
        &["--disable-missing", "--json"],
    )
    .await;
    let expected = [
        json!({ "missing": 0, "missing_accounts": [] }),
        json!({ "written": 0, "present": 1, "refused": 0, "disabled": 0 }),
    ];
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_refused_or_empty_file_disables_no_account() {
    let operator = Operator::start().await;
    import(&operator, "users.csv", THREE, &[]).await;
    let empty = "username,id,email,roles\n";
    let answer = import(&operator, "users.csv", empty, &["--disable-missing"]).await;
    let error = "the file has no accounts; this would disable all imported accounts";
    assert_eq!(answer.error(), error);
    let wrong = format!("{ONE}two,twelve,two@example.com,\n");
    let answer = import(&operator, "users.csv", &wrong, &["--disable-missing"]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    for username in ["one", "two", "three"] {
        assert!(
            !operator.user(username).await.contains_key("disabled"),
            "{username}"
        );
    }
}

#[tokio::test]
async fn an_import_cannot_remove_the_last_admin() {
    let operator = Operator::start().await;
    import(&operator, "users.csv", THREE, &[]).await;
    operator.run(&["revoke", "Admin", "admin"]).await;
    // Now `three` is the only one left.
    let without = complete(ONE);
    let demoted = complete(&THREE.replace("Admin", ""));
    let moved = complete(
        &THREE
            .replace("Admin", "")
            .replace("one@example.com,", "one@example.com,Admin"),
    );
    for (file, options, is_refused) in [
        (without.as_str(), &["--disable-missing"][..], true),
        (&without, &["--disable-missing", "--dry-run"], true),
        (&demoted, &["--overwrite"], true),
        // Rows of accounts that exist do not count where they are left alone.
        (&demoted, &["--disable-missing"], false),
        (&moved, &["--overwrite"], false),
        (&demoted, &["--overwrite", "--force"], false),
    ] {
        let answer = import(&operator, "users.csv", file, options).await;
        assert_eq!(
            answer.err.contains(LOCKED_OUT),
            is_refused,
            "{options:?} {answer:?}"
        );
        let expected = if is_refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        assert_eq!(answer.exit_code, expected, "{options:?} {answer:?}");
        let has_admin = operator.run(&["list", "--role", "Admin", "--json"]).await;
        let is_forced = options.contains(&"--force");
        assert_eq!(has_admin.json().is_empty(), is_forced, "{options:?}");
    }
}
