//! The brand and the language of the email about a change.

use aws_sdk_dynamodb::types::AttributeValue;
use local::ses::Mail;
use serde_json::json;
use testkit::Sandbox;
use testkit::relay::Relays;
use testkit::requests::set_password;

const DEFAULT_FROM: &str = "Pump Alarm <no-reply@pumpalarm.com>";
const BRANDS_FROM: &str = "Brand Flood Watch <no-reply@brand.example>";
const JDOE: &str = "a@example.com";
const BOB: &str = "bob@pumpalarm.com";

/// The email about a change to the account of this address.
async fn change(sandbox: &Sandbox, email: &str, customer_brand_name: Option<&str>) -> Mail {
    let body = json!({
        "Email": email, "NewPassword": "lamp-Sodium-4417", "SendResetEmail": true,
        "CustomerBrandName": customer_brand_name
    });
    let request = set_password("admin:p@55wOrd", &body);
    assert_eq!(sandbox.send(&request).await.status(), 200);
    sandbox.take_mail()
}

#[tokio::test]
async fn the_accounts_own_brand_decides_and_the_callers_only_when_it_has_none() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let other = [("brand", "other"), ("product_name", "Other")];
    sandbox.put_brand(&other).await.unwrap();
    for (email, customer_brand_name, from) in [
        (JDOE, None, BRANDS_FROM),
        (JDOE, Some("Other"), BRANDS_FROM),
        (BOB, None, DEFAULT_FROM),
        (BOB, Some(" "), DEFAULT_FROM),
        (BOB, Some("-"), DEFAULT_FROM),
        (BOB, Some("unknown"), DEFAULT_FROM),
        (BOB, Some(" bRAND "), BRANDS_FROM),
    ] {
        let mail = change(&sandbox, email, customer_brand_name).await;
        assert_eq!(mail.from, from, "{email}, {customer_brand_name:?}");
    }
    let mail = change(&sandbox, BOB, Some("Other")).await;
    assert!(mail.text.contains("your Other login"), "{}", mail.text);
}

#[tokio::test]
async fn a_brand_name_that_no_row_can_have_is_not_looked_for() {
    let direct = Sandbox::start(&[]).await.unwrap();
    let relays = Relays::start(&direct.backend).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &[]).unwrap();
    let long = "x".repeat(257);
    assert_eq!(change(&sandbox, BOB, Some(&long)).await.from, DEFAULT_FROM);
    let calls = relays.take_calls();
    assert!(
        calls
            .iter()
            .all(|call| !call.body.contains(&sandbox.backend.tables.brands))
    );
}

#[tokio::test]
async fn without_the_table_the_password_is_set_and_a_mail_is_sent() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let missing = [("BRANDS_TABLE", "Nowhere")];
    let sandbox = Sandbox::on(sandbox.backend, &missing).unwrap();
    assert_eq!(change(&sandbox, JDOE, None).await.from, DEFAULT_FROM);
}

#[tokio::test]
async fn the_name_of_the_brands_product_is_refused_as_a_password() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let set = |password: &str| {
        let body = json!({ "Email": JDOE, "NewPassword": password });
        set_password("admin:p@55wOrd", &body)
    };
    let refused = sandbox.send(&set("Brand Flood Watch")).await;
    assert_eq!(refused.status(), 400);
    let taken = sandbox.send(&set("Brand Flood Watch Tower")).await;
    assert_eq!(taken.status(), 200);
}

#[tokio::test]
async fn mails_are_in_the_language_of_the_account() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (language, subject, greeting) in [
        (
            "de-CH",
            "Ihre Zugangsdaten wurden geändert",
            "Guten Tag Jane Doe,",
        ),
        ("en", "Login Updated", "Hello Jane Doe,"),
        ("tlh", "Login Updated", "Hello Jane Doe,"),
    ] {
        let mut jdoe = sandbox.user("jdoe").await.unwrap();
        let language = AttributeValue::S(language.to_owned());
        jdoe.insert("language".to_owned(), language);
        sandbox.put_user(jdoe).await.unwrap();
        let mail = change(&sandbox, JDOE, None).await;
        assert_eq!(mail.subject, subject);
        assert!(mail.text.contains(greeting) && mail.html.contains(greeting));
    }
}
