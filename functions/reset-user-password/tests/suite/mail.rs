//! The brand and the language of the email of a reset.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use local::ses::Mail;
use shared::clock::{Clock, Timestamp};
use testkit::Sandbox;
use testkit::relay::{Action, Relays};
use testkit::requests;

const DEFAULT_FROM: &str = "Pump Alarm <no-reply@pumpalarm.com>";
const BRANDS_FROM: &str = "Brand Flood Watch <no-reply@brand.example>";

/// The email of a reset.
async fn reset(sandbox: &Sandbox, username: &str) -> Mail {
    let response = sandbox.send(&requests::reset(username)).await;
    assert_eq!(response.status(), 200);
    sandbox.take_mail()
}

fn assert_says(mail: &Mail, facts: &[&str]) {
    for part in [&mail.text, &mail.html] {
        for fact in facts {
            assert!(part.contains(fact), "{fact} in {part}");
        }
    }
}

#[tokio::test]
async fn a_mail_says_whether_the_old_password_still_works() {
    for (mode, fact) in [
        ("replace", "Your old password no longer works."),
        (
            "dual",
            "Your old password will keep working until you use the new one.",
        ),
    ] {
        let sandbox = Sandbox::start(&[("RESET_MODE", mode)]).await.unwrap();
        assert_says(&reset(&sandbox, "jdoe").await, &[fact]);
        // The email to a user without a password does not mention one.
        let mut bob = sandbox.user("bob").await.unwrap();
        bob.remove("password_hash").unwrap();
        sandbox.put_user(bob).await.unwrap();
        let mail = reset(&sandbox, "bob").await;
        assert!(!mail.text.contains("old password"), "{}", mail.text);
    }
    let sandbox = Sandbox::start(&[("RESET_MODE", "dual")]).await.unwrap();
    let mut jdoe = sandbox.user("jdoe").await.unwrap();
    let end = AttributeValue::N("1".to_owned());
    jdoe.insert("password_expires_at".to_owned(), end);
    sandbox.put_user(jdoe).await.unwrap();
    let fact = "Your old password no longer works.";
    assert_says(&reset(&sandbox, "jdoe").await, &[fact]);
}

#[tokio::test]
async fn a_user_of_a_brand_hears_from_that_brand() {
    let sandbox = Sandbox::start(&[("CONFIGURATION_SET", "ours")])
        .await
        .unwrap();
    let mail = reset(&sandbox, "jdoe").await;
    assert_eq!(mail.from, BRANDS_FROM);
    assert_eq!(mail.configuration_set.as_deref(), Some("brand"));
    assert_eq!(mail.subject, "Your new Brand Flood Watch password");
    assert_says(
        &mail,
        &["help@brand.example", "https://brand.example/login"],
    );

    let mail = reset(&sandbox, "bob").await;
    assert_eq!(mail.from, DEFAULT_FROM);
    assert_eq!(mail.configuration_set.as_deref(), Some("ours"));
    assert_eq!(mail.subject, "Your new Pump Alarm password");
    assert_says(&mail, &["support@pumpalarm.com", "http://127.0.0.1:3000/"]);
}

#[tokio::test]
async fn a_brand_without_a_row_is_the_default() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut jdoe = sandbox.user("jdoe").await.unwrap();
    jdoe.insert("brand".to_owned(), AttributeValue::S("other".to_owned()));
    sandbox.put_user(jdoe).await.unwrap();
    let mail = reset(&sandbox, "jdoe").await;
    assert_eq!(mail.from, DEFAULT_FROM);
    assert_eq!(mail.configuration_set, None);
    assert_eq!(mail.subject, "Your new Pump Alarm password");
}

#[tokio::test]
async fn invalid_values_of_a_row_are_replaced_by_defaults() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let row = [
        ("brand", "brand"),
        ("product_name", "Brand"),
        ("from_address", "Brand <no-reply>"),
        ("login_url", "javascript:alert(1)"),
        ("configuration_set", "no such set!"),
    ];
    sandbox.put_brand(&row).await.unwrap();
    let mail = reset(&sandbox, "jdoe").await;
    assert_eq!(mail.subject, "Your new Brand password");
    assert_eq!(mail.from, DEFAULT_FROM);
    assert_eq!(mail.configuration_set, None);
    assert_says(&mail, &["support@pumpalarm.com", "http://127.0.0.1:3000/"]);
}

#[tokio::test]
async fn without_the_table_the_mail_has_the_default_brand() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let missing = [("BRANDS_TABLE", "Nowhere")];
    let sandbox = Sandbox::on(sandbox.backend, &missing).unwrap();
    let mail = reset(&sandbox, "jdoe").await;
    assert_eq!(mail.from, DEFAULT_FROM);
}

/// A short failure does not cause five minutes of emails with the wrong brand.
#[tokio::test]
async fn a_failure_is_not_cached() {
    let direct = Sandbox::start(&[]).await.unwrap();
    let relays = Relays::start(&direct.backend).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &[]).unwrap();
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => Action::refuse(400, "ThrottlingException"),
        _ => Action::forward(),
    });
    assert_eq!(reset(&sandbox, "jdoe").await.from, DEFAULT_FROM);
    let calls = relays.take_calls();
    let reads = calls.iter().filter(|call| call.operation == "GetItem");
    assert_eq!(reads.count(), 1, "an email does not wait for a brand");

    relays.script(|_| Action::forward());
    assert_eq!(reset(&sandbox, "jdoe").await.from, BRANDS_FROM);
}

#[tokio::test]
async fn a_row_is_cached_for_five_minutes() {
    let backend = Sandbox::start(&[]).await.unwrap().backend;
    let now = Arc::new(AtomicU64::new(1_800_000_000));
    let time = Arc::clone(&now);
    let clock = Clock::new(move || Timestamp(time.load(Ordering::Relaxed)));
    let sandbox = Sandbox::at(&clock, backend, &[]).unwrap();
    let product = async |after: u64| {
        now.store(1_800_000_000 + after, Ordering::Relaxed);
        let subject = reset(&sandbox, "jdoe").await.subject;
        let subject = subject.strip_prefix("Your new ").unwrap();
        subject.strip_suffix(" password").unwrap().to_owned()
    };
    let rename = async |name: &str| {
        let row = [("brand", "brand"), ("product_name", name)];
        sandbox.put_brand(&row).await.unwrap();
    };
    assert_eq!(product(0).await, "Brand Flood Watch");
    rename("New Name").await;
    assert_eq!(product(299).await, "Brand Flood Watch");
    assert_eq!(product(300).await, "New Name");
    rename("Newer Name").await;
    assert_eq!(product(599).await, "New Name");
    assert_eq!(product(600).await, "Newer Name");
}

/// The absence of a row is cached too.
#[tokio::test]
async fn a_missing_row_is_cached_for_five_minutes() {
    let direct = Sandbox::start(&[]).await.unwrap();
    let mut bob = direct.user("bob").await.unwrap();
    bob.insert("brand".to_owned(), AttributeValue::S("other".to_owned()));
    direct.put_user(bob).await.unwrap();
    let relays = Relays::start(&direct.backend).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &[]).unwrap();
    for _ in 0..2 {
        reset(&sandbox, "jdoe").await;
        reset(&sandbox, "bob").await;
    }
    let calls = relays.take_calls();
    let reads = calls.iter().filter(|call| call.operation == "GetItem");
    assert_eq!(reads.count(), 2);
}

#[tokio::test]
async fn mails_are_in_the_language_of_the_account() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (language, subject, parts) in [
        (
            None,
            "Your new Brand Flood Watch password",
            ["Hello Jane Doe,", "Valid until"],
        ),
        (
            Some("en-AU"),
            "Your new Brand Flood Watch password",
            ["Hello Jane Doe,", "Valid until"],
        ),
        (
            Some("tlh"),
            "Your new Brand Flood Watch password",
            ["Hello Jane Doe,", "Valid until"],
        ),
        (
            Some("de"),
            "Ihr neues Passwort für Brand Flood Watch",
            ["Guten Tag Jane Doe,", "Gültig bis"],
        ),
        (
            Some("de-AT"),
            "Ihr neues Passwort für Brand Flood Watch",
            ["Guten Tag Jane Doe,", "Gültig bis"],
        ),
    ] {
        let mut jdoe = sandbox.user("jdoe").await.unwrap();
        let language = language.map(|tag: &str| AttributeValue::S(tag.to_owned()));
        jdoe.extend(language.map(|tag| ("language".to_owned(), tag)));
        sandbox.put_user(jdoe).await.unwrap();
        let mail = reset(&sandbox, "jdoe").await;
        assert_eq!(mail.subject, subject);
        assert_says(&mail, &parts);
    }
}

#[tokio::test]
async fn mail_says_that_a_program_sent_it() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mail = reset(&sandbox, "jdoe").await;
    assert_eq!(mail.headers["Auto-Submitted"], "auto-generated");
    assert_eq!(mail.headers["X-Auto-Response-Suppress"], "OOF, AutoReply");
    assert_eq!(mail.headers.len(), 2);
}
