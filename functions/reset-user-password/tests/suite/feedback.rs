//! SES's reports about emails, as passed on by EventBridge.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use local::ses::Mail;
use serde_json::{Value, json};
use shared::metrics::{self, Metric};
use testkit::faults::World;
use testkit::requests::reset;

const OLD_PASSWORD: &str = "p@55wOrd";

/// A world with an account that was just mailed a password, its name, and the email.
async fn after_reset(mode: &str) -> (World, String, Mail) {
    let backend = testkit::backend().await;
    let variables = [("RESET_MODE", mode), ("RESET_PER_MINUTE", "0")];
    let world = World::new(&backend, &variables).await.unwrap();
    let item = world.copy_of("jdoe").await.unwrap();
    world.put(&item).await.unwrap();
    let username = item["username"].as_s().unwrap().clone();
    world.send(&reset(&username)).await;
    let mail = world.mails(&username).remove(0);
    (world, username, mail)
}

/// SES's event that this email bounced.
fn bounced(bounce_type: &str, mail: &Mail) -> Value {
    let mut event = event("Email Bounced", mail);
    event["detail"]["bounce"] = json!({ "bounceType": bounce_type, "bounceSubType": "General" });
    event
}

/// SES's event about this email.
fn event(kind: &str, mail: &Mail) -> Value {
    let tags = mail
        .tags
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])));
    json!({
        "version": "0",
        "detail-type": kind,
        "source": "aws.ses",
        "detail": {
            "mail": {
                "messageId": mail.id,
                "destination": mail.to,
                "tags": Value::Object(tags.collect()),
            },
        },
    })
}

async fn events(world: &World, username: &str) -> Vec<String> {
    let rows = world.audit(username).await.unwrap();
    rows.iter()
        .map(|row| row["event"].as_s().unwrap().clone())
        .collect()
}

#[tokio::test]
async fn a_bounce_withdraws_a_temporary_password_and_marks_the_address() {
    let (world, username, mail) = after_reset("dual").await;
    assert!(
        world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    let (answer, measured) = metrics::collect(world.event(&bounced("Permanent", &mail))).await;
    assert_eq!(answer.unwrap()["accounts"], 1);
    assert_eq!(measured.values(Metric::MailBounced), [1.0]);
    assert!(
        !world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );
    assert!(world.can_log_in(&username, OLD_PASSWORD).await.unwrap());
    let item = world.item(&username).await.unwrap();
    assert_eq!(
        item["email_failed_at"].as_n(),
        Ok(&world.now().0.to_string())
    );
    let mut events = events(&world, &username).await;
    events.sort_unstable();
    let expected = [
        "mail.bounced",
        "password.reset",
        "password.temporary_withdrawn",
    ];
    assert_eq!(events, expected);
}

/// The old password is already replaced, so without the new one, the user could not log in.
#[tokio::test]
async fn a_bounce_keeps_a_password_that_replaced_the_old_one() {
    let (world, username, mail) = after_reset("replace").await;
    world.event(&bounced("Permanent", &mail)).await.unwrap();
    assert!(
        world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );
    assert!(
        world
            .item(&username)
            .await
            .unwrap()
            .contains_key("email_failed_at")
    );
    let mut events = events(&world, &username).await;
    events.sort_unstable();
    assert_eq!(events, ["mail.bounced", "password.reset"]);
}

#[tokio::test]
async fn mails_that_may_still_arrive_withdraw_nothing() {
    for (kind, metric, marks) in [
        ("Email Complaint Received", Metric::MailComplained, true),
        ("Email Delivery Delayed", Metric::MailDelayed, false),
    ] {
        let (world, username, mail) = after_reset("dual").await;
        let (answer, measured) = metrics::collect(world.event(&event(kind, &mail))).await;
        assert!(answer.is_ok(), "{kind}");
        assert_eq!(measured.values(metric), [1.0], "{kind}");
        assert!(
            world
                .can_log_in(&username, mail.password().unwrap())
                .await
                .unwrap(),
            "{kind}"
        );
        let item = world.item(&username).await.unwrap();
        assert_eq!(item.contains_key("email_failed_at"), marks, "{kind}");
    }
}

/// It may be an out-of-office reply to an email that arrived.
#[tokio::test]
async fn a_bounce_that_is_not_permanent_is_counted_and_changes_nothing() {
    for bounce_type in ["Transient", "Undetermined"] {
        for mode in ["dual", "replace"] {
            let (world, username, mail) = after_reset(mode).await;
            let before = world.item(&username).await.unwrap();
            let report = bounced(bounce_type, &mail);
            let (answer, measured) = metrics::collect(world.event(&report)).await;
            assert_eq!(answer.unwrap()["event"], "mail.soft_bounced");
            assert_eq!(measured.values(Metric::MailSoftBounced), [1.0]);
            assert!(measured.values(Metric::MailBounced).is_empty());
            assert_eq!(world.item(&username).await.unwrap(), before);
            let events = events(&world, &username).await;
            assert!(
                events.contains(&"mail.soft_bounced".to_owned()),
                "{events:?}"
            );
        }
    }
}

/// The next email may be suppressed, so the valid password must stay valid.
#[tokio::test]
async fn a_reset_to_a_failed_address_keeps_the_old_password() {
    for mode in ["replace", "dual"] {
        let (world, username, mail) = after_reset(mode).await;
        world.event(&bounced("Permanent", &mail)).await.unwrap();
        let known = if mode == "dual" {
            OLD_PASSWORD.to_owned()
        } else {
            mail.password().unwrap().to_owned()
        };
        world.send(&reset(&username)).await;
        let again = world.mails(&username).pop().unwrap();
        assert_ne!(again.id, mail.id);
        assert!(
            again
                .text
                .contains("Your old password will keep working until"),
            "{}",
            again.text
        );
        assert!(world.can_log_in(&username, &known).await.unwrap(), "{mode}");
        let mailed = again.password().unwrap();
        assert!(world.can_log_in(&username, mailed).await.unwrap(), "{mode}");
    }
}

#[tokio::test]
async fn a_reset_keeps_the_password_of_an_administrator() {
    let backend = testkit::backend().await;
    let world = World::new(&backend, &[("RESET_MODE", "replace")])
        .await
        .unwrap();
    let item = world.copy_of("admin").await.unwrap();
    world.put(&item).await.unwrap();
    let username = item["username"].as_s().unwrap().clone();
    world.send(&reset(&username)).await;
    let mail = world.mails(&username).remove(0);
    for password in [OLD_PASSWORD, mail.password().unwrap()] {
        assert!(world.can_log_in(&username, password).await.unwrap());
    }
}

#[tokio::test]
async fn a_rejected_mail_withdraws_its_password_only() {
    let (world, username, mail) = after_reset("dual").await;
    world.event(&event("Email Rejected", &mail)).await.unwrap();
    assert!(
        !world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );
    let item = world.item(&username).await.unwrap();
    assert!(!item.contains_key("email_failed_at"));
}

/// A report about an earlier email, a report about another account's email, and a duplicate report.
#[tokio::test]
async fn a_report_changes_nothing_but_what_it_is_about() {
    let (world, username, mail) = after_reset("dual").await;
    let mut earlier = mail.clone();
    earlier
        .tags
        .insert("request_id".to_owned(), "earlier".to_owned());
    world.event(&bounced("Permanent", &earlier)).await.unwrap();
    assert!(
        world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    let mut others = mail.clone();
    others.tags.insert("account".to_owned(), "0".repeat(64));
    let answer = world.event(&bounced("Permanent", &others)).await.unwrap();
    assert_eq!(answer["accounts"], 0);
    assert!(
        world
            .can_log_in(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    for _ in 0..2 {
        world.event(&bounced("Permanent", &mail)).await.unwrap();
    }
    assert!(world.can_log_in(&username, OLD_PASSWORD).await.unwrap());

    let without_mail = json!({ "detail-type": "Email Bounced", "detail": {} });
    assert!(world.event(&without_mail).await.is_err());
}
