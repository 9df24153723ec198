//! Two administrators and a reset change one account concurrently. One of them wins, and all
//! answers and emails are correct.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use local::attribute;
use local::ses::Mail;
use serde_json::json;
use testkit::faults::{World, work_permit};
use testkit::item::text;
use testkit::relay::{Action, Step};
use testkit::requests::{reset, set_password};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const ROUNDS: u64 = 24;
const OLD_PASSWORD: &str = "p@55wOrd";
const NEW_PASSWORDS: [&str; 2] = ["lamp-Sodium-4417", "pier-Cobalt-9021"];

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_and_a_reset_have_one_winner() {
    let backend = testkit::backend().await;
    // Long enough for an administrator to set a password between an email and the promotion.
    backend.outbox.delay(Duration::from_millis(30));
    let mut rounds = JoinSet::new();
    for number in 0..ROUNDS {
        let backend = backend.clone();
        rounds.spawn(async move {
            let world = World::new(&backend, &[]).await.unwrap();
            let _permit = work_permit().await;
            Box::pin(round(&world, number)).await;
        });
    }
    while let Some(round) = rounds.join_next().await {
        round.unwrap();
    }
}

#[tokio::test]
async fn a_superseded_mail_is_corrected() {
    let world = overtaken(Action::forward()).await;
    assert_corrected(&world).await;
}

#[tokio::test]
async fn the_sweep_corrects_what_the_request_could_not() {
    let world = overtaken(Action::refuse(400, "MessageRejected")).await;
    assert_eq!(world.mails(&customer(&world)).len(), 1);
    world.sweep_until_done().await.unwrap();
    assert_corrected(&world).await;
}

/// Runs a reset while an administrator, between its email and its promotion, sets another password
/// without an email. `second` is the action for the second email.
async fn overtaken(second: Action) -> World {
    let backend = testkit::backend().await;
    let world = World::new(&backend, &[]).await.unwrap();
    world
        .put(&world.copy_of("jdoe").await.unwrap())
        .await
        .unwrap();
    let admin = admin(&world, "one").await;

    let (mailing, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = Action(vec![
        Step::Notify(Arc::clone(&mailing)),
        Step::AwaitNotice(Arc::clone(&go_on)),
        Step::Forward,
    ]);
    let actions = Mutex::new(vec![second, first]);
    world.proxy.relays.script(move |call| {
        let is_mail = call.operation == "SendEmail";
        let action = is_mail.then(|| actions.lock().unwrap().pop());
        action.flatten().unwrap_or_else(Action::forward)
    });
    let customer = customer(&world);
    let administrator = async {
        mailing.notified().await;
        let email = format!("{customer}@example.com");
        let body = json!({ "Email": email, "NewPassword": NEW_PASSWORDS[0] });
        let answer = world.send(&set_password(&admin, &body)).await;
        go_on.notify_one();
        answer
    };
    let reset = reset(&customer);
    let answers = tokio::join!(world.send(&reset), administrator);
    assert_eq!(
        [answers.0.status(), answers.1.status()],
        [StatusCode::OK; 2]
    );
    world
}

fn customer(world: &World) -> String {
    format!("jdoe-{}", world.number)
}

/// Checks that the mailed password is invalid, and that the last email says so.
async fn assert_corrected(world: &World) {
    let customer = customer(world);
    let mails = world.mails(&customer);
    assert_eq!(mails.len(), 2);
    let mailed = mails[0].password().unwrap();
    assert!(!world.can_log_in(&customer, mailed).await.unwrap());
    assert!(world.can_log_in(&customer, NEW_PASSWORDS[0]).await.unwrap());
    assert_eq!(mails[1].password(), None);
    let item = world.item(&customer).await.unwrap();
    assert!(!item.contains_key("reset") && !item.contains_key("reset_superseded"));
}

async fn round(world: &World, number: u64) {
    let customer = world.copy_of("jdoe").await.unwrap();
    world.put(&customer).await.unwrap();
    let customer = customer["username"].as_s().unwrap();
    let admins = [admin(world, "one").await, admin(world, "two").await];

    // A different order in every round.
    let [first, second, third] =
        [37, 53, 71].map(|prime| Duration::from_millis(number * prime % 120));
    let email = format!("{customer}@example.com");
    let [one, two] = [0, 1].map(|i: usize| {
        let body =
            json!({ "Email": email, "NewPassword": NEW_PASSWORDS[i], "SendResetEmail": true });
        set_password(&admins[i], &body)
    });
    let reset = reset(customer);
    let answers = tokio::join!(
        after(first, world.send(&one)),
        after(second, world.send(&two)),
        after(third, world.send(&reset)),
    );
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer.status(), StatusCode::OK);
    }

    let winner = assert_one_winner(world, customer).await;
    world.sweep_until_done().await.unwrap();
    assert_eq!(assert_one_winner(world, customer).await, winner);
}

/// Returns the only valid password.
async fn assert_one_winner(world: &World, customer: &str) -> String {
    let mails = world.mails(customer);
    let mailed: Vec<_> = mails.iter().filter_map(Mail::password).collect();
    assert!(mailed.len() <= 1, "one reset, one email");
    let mut winners = Vec::new();
    for password in [&NEW_PASSWORDS[..], &mailed, &[OLD_PASSWORD]].concat() {
        if world.can_log_in(customer, password).await.unwrap() {
            winners.push(password);
        }
    }
    assert_eq!(winners.len(), 1);

    // Every change is counted once and has a row.
    let rows = world.audit(customer).await.unwrap();
    let times = |event: &str| {
        rows.iter()
            .filter(|row| text(row, "event") == event)
            .count()
    };
    let (set, reset) = (times("password.set"), times("password.reset"));
    assert_eq!(set, 2, "both administrators were told that it is done");
    let item = world.item(customer).await.unwrap();
    let version: usize = item["version"].as_n().unwrap().parse().unwrap();
    assert_eq!(version, 1 + set + reset);
    assert!(!item.contains_key("reset") && !item.contains_key("reset_queue"));

    // A mailed password is valid, or was replaced by an administrator's.
    let is_an_admins = NEW_PASSWORDS.contains(&winners[0]);
    let is_mailed = mailed.contains(&winners[0]);
    // An email with an invalid password is followed by a correction.
    let last = mails.last().and_then(Mail::password);
    assert_eq!(last.is_some(), is_mailed && last == Some(winners[0]));
    assert!(is_an_admins || (is_mailed && reset == 1));
    // Only users with a mailed password must choose another one.
    assert_eq!(item.contains_key("must_change_password"), is_mailed);
    winners[0].to_owned()
}

async fn after<T>(pause: Duration, action: impl Future<Output = T>) -> T {
    tokio::time::sleep(pause).await;
    action.await
}

/// Adds an administrator with this name. Returns the credential.
async fn admin(world: &World, name: &str) -> String {
    let mut item = world.copy_of("admin").await.unwrap();
    let username = format!("{}-{name}", text(&item, "username"));
    item.insert("username".to_owned(), attribute::text(&username));
    world.put(&item).await.unwrap();
    format!("{username}:{OLD_PASSWORD}")
}
