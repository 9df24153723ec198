//! The commands that search for accounts.

use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::{Answer, Operator};

/// A hash of ASP.NET Membership.
const OLD_HASH: &str =
    "$aspnet-membership-sha1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The user names in an answer, sorted.
fn names(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let names = rows
        .iter()
        .map(|row| row["username"].as_str().unwrap().to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn find_matches_address_number_and_part_of_a_name() {
    let operator = Operator::start().await;
    for (text, expected) in [
        ("jdoe", &["jdoe"][..]),
        ("DOE", &["jdoe"]),
        ("jane", &["jdoe"]),
        ("42", &["jdoe"]),
        (" A@Example.com", &["jdoe"]),
        ("@pumpalarm", &["admin", "bob"]),
        ("min", &["admin"]),
    ] {
        let answer = operator.run(&["find", text, "--json"]).await;
        assert_eq!(names(&answer), expected, "{text}: {answer:?}");
    }
    let found = operator.run(&["find", "jdoe", "--json"]).await.json();
    let expected = json!({
        "username": "jdoe",
        "id": 42,
        "email": "a@example.com",
        "display_name": "Jane Doe",
        "brand": "brand",
        "roles": [],
        "disabled": false,
        "password": "argon2id",
        "email_failed_at": null,
        "imported_at": null,
    });
    assert_eq!(found, [expected]);
    let rows = operator.run(&["find", "jdoe"]).await.out;
    assert!(
        rows.starts_with("username") && !rows.contains('$'),
        "{rows}"
    );
}

#[tokio::test]
async fn mistyped_names_get_suggestions() {
    let operator = Operator::start().await;
    for (text, error) in [
        ("jdeo", "no account matches jdeo; similar: jdoe"),
        ("adnim", "no account matches adnim; similar: admin"),
        ("stranger", "no account matches stranger"),
        ("43", "no account matches 43"),
    ] {
        let answer = operator.run(&["find", text]).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(3));
    }
    let answer = operator.run(&["show", "jdeo"]).await;
    let error =
        "account jdeo not found; use `accounts find` to search by part of a name; similar: jdoe";
    assert_eq!(answer.error(), error);
    let answer = operator.run(&["find", " "]).await;
    assert_eq!(answer.error(), "the search text is empty");
    assert_eq!(answer.exit_code, ExitCode::from(2));
    let answer = operator.run(&["show", "a@example.com"]).await;
    let error = "account a@example.com not found; this is the address of jdoe";
    assert_eq!(answer.error(), error);
}

/// An account for each filter, with what it is listed for.
async fn prepare(operator: &Operator) {
    operator
        .run(&["add", "new", "--id", "7", "--no-password"])
        .await;
    operator
        .run(&["add", "old", "--id", "8", "--no-password"])
        .await;
    let old = [("password_hash", OLD_HASH)];
    operator.sandbox.change_user("old", &old).await.unwrap();
    operator.run(&["disable", "bob"]).await;
    let mut failed = operator.user("jdoe").await;
    let at = AttributeValue::N("1795300000".to_owned());
    failed.insert("email_failed_at".to_owned(), at);
    operator.sandbox.put_user(failed).await.unwrap();
}

#[tokio::test]
async fn list_applies_all_filters() {
    let operator = Operator::start().await;
    prepare(&operator).await;
    for (filters, expected) in [
        (&[][..], &["admin", "bob", "jdoe", "new", "old"][..]),
        (&["--role", "Admin"], &["admin"]),
        (&["--failed-mail"], &["jdoe"]),
        (&["--imported-hash"], &["old"]),
        (&["--no-password"], &["new"]),
        (&["--disabled"], &["bob"]),
        (&["--disabled", "--role", "Admin"], &[]),
    ] {
        let line = [&["list", "--json"], filters].concat();
        let answer = operator.run(&line).await;
        assert_eq!(names(&answer), expected, "{filters:?}");
        assert_eq!(answer.err, "", "{filters:?}");
    }
    let answer = operator.run(&["list", "--role", "admin"]).await;
    let error = "no account has the role admin; did you mean Admin?";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(3));
    let answer = operator.run(&["list", "--role", "Support"]).await;
    assert_eq!((answer.out.as_str(), answer.err.as_str()), ("none\n", ""));
}

#[tokio::test]
async fn pages_of_list_contain_every_account_once() {
    let operator = Operator::start().await;
    prepare(&operator).await;
    let (mut pages, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut line = vec!["list", "--json", "--limit", "2"];
        line.extend(after.iter().flat_map(|name| ["--after", name.as_str()]));
        let answer = operator.run(&line).await;
        pages.push(names(&answer));
        if answer.err.is_empty() {
            break;
        }
        let note: Value = serde_json::from_str(&answer.err).unwrap();
        let note = note["note"].as_str().unwrap();
        let next = note
            .strip_prefix("more accounts match; continue with --after ")
            .unwrap();
        after = Some(next.to_owned());
    }
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2, 1]);
    let mut all = pages.concat();
    all.sort();
    assert_eq!(all, ["admin", "bob", "jdoe", "new", "old"]);
}
