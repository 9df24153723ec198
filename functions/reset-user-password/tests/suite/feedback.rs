//! What SES reports of a mail later, as EventBridge passes it on.

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

/// A world in which the account of this name was just mailed a password.
async fn after_reset(mode: &str) -> (World, String, Mail) {
    let backend = testkit::backend().await;
    let variables = [("RESET_MODE", mode)];
    let world = World::new(&backend, &variables).await.unwrap();
    let item = world.copy_of("jdoe").await.unwrap();
    world.put(&item).await.unwrap();
    let username = item["username"].as_s().unwrap().clone();
    world.send(&reset(&username)).await;
    let mail = world.mails(&username).remove(0);
    (world, username, mail)
}

/// SES's event about this mail.
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
            .opens(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    let (answer, measured) = metrics::collect(world.event(&event("Email Bounced", &mail))).await;
    assert_eq!(answer.unwrap()["accounts"], 1);
    assert_eq!(measured.values(Metric::MailBounced), [1.0]);
    assert!(
        !world
            .opens(&username, mail.password().unwrap())
            .await
            .unwrap()
    );
    assert!(world.opens(&username, OLD_PASSWORD).await.unwrap());
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

/// There the old password is gone: without the new one nobody could log in.
#[tokio::test]
async fn a_bounce_leaves_a_password_that_took_the_old_ones_place() {
    let (world, username, mail) = after_reset("replace").await;
    world.event(&event("Email Bounced", &mail)).await.unwrap();
    assert!(
        world
            .opens(&username, mail.password().unwrap())
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
async fn what_may_still_arrive_withdraws_nothing() {
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
                .opens(&username, mail.password().unwrap())
                .await
                .unwrap(),
            "{kind}"
        );
        let item = world.item(&username).await.unwrap();
        assert_eq!(item.contains_key("email_failed_at"), marks, "{kind}");
    }
}

#[tokio::test]
async fn a_rejected_mail_withdraws_its_password_only() {
    let (world, username, mail) = after_reset("dual").await;
    world.event(&event("Email Rejected", &mail)).await.unwrap();
    assert!(
        !world
            .opens(&username, mail.password().unwrap())
            .await
            .unwrap()
    );
    let item = world.item(&username).await.unwrap();
    assert!(!item.contains_key("email_failed_at"));
}

/// A report of an earlier mail, one about somebody else's, and one that comes twice.
#[tokio::test]
async fn a_report_changes_nothing_but_what_it_is_about() {
    let (world, username, mail) = after_reset("dual").await;
    let mut earlier = mail.clone();
    earlier
        .tags
        .insert("request_id".to_owned(), "earlier".to_owned());
    world
        .event(&event("Email Bounced", &earlier))
        .await
        .unwrap();
    assert!(
        world
            .opens(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    let mut others = mail.clone();
    others.tags.insert("account".to_owned(), "0".repeat(64));
    let answer = world.event(&event("Email Bounced", &others)).await.unwrap();
    assert_eq!(answer["accounts"], 0);
    assert!(
        world
            .opens(&username, mail.password().unwrap())
            .await
            .unwrap()
    );

    for _ in 0..2 {
        world.event(&event("Email Bounced", &mail)).await.unwrap();
    }
    assert!(world.opens(&username, OLD_PASSWORD).await.unwrap());

    let without_mail = json!({ "detail-type": "Email Bounced", "detail": {} });
    assert!(world.event(&without_mail).await.is_err());
}
