//! Tests of the commands for brands.

use std::process::ExitCode;

use accounts::Arguments;
use clap::Parser as _;
use serde_json::{Value, json};
use testkit::relay::{Action, Relays};

use crate::import::import;
use crate::{Answer, Operator, row};

const ACME: [&str; 21] = [
    "brand",
    "set",
    " ACME ",
    "--product-name",
    "Acme Flood Watch",
    "--from-address",
    "Acme <no-reply@acme.example>",
    "--support-contact",
    " +1 555 0100",
    "--login-url",
    "https://acme.example/",
    "--configuration-set",
    "acme",
    "--reply-to",
    "help@acme.example",
    "--language",
    "de",
    "--closing",
    "de=Viele Grüße, Acme",
    "--closing",
    "EN=Kind regards, Acme",
];

async fn set(operator: &Operator, key: &str, values: &[&str]) -> Answer {
    operator
        .run(&[&["brand", "set", key], values].concat())
        .await
}

async fn shown(operator: &Operator, key: &str) -> Value {
    let answer = operator.run(&["brand", "show", key, "--json"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    answer.json().remove(0)
}

/// The record of a brand contains only the closings that it sets.
#[tokio::test]
async fn brands_with_and_without_closings_share_columns() {
    let operator = Operator::start().await;
    for (brand, closing) in [("aaa", "en=Yours"), ("bbb", "de=Euer")] {
        let line = ["brand", "set", brand, "--closing", closing];
        let answer = operator.run(&line).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    }
    let answer = operator.run(&["brand", "list"]).await;
    let (heading, rows) = answer.out.split_once('\n').unwrap();
    for (brand, closing, text) in [
        ("aaa", "closing_en", "Yours"),
        ("bbb", "closing_de", "Euer"),
    ] {
        let at = heading.find(closing).unwrap();
        let row = rows.lines().find(|row| row.starts_with(brand)).unwrap();
        assert!(row[at..].starts_with(text), "{answer:?}");
    }
}

#[tokio::test]
async fn mails_use_the_values_of_the_brand() {
    let operator = Operator::start().await;
    let answer = operator.run(&ACME).await;
    assert_eq!(
        answer.out, "acme: set; emails may show the old values for up to 5 minutes; new brand\n",
        "{answer:?}"
    );
    assert_eq!(operator.audit("brand#acme").await, [row("brand.set")]);
    assert_eq!(
        shown(&operator, "acme").await,
        json!({
            "brand": "acme",
            "product_name": "Acme Flood Watch",
            "from_address": "Acme <no-reply@acme.example>",
            "support_contact": "+1 555 0100",
            "login_url": "https://acme.example/",
            "configuration_set": "acme",
            "reply_to": "help@acme.example",
            "language": "de",
            "closing_de": "Viele Grüße, Acme",
            "closing_en": "Kind regards, Acme",
            "defaults": [],
            "unusable": [],
        })
    );

    let texts = [("brand", "acme")];
    operator.sandbox.change_user("jdoe", &texts).await.unwrap();
    operator.run(&["reset", "jdoe"]).await;
    let mails = operator.sandbox.backend.outbox.mails();
    let [mail] = mails.as_slice() else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.from, "Acme <no-reply@acme.example>");
    assert_eq!(mail.configuration_set.as_deref(), Some("acme"));
    assert_eq!(mail.reply_to, ["help@acme.example"]);
    // The account has no language.
    let said = [
        "Guten Tag",
        "Acme Flood Watch",
        "+1 555 0100",
        "https://acme.example/",
    ];
    for said in said.into_iter().chain(["\n\nViele Grüße, Acme\n"]) {
        assert!(mail.text.contains(said), "{}", mail.text);
    }
}

#[tokio::test]
async fn preview_prints_the_mail_and_sends_nothing() {
    let operator = Operator::start().await;
    operator.run(&ACME).await;
    let preview = async |arguments: &[&str]| {
        let command = [&["brand", "preview"], arguments].concat();
        let answer = operator.run(&command).await;
        assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        answer
    };
    let begin = "From: Acme <no-reply@acme.example>\nReply-To: help@acme.example\nSubject: \
                 Ihr neues Passwort für Acme Flood Watch\n\nGuten Tag Jane Doe,\n";
    let answer = preview(&["Acme"]).await;
    assert!(answer.out.starts_with(begin), "{}", answer.out);
    let updated = [
        "acme",
        "--mail",
        "login-updated",
        "--language",
        "en",
        "--html",
    ];
    let answer = preview(&updated).await;
    assert!(answer.out.starts_with("<!doctype html>"), "{}", answer.out);
    for said in ["Login Updated", "<p>Kind regards, Acme</p>"] {
        assert!(answer.out.contains(said), "{}", answer.out);
    }
    let changed = ["acme", "--mail", "address-changed", "--json"];
    let mail = preview(&changed).await.json().remove(0);
    assert_eq!(mail["subject"], "Ihre E-Mail-Adresse wurde geändert");
    // The default brand has no name.
    let answer = preview(&[]).await;
    assert!(
        answer.out.starts_with("From: Pump Alarm <"),
        "{}",
        answer.out
    );
    assert!(operator.sandbox.backend.outbox.mails().is_empty());
    let answer = operator.run(&["brand", "preview", "acem"]).await;
    let error =
        "brand acem not found; its emails use the values of the default brand; similar: acme";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(3));
    for (language, is_known) in [
        ("DE-at", true),
        ("pt", true),
        ("sv", false),
        ("deutsch", false),
    ] {
        let line = ["accounts", "brand", "preview", "--language", language];
        let parsed = Arguments::try_parse_from(line);
        assert_eq!(parsed.is_ok(), is_known, "{language}");
    }
}

#[tokio::test]
async fn mails_of_a_removed_brand_use_the_default_brand() {
    let operator = Operator::start().await;
    let line = ["brand", "remove", "Brand"];
    let answer = operator.run(&line).await;
    assert_eq!(answer.exit_code, ExitCode::from(2), "{answer:?}");
    let answer = operator.run_asked(&line, "no\n").await;
    let question = "Remove brand? Its emails will use the values of the default brand. Type 'yes' to confirm: ";
    assert_eq!(
        answer.err,
        format!("{question}error: not confirmed; brand was not removed\n")
    );
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    assert!(!shown(&operator, "brand").await.is_null());

    let line = ["brand", "remove", "Brand", "--yes", "--json"];
    let answer = operator.run(&line).await;
    let expected = json!({ "brand": "brand", "changed": true, "event": "brand.removed" });
    assert_eq!(answer.json(), [expected], "{answer:?}");
    assert_eq!(operator.audit("brand#brand").await, [row("brand.removed")]);
    assert_eq!(operator.run(&["brand", "list"]).await.out, "none\n");
    operator.run(&["reset", "jdoe"]).await;
    let mails = operator.sandbox.backend.outbox.mails();
    assert!(mails[0].from.starts_with("Pump Alarm <"), "{mails:?}");
    let answer = operator.run(&line).await;
    assert_eq!(answer.exit_code, ExitCode::from(3), "{answer:?}");
}

#[tokio::test]
async fn setting_a_new_brand_is_noted() {
    let operator = Operator::start().await;
    for (name, note) in [
        ("acme", json!("new brand")),
        ("acem", json!("new brand; similar: acme")),
        ("acme", json!(null)),
    ] {
        let answer = set(&operator, name, &["--product-name", name, "--json"]).await;
        assert_eq!(answer.json()[0]["note"], note, "{answer:?}");
        set(&operator, name, &["--product-name", "Other"]).await;
    }
}

#[tokio::test]
async fn other_values_of_a_brand_stay_and_unset_ones_use_the_default() {
    let operator = Operator::start().await;
    let before = shown(&operator, "brand").await;
    let values = ["--product-name", "New", "--unset", "login_url"];
    let answer = set(&operator, "Brand", &values).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let after = shown(&operator, "brand").await;
    let mut expected = before.clone();
    expected["product_name"] = json!("New");
    expected["login_url"] = json!("http://127.0.0.1:3000/");
    expected["defaults"] = json!(["login_url", "reply_to", "language"]);
    assert_eq!(after, expected);

    let elsewhere = [("LOGIN_URL", "")];
    let command = ["brand", "show", "brand"];
    let answer = operator.run_with(&command, "", &elsewhere).await;
    assert!(!answer.out.contains("127.0.0.1"), "{answer:?}");
    assert!(
        answer
            .out
            .contains("\ndefaults           login_url, reply_to, language\n"),
        "{answer:?}"
    );
    let wrong = [("LOGIN_URL", "nowhere")];
    let answer = operator.run_with(&command, "", &wrong).await;
    assert_eq!(answer.error(), "LOGIN_URL: must be an http or https URL");
}

#[tokio::test]
async fn unchanged_brands_get_no_audit_row() {
    let operator = Operator::start().await;
    let mut answers = Vec::new();
    for values in [
        ["--product-name", "Brand Flood Watch"],
        ["--product-name", "New"],
        ["--product-name", " New "],
        ["--unset", "product_name"],
        ["--unset", "product_name"],
    ] {
        let answer = set(&operator, "brand", &[&values[..], &["--json"]].concat()).await;
        answers.extend(answer.json());
    }
    let unchanged = json!({ "brand": "brand", "changed": false, "event": null });
    let changed = json!({ "brand": "brand", "changed": true, "event": "brand.set" });
    assert_eq!(
        answers,
        [&unchanged, &changed, &unchanged, &changed, &unchanged].map(Value::clone)
    );
    let event = row("brand.set");
    assert_eq!(operator.audit("brand#brand").await, [event.clone(), event]);
    let answer = set(&operator, "none", &["--unset", "login_url"]).await;
    assert_eq!(answer.out, "none: nothing to change\n");
    let configured = "its emails use the values of the default brand";
    for (name, error) in [
        ("none", format!("brand none not found; {configured}")),
        (
            "brnad",
            format!("brand brnad not found; {configured}; similar: brand"),
        ),
    ] {
        let answer = operator.run(&["brand", "show", name]).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(3), "{answer:?}");
    }
}

#[tokio::test]
async fn values_that_mails_cannot_use_are_refused() {
    let operator = Operator::start().await;
    let before = shown(&operator, "brand").await;
    let line = "a brand must be one line of 1 to 256 bytes, and must not be a single hyphen (-)";
    let long = "x".repeat(257);
    let sender = "from_address must be an email address, or a name and an address in angle \
                  brackets, in ASCII";
    let product = &["--product-name", "a"][..];
    for (key, values, error) in [
        (
            "brand",
            &["--product-name", "a\nb"][..],
            "product_name must be one line",
        ),
        ("brand", &["--from-address", "nowhere"], sender),
        ("brand", &["--from-address", "a@b"], sender),
        (
            "brand",
            &["--login-url", "https://a@b/"],
            "login_url must have no user name before its host",
        ),
        (
            "brand",
            &["--login-url", "https://b/"],
            "login_url must have a host with a dot, or localhost",
        ),
        (
            "brand",
            &["--support-contact", "a\r\nb"],
            "support_contact must be one line",
        ),
        (
            "brand",
            &["--product-name", "good", "--login-url", "brand.example"],
            "login_url must be an http or https URL",
        ),
        (
            "brand",
            &["--configuration-set", "a b"],
            "configuration_set must be at most 64 letters, digits, hyphens and underscores",
        ),
        (
            "brand",
            &["--product-name", " "],
            "product_name is empty; use --unset product_name to remove it",
        ),
        (" ", product, line),
        ("-", product, line),
        ("a\nb", product, line),
        (&long, product, line),
    ] {
        let answer = set(&operator, key, values).await;
        assert_eq!(answer.error(), error);
        assert_eq!(answer.exit_code, ExitCode::from(2));
    }
    let both = ["--login-url=https://a.example/", "--unset=login_url"];
    let answer = set(&operator, "brand", &both).await;
    assert_eq!(answer.error(), "login_url cannot be set and unset at once");
    for wrong in [&["set", "brand"][..], &["set", "brand", "--unset", "brand"]] {
        let arguments = ["accounts", "brand"].iter().chain(wrong);
        let error = Arguments::try_parse_from(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
    assert_eq!(shown(&operator, "brand").await, before);
    assert_eq!(operator.audit("brand#brand").await, []);
    let brands = operator.run(&["brand", "list", "--json"]).await.json();
    assert_eq!(brands, [before]);
}

#[tokio::test]
async fn unusable_values_of_a_row_are_named() {
    let operator = Operator::start().await;
    let attributes = [
        ("brand", "acme"),
        ("product_name", "Acme"),
        ("login_url", "x"),
    ];
    operator.sandbox.put_brand(&attributes).await.unwrap();
    let acme = shown(&operator, "acme").await;
    assert_eq!(acme["product_name"], "Acme");
    assert_eq!(acme["login_url"], "http://127.0.0.1:3000/");
    assert_eq!(acme["unusable"], json!(["login_url"]));
    let from_configuration = [
        "from_address",
        "support_contact",
        "login_url",
        "configuration_set",
        "reply_to",
        "language",
    ];
    assert_eq!(acme["defaults"], json!(from_configuration));
    // An unusable value can be replaced.
    set(&operator, "acme", &["--login-url", "https://acme.example/"]).await;
    assert_eq!(shown(&operator, "acme").await["unusable"], json!([]));
}

#[tokio::test]
async fn brands_are_listed_by_key() {
    let operator = Operator::start().await;
    for key in ["zeta", "acme"] {
        set(&operator, key, &["--product-name", key]).await;
    }
    let brands = operator.run(&["brand", "list", "--json"]).await.json();
    let keys: Vec<_> = brands.iter().map(|brand| &brand["brand"]).collect();
    assert_eq!(keys, ["acme", "brand", "zeta"]);
    assert_eq!(brands[0], shown(&operator, "acme").await);
    let people = operator.run(&["brand", "list"]).await.out;
    assert_eq!(people.lines().count(), 4, "{people}");
}

#[tokio::test]
async fn a_concurrent_change_of_a_brand_is_not_overwritten() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    let before = shown(&operator, "brand").await;
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => {
            let item = json!({ "brand": { "S": "brand" }, "product_name": { "S": "Old" } });
            Action::answer(200, "", &json!({ "Item": item }).to_string())
        }
        _ => Action::forward(),
    });
    let answer = set(&operator, "brand", &["--product-name", "New"]).await;
    let error = "brand was changed by someone else in the meantime; try again";
    assert_eq!(answer.error(), error);
    assert_eq!(answer.exit_code, ExitCode::from(75));
    relays.script(|_| Action::forward());
    assert_eq!(shown(&operator, "brand").await, before);
    assert_eq!(operator.audit("brand#brand").await, []);
}

#[tokio::test]
async fn the_brands_table_can_be_given_as_an_option() {
    let operator = Operator::start().await;
    let nowhere = [("BRANDS_TABLE", "")];
    let list = ["brand", "list"];
    let answer = operator.run_with(&list, "", &nowhere).await;
    assert_eq!(answer.error(), "BRANDS_TABLE is not set");
    let brands = &operator.sandbox.backend.tables.brands;
    let command = ["--brands-table", brands, "brand", "list"];
    let answer = operator.run_with(&command, "", &nowhere).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let reset = ["--brands-table", brands, "reset", "jdoe"];
    let answer = operator.run_with(&reset, "", &nowhere).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    let nameless = operator.run_with(&ACME, "", &[("USER", "")]).await;
    assert_eq!(
        nameless.error(),
        "no operator name: use --operator or set USER"
    );
}

/// The name of a brand that has no row is often a typo, or its row is still to be set.
#[tokio::test]
async fn accounts_of_brands_without_a_row_are_noted() {
    let operator = Operator::start().await;
    let warning = "warning: brand acme has no row; its emails use the values of the default brand";
    let file = "username,id,email,brand\n\
                a,1,a@acme.example,Acme\nb,2,b@acme.example,acme\nc,3,,Brand\nd,4,,\n";
    for options in [&["--dry-run"][..], &[]] {
        let answer = import(&operator, "users.csv", file, options).await;
        assert_eq!(answer.err, format!("{warning}\n"), "{options:?}");
        assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    }
    let heading = "username,id,brand\n".to_owned();
    let many = heading
        + &(1..=22)
            .map(|n| format!("x{n},{n},b{n:02}\n"))
            .collect::<String>();
    let answer = import(&operator, "users.csv", &many, &["--dry-run"]).await;
    let (count, names) = answer.err.split_once(": b01, b02, ").unwrap();
    let expected =
        "warning: 22 brands have no row; their emails use the values of the default brand";
    assert_eq!(count, expected);
    assert!(names.ends_with(", b20, …\n"), "{names}");
    let add = |user, brand| {
        [
            "add",
            user,
            "--id",
            "5",
            "--no-password",
            "--json",
            "--brand",
            brand,
        ]
    };
    let answer = operator.run(&add("e", "ACME")).await;
    assert_eq!(answer.json()[0]["note"], warning);
    let answer = operator.run(&add("f", "brand")).await;
    assert_eq!(answer.json()[0].get("note"), None);
    let set = |brand| ["set", "d", "--brand", brand, "--json"];
    let answer = operator.run(&set("Acme")).await;
    assert_eq!(answer.json()[0]["note"], warning);
    let answer = operator.run(&set("Brand")).await;
    assert_eq!(answer.json()[0].get("note"), None);
}

/// The warning must not fail a command that has worked without the Brands table.
#[tokio::test]
async fn without_the_brands_table_nothing_is_noted() {
    let operator = Operator::start().await;
    let add = |user| ["add", user, "--id", "5", "--no-password", "--brand", "acme"];
    let unknown = [("BRANDS_TABLE", "")];
    let answer = operator.run_with(&add("a"), "", &unknown).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
    assert_eq!((&*answer.out, &*answer.err), ("a: added\n", ""));
    let missing = [("BRANDS_TABLE", "missing")];
    let answer = operator.run_with(&add("b"), "", &missing).await;
    let warning = "b: added; warning: brands were not checked: table missing not found";
    assert!(answer.out.starts_with(warning), "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::SUCCESS);
}
