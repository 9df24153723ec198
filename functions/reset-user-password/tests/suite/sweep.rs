//! Scheduled events: the sweep finishes unfinished resets once, and the self-test detects errors.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use local::{Backend, Item, attribute};
use password::Secret;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::metrics::{self, Metric};
use shared::users::UsernameKey;
use shared::users::protocol::{Pending, reserve};
use testkit::faults::{Attempts, Failure, Fault, Injection, World};
use testkit::item::disable;
use testkit::relay::{Action, Step};
use testkit::requests::reset;
use tokio::time::Instant;

const OLD_PASSWORD: &str = "p@55wOrd";

/// A world with one account, and its name.
async fn world(backend: &Backend, variables: &[(&str, &str)]) -> (World, String) {
    let world = World::new(backend, variables).await.unwrap();
    let item = world.copy_of("jdoe").await.unwrap();
    world.put(&item).await.unwrap();
    let username = item["username"].as_s().unwrap().clone();
    (world, username)
}

fn count(summary: &Value, what: &str) -> u64 {
    summary["sweep"][what].as_u64().unwrap()
}

#[tokio::test]
async fn two_sweeps_at_once_finish_a_reset_once() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    world.send(&reset(&username)).await;
    backend.outbox.refuse(None);
    world.wait();

    // The second one starts while the first one's email is being sent.
    backend.outbox.delay(Duration::from_millis(200));
    let (one, other) = tokio::join!(world.sweep(), world.sweep());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(
        count(&one, "reset") + count(&other, "reset"),
        1,
        "{one} {other}"
    );
    assert_eq!(
        count(&one, "failed") + count(&other, "failed"),
        0,
        "{one} {other}"
    );

    let mails = world.mails(&username);
    assert_eq!(mails.len(), 1);
    assert!(
        world
            .can_log_in(&username, mails[0].password().unwrap())
            .await
            .unwrap()
    );
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "due"), 0);
    assert_eq!(world.mails(&username).len(), 1);
}

/// A delayed email gives the time of the request, not of the sweep.
#[tokio::test]
async fn a_mail_of_the_sweep_says_when_the_reset_was_requested() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    let requested_at = world.now();
    world.send(&reset(&username)).await;
    for _ in 0..2 {
        world.wait();
        assert_eq!(count(&world.sweep().await.unwrap(), "postponed"), 1);
    }
    backend.outbox.refuse(None);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
    let [mail] = world.mails(&username).try_into().unwrap();
    let requested = format!("Requested:    {}\n", requested_at.for_people());
    assert!(mail.text.contains(&requested), "{requested}: {mail:?}");
    assert_ne!(world.now().for_people(), requested_at.for_people());
}

/// A slow SES must not make the answer for a known name late.
#[tokio::test]
async fn overdue_work_is_left_to_the_sweep() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[("RESPONSE_FLOOR_MS", "1000")]).await;
    backend.outbox.delay(Duration::from_mins(1));
    let (answer, measured) = metrics::collect(world.send(&reset(&username))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(world.logged().contains(r#""outcome":"reset.overdue""#));
    assert_eq!(measured.values(Metric::ResetPending), [1.0]);
    assert!(world.can_log_in(&username, OLD_PASSWORD).await.unwrap());

    backend.outbox.delay(Duration::ZERO);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
    let mails = world.mails(&username);
    let mailed = mails.last().unwrap().password().unwrap();
    assert!(world.can_log_in(&username, mailed).await.unwrap());
    assert!(!world.can_log_in(&username, OLD_PASSWORD).await.unwrap());
}

#[tokio::test]
async fn an_abandoned_reset_is_counted() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    let ((), measured) = metrics::collect(Box::pin(async {
        world.send(&reset(&username)).await;
        world.sweep_until_done().await.unwrap();
    }))
    .await;
    assert_eq!(measured.values(Metric::MailFailures).len(), 5);
    assert_eq!(measured.values(Metric::ResetPending).len(), 5);
    assert_eq!(measured.values(Metric::ResetAbandoned), [1.0]);
    let rows = world.audit(&username).await.unwrap();
    let events: Vec<_> = rows
        .iter()
        .map(|row| row["event"].as_s().unwrap())
        .collect();
    assert_eq!(events, ["password.reset_abandoned"]);
}

fn self_test() -> Value {
    json!({
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "detail": { "task": "self-test" }
    })
}

#[tokio::test]
async fn the_self_test_resets_its_account_and_measures_the_gap() {
    let backend = testkit::backend().await;
    let variables = [("SELF_TEST_USERNAME", "canary")];
    let (world, _) = world(&backend, &variables).await;
    let mut canary = world.copy_of("jdoe").await.unwrap();
    canary.insert("username".to_owned(), attribute::text("canary"));
    world.put(&canary).await.unwrap();

    let (answer, measured) = metrics::collect(world.event(&self_test())).await;
    let answer = answer.unwrap();
    assert_eq!(answer["self_test"]["reset"], true, "{answer}");
    assert_eq!(answer["self_test"]["same_answer"], true, "{answer}");
    assert_eq!(measured.values(Metric::SelfTestGap).len(), 1);
    assert!(measured.values(Metric::SelfTestFailures).is_empty());
    assert_eq!(backend.outbox.mails().len(), 1);

    // It reports a missing account.
    let (elsewhere, _) = self::world(&backend, &[]).await;
    let (answer, measured) = metrics::collect(elsewhere.event(&self_test())).await;
    assert_eq!(answer.unwrap()["self_test"]["reset"], false);
    assert_eq!(measured.values(Metric::SelfTestFailures), [1.0]);

    // If repeated at once, the limit prevents the reset.
    let (answer, measured) = metrics::collect(world.event(&self_test())).await;
    assert_eq!(answer.unwrap()["self_test"]["reset"], false);
    assert_eq!(measured.values(Metric::SelfTestFailures), [1.0]);
}

#[tokio::test]
async fn unexpected_events_fail_the_invocation() {
    let backend = testkit::backend().await;
    let (world, _) = world(&backend, &[("ASMX_PROTOCOLS", "Soap")]).await;
    // The self-test uses HTTP GET.
    assert!(world.event(&self_test()).await.is_err());
    let mut other = self_test();
    other["detail"]["task"] = "something".into();
    assert!(world.event(&other).await.is_err());
    other["detail-type"] = "EC2 Instance State-change Notification".into();
    assert!(world.event(&other).await.is_err());
}

/// A world in which the email of the account's reset was not accepted.
async fn pending(backend: &Backend) -> (World, String) {
    let (world, username) = world(backend, &[]).await;
    backend.outbox.refuse(Some("MessageRejected"));
    world.send(&reset(&username)).await;
    (world, username)
}

/// An older version did not store the time of the request.
#[tokio::test]
async fn a_reset_without_its_time_is_swept_too() {
    let backend = testkit::backend().await;
    let (world, username) = pending(&backend).await;
    let mut item = world.item(&username).await.unwrap();
    let reset = item.get_mut("reset").unwrap();
    let AttributeValue::M(reset) = reset else {
        panic!("{reset:?}");
    };
    reset.remove("requested_at").unwrap();
    world.put(&item).await.unwrap();
    backend.outbox.refuse(None);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
}

/// The counts of a sweep that are not 0.
fn counts(summary: &Value) -> Value {
    let mut counts = summary["sweep"].clone();
    counts
        .as_object_mut()
        .unwrap()
        .retain(|_, count| count != 0);
    counts
}

/// The next attempts follow after 1, 2, 4 and 8 minutes, and the reset is abandoned 16 minutes
/// after the last one, although a reservation ends after half a minute.
#[tokio::test]
async fn every_attempt_waits_twice_as_long_as_the_one_before() {
    let backend = testkit::backend().await;
    let (world, _) = pending(&backend).await;
    for (delay, what) in [
        (60, "postponed"),
        (120, "postponed"),
        (240, "postponed"),
        (480, "postponed"),
        (960, "abandoned"),
    ] {
        world.wait_seconds(delay - 1);
        let early = counts(&world.sweep().await.unwrap());
        assert_eq!(early, json!({}), "before {delay} s");
        world.wait_seconds(1);
        let summary = counts(&world.sweep().await.unwrap());
        assert_eq!(summary, json!({ "due": 1, what: 1 }), "after {delay} s");
    }
    world.wait();
    assert_eq!(counts(&world.sweep().await.unwrap()), json!({}));
}

/// A world in which this number of resets is due, oldest first, and their names.
async fn many_pending(backend: &Backend, number: usize) -> (World, Vec<String>) {
    let world = World::new(backend, &[("MAIL_RATE", "100")]).await.unwrap();
    let plain = world.copy_of("jdoe").await.unwrap();
    let usernames: Vec<_> = (1..=number)
        .map(|each| format!("one-of-many-{}-{each}", world.number))
        .collect();
    for (username, age) in usernames.iter().zip((1..).map(|each| 1_000 - each)) {
        let mut item = plain.clone();
        let address = format!("{username}@example.com");
        item.insert("username".to_owned(), attribute::text(username));
        item.insert("email".to_owned(), attribute::text(&address));
        let requested_at = Timestamp(world.now().0 - age);
        let pending = Pending {
            username: &UsernameKey::new(username),
            hash: &Secret::from("nobody knows its password"),
            request_id: "failed",
            attempts: 0,
            requested_at,
            expires_at: requested_at,
            due_at: requested_at,
            operator: None,
        };
        assert!(reserve(&pending, requested_at).apply(&mut item));
        world.put(&item).await.unwrap();
    }
    (world, usernames)
}

fn assert_one_mail_each(world: &World, usernames: &[String]) {
    for username in usernames {
        assert_eq!(world.mails(username).len(), 1, "{username}");
    }
}

async fn assert_all_reset(world: &World, usernames: &[String]) {
    for username in usernames {
        let user = world.user(username).await.unwrap();
        let is_reset = user.reset.is_none() && user.must_change_password;
        assert!(is_reset, "{username}");
    }
}

#[tokio::test]
async fn one_sweep_mails_all_resets_after_an_outage_of_six_hours() {
    let backend = testkit::backend().await;
    let (world, usernames) = many_pending(&backend, 60).await;
    let outage = [
        "TooManyRequestsException",
        "SendingPausedException",
        "AccountSuspendedException",
    ];
    for error in outage.into_iter().cycle().take(12) {
        backend.outbox.refuse(Some(error));
        let summary = world.sweep().await.unwrap();
        // It does not call SES for every one of them: five fail while fifteen more are in progress.
        assert!(
            (5..=20).contains(&count(&summary, "postponed")),
            "{summary}"
        );
        assert_eq!(
            count(&summary, "postponed") + count(&summary, "left"),
            60,
            "{summary}"
        );
        world.wait_seconds(1_800);
    }
    for username in &usernames {
        let reset = world.user(username).await.unwrap().reset.unwrap();
        assert_eq!(reset.attempts, 0, "{username}");
        assert!(world.can_log_in(username, OLD_PASSWORD).await.unwrap());
    }
    backend.outbox.refuse(None);
    let summary = counts(&world.sweep().await.unwrap());
    assert_eq!(summary, json!({ "due": 60, "reset": 60 }));
    assert_all_reset(&world, &usernames).await;
    assert_one_mail_each(&world, &usernames);
}

#[tokio::test]
async fn a_sweep_ends_early_when_ses_cannot_be_reached() {
    let backend = testkit::backend().await;
    let (world, usernames) = many_pending(&backend, 30).await;
    let relays = &world.proxy.relays;
    relays.script(|call| match call.operation.as_str() {
        "SendEmail" => Action(vec![Step::Reset]),
        _ => Action::forward(),
    });
    let summary = world.sweep().await.unwrap();
    let (postponed, left) = (count(&summary, "postponed"), count(&summary, "left"));
    assert!((5..=20).contains(&postponed), "{summary}");
    assert_eq!(postponed + left, 30, "{summary}");

    relays.script(|_| Action::forward());
    world.wait_seconds(30);
    let summary = counts(&world.sweep().await.unwrap());
    assert_eq!(summary, json!({ "due": 30, "reset": 30 }));
    assert_all_reset(&world, &usernames).await;
}

#[tokio::test]
async fn two_sweeps_at_once_mail_nobody_twice() {
    let backend = testkit::backend().await;
    let (world, usernames) = many_pending(&backend, 30).await;
    let (one, other) = tokio::join!(world.sweep(), world.sweep());
    let (one, other) = (one.unwrap(), other.unwrap());
    let resets = count(&one, "reset") + count(&other, "reset");
    assert_eq!(resets, 30, "{one} {other}");
    assert_one_mail_each(&world, &usernames);
}

/// Sixteen are in progress at once, so an email can be at most fifteen places early.
#[tokio::test]
async fn those_who_wait_longest_are_mailed_first_whatever_their_shard() {
    let backend = testkit::backend().await;
    let (world, usernames) = many_pending(&backend, 60).await;
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 60);
    let mails = backend.outbox.mails();
    assert_eq!(mails.len(), 60);
    for (place, mail) in mails.iter().enumerate() {
        let [address] = &mail.to[..] else {
            panic!("{mail:?}");
        };
        let is_theirs = |name: &String| *address == format!("{name}@example.com");
        let turn = usernames.iter().position(is_theirs).unwrap();
        assert!(turn <= place + 15, "{turn} is mailed in place {place}");
    }
}

#[tokio::test]
async fn a_sweep_mails_no_faster_than_its_rate() {
    let backend = testkit::backend().await;
    let variables = [("MAIL_RATE", "4")];
    let world = World::new(&backend, &variables).await.unwrap();
    let item = world.copy_of("jdoe").await.unwrap();
    backend.outbox.refuse(Some("SendingPausedException"));
    for each in 1..=5 {
        let username = format!("paced-{each}");
        let mut item = item.clone();
        item.insert("username".to_owned(), attribute::text(&username));
        world.put(&item).await.unwrap();
        world.send(&reset(&username)).await;
    }
    backend.outbox.refuse(None);
    world.wait();
    let began = Instant::now();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 5);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

/// The limit equals the lifetime of a mailed password.
#[tokio::test]
async fn a_reset_is_abandoned_after_an_outage_of_a_day() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend.outbox.refuse(Some("SendingPausedException"));
    world.send(&reset(&username)).await;
    world.wait_seconds(24 * 3_600 - 1);
    assert_eq!(count(&world.sweep().await.unwrap(), "postponed"), 1);
    world.wait_seconds(60);
    let (summary, measured) = metrics::collect(world.sweep()).await;
    assert_eq!(count(&summary.unwrap(), "abandoned"), 1);
    assert_eq!(measured.values(Metric::ResetAbandoned), [1.0]);
}

/// An operator must correct the sender's setup, so resets are not abandoned because of it.
#[tokio::test]
async fn a_sender_that_is_not_set_up_does_not_count_as_an_attempt() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    backend
        .outbox
        .refuse(Some("MailFromDomainNotVerifiedException"));
    world.send(&reset(&username)).await;
    for _ in 0..8 {
        world.wait();
        assert_eq!(count(&world.sweep().await.unwrap(), "postponed"), 1);
    }
    backend.outbox.refuse(None);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
}

/// Older versions put all resets into one partition.
#[tokio::test]
async fn a_reset_of_an_older_version_is_found() {
    let backend = testkit::backend().await;
    let (world, username) = pending(&backend).await;
    let mut item = world.item(&username).await.unwrap();
    item.insert("reset_queue".to_owned(), attribute::text("pending"));
    world.put(&item).await.unwrap();
    backend.outbox.refuse(None);
    world.wait();
    assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);
}

/// A reservation whose process has ended blocks other resets only until the reservation ends.
#[tokio::test]
async fn a_request_after_a_reservation_gets_a_mail() {
    let backend = testkit::backend().await;
    let (world, username) = pending(&backend).await;
    backend.outbox.refuse(None);
    world.wait();
    world.send(&reset(&username)).await;
    let [mail] = world.mails(&username).try_into().unwrap();
    let mailed = mail.password().unwrap();
    assert!(world.can_log_in(&username, mailed).await.unwrap());
}

/// Malformed items leave the queue, and do not block others.
#[tokio::test]
async fn unreadable_resets_leave_the_queue() {
    let backend = testkit::backend().await;
    let number = DAMAGES.len();
    let (world, usernames) = many_pending(&backend, number + 1).await;
    let (broken, whole) = usernames.split_at(number);
    for (username, damage) in broken.iter().zip(DAMAGES) {
        let mut item = world.item(username).await.unwrap();
        damage(&mut item);
        world.put(&item).await.unwrap();
    }
    let (summary, measured) = metrics::collect(world.sweep()).await;
    let summary = counts(&summary.unwrap());
    let expected = json!({ "due": number + 1, "unreadable": number, "reset": 1 });
    assert_eq!(summary, expected);
    assert_eq!(measured.values(Metric::ResetUnreadable).len(), number);
    assert!(world.logged().contains(r#""event":"sweep.unreadable""#));
    assert_all_reset(&world, whole).await;
    for username in broken {
        let item = world.item(username).await.unwrap();
        for attribute in ["reset", "reset_queue", "reset_due_at"] {
            assert!(!item.contains_key(attribute), "{username}: {attribute}");
        }
        assert!(world.mails(username).is_empty(), "{username}");
        let [row] = &world.audit(username).await.unwrap()[..] else {
            panic!("{username}: not one row");
        };
        assert_eq!(row["event"].as_s().unwrap(), "password.reset_unreadable");
    }
}

const DAMAGES: [fn(&mut Item); 10] = [
    |item| drop(item.remove("id")),
    |item| drop(item.insert("id".to_owned(), attribute::number(1 << 63))),
    |item| drop(item.insert("id".to_owned(), AttributeValue::N("1.5".to_owned()))),
    |item| drop(item.remove("reset")),
    |item| {
        item.remove("id");
        item.insert(
            "reset_due_at".to_owned(),
            AttributeValue::N("-0.5".to_owned()),
        );
    },
    |item| drop(reset_of(item).remove("request_id")),
    |item| drop(reset_of(item).insert("attempts".to_owned(), attribute::text("many"))),
    // In milliseconds, so that the reservation would never end.
    |item| {
        let milliseconds = attribute::number(1_800_000_000_000);
        drop(reset_of(item).insert("expires_at".to_owned(), milliseconds));
    },
    |item| drop(item.insert("version".to_owned(), attribute::text("many"))),
    |item| drop(item.insert("version".to_owned(), AttributeValue::Bool(true))),
];

fn reset_of(item: &mut Item) -> &mut Item {
    let Some(AttributeValue::M(reset)) = item.get_mut("reset") else {
        unreachable!("the account has a reset")
    };
    reset
}

/// Any value of `reset_superseded` counts, as it does in the condition of the promotion.
#[tokio::test]
async fn any_value_of_reset_superseded_ends_a_reset_with_a_correction() {
    let backend = testkit::backend().await;
    for value in [
        AttributeValue::Bool(false),
        attribute::text("true"),
        attribute::number(1),
    ] {
        let (world, username) = pending(&backend).await;
        let mut item = world.item(&username).await.unwrap();
        item.insert("reset_superseded".to_owned(), value.clone());
        world.put(&item).await.unwrap();
        backend.outbox.refuse(None);
        world.wait();
        let summary = counts(&world.sweep().await.unwrap());
        assert_eq!(summary, json!({ "due": 1, "skipped": 1 }), "{value:?}");
        let [mail] = world.mails(&username).try_into().unwrap();
        assert_eq!(mail.password(), None, "{value:?}");
        assert!(world.can_log_in(&username, OLD_PASSWORD).await.unwrap());
        world.wait();
        assert_eq!(counts(&world.sweep().await.unwrap()), json!({}));
    }
}

/// A version that cannot be increased would make the promotion fail after the email was sent.
#[tokio::test]
async fn an_account_with_a_malformed_version_gets_no_password() {
    let backend = testkit::backend().await;
    let (world, username) = world(&backend, &[]).await;
    let mut item = world.item(&username).await.unwrap();
    item.insert("version".to_owned(), attribute::text("many"));
    world.put(&item).await.unwrap();
    world.send(&reset(&username)).await;
    assert!(world.mails(&username).is_empty());
    assert_eq!(world.item(&username).await.unwrap(), item);
}

/// A reset by an operator replaces the old password in either mode. Its audit row names the
/// operator, even if a sweep finishes the reset after several attempts.
#[tokio::test]
async fn a_sweep_finishes_a_reset_by_an_operator_in_their_name() {
    let backend = testkit::backend().await;
    let flag = ("by_operator", AttributeValue::Bool(true));
    for (operator, actor, requester) in [
        // As an older version wrote it.
        (vec![flag.clone()], None, None),
        (
            vec![
                flag,
                ("actor", attribute::text("an ARN")),
                ("requester", attribute::text("jo")),
            ],
            Some("an ARN"),
            Some("jo"),
        ),
    ] {
        let (world, username) = world(&backend, &[("RESET_MODE", "dual")]).await;
        backend.outbox.refuse(Some("MessageRejected"));
        world.send(&reset(&username)).await;
        let mut item = world.item(&username).await.unwrap();
        let operator = operator.into_iter();
        reset_of(&mut item).extend(operator.map(|(name, value)| (name.to_owned(), value)));
        world.put(&item).await.unwrap();
        world.wait();
        assert_eq!(count(&world.sweep().await.unwrap(), "postponed"), 1);
        backend.outbox.refuse(None);
        world.wait();
        assert_eq!(count(&world.sweep().await.unwrap(), "reset"), 1);

        let [mail] = world.mails(&username).try_into().unwrap();
        let mailed = mail.password().unwrap();
        assert!(world.can_log_in(&username, mailed).await.unwrap());
        assert!(!world.can_log_in(&username, OLD_PASSWORD).await.unwrap());
        let [row] = &world.audit(&username).await.unwrap()[..] else {
            panic!("{actor:?}: not one row");
        };
        let text = |name: &str| row.get(name).map(|value| value.as_s().unwrap().as_str());
        assert_eq!(text("event"), Some("password.reset"));
        assert_eq!(text("source"), Some("sweep"));
        assert_eq!((text("actor"), text("requester")), (actor, requester));
    }
}

/// A user who could no longer request a password does not get one.
#[tokio::test]
async fn a_reset_of_an_ineligible_account_is_abandoned() {
    let backend = testkit::backend().await;
    for (why, change) in [
        ("disabled", disable as fn(&mut Item)),
        ("no address", remove_address),
    ] {
        let (world, username) = pending(&backend).await;
        let mut item = world.item(&username).await.unwrap();
        change(&mut item);
        world.put(&item).await.unwrap();
        backend.outbox.refuse(None);
        world.wait();
        let (summary, measured) = metrics::collect(world.sweep()).await;
        let summary = counts(&summary.unwrap());
        assert_eq!(summary, json!({ "due": 1, "abandoned": 1 }), "{why}");
        assert_eq!(measured.values(Metric::ResetAbandoned), [1.0], "{why}");
        assert!(world.mails(&username).is_empty(), "{why}");
        assert!(
            world.user(&username).await.unwrap().reset.is_none(),
            "{why}"
        );
        let [row] = &world.audit(&username).await.unwrap()[..] else {
            panic!("{why}: not one row");
        };
        assert_eq!(row["event"].as_s().unwrap(), "password.reset_abandoned");
    }
}

fn remove_address(item: &mut Item) {
    item.remove("email");
    item.remove("email_key");
}

/// A reset that another sweep has reserved, or whose reservation failed, stays unchanged for the
/// next sweep.
#[tokio::test]
async fn resets_that_cannot_be_reserved_stay_due() {
    let backend = testkit::backend().await;
    let (world, username) = pending(&backend).await;
    backend.outbox.refuse(None);
    world.wait();
    for (fault, what) in [
        (Fault::ConditionFailed, "skipped"),
        (Fault::Throttled, "failed"),
    ] {
        let (call, attempts, name) = (RESERVATION, Attempts::Every, what);
        let failure = Failure {
            fault,
            attempts,
            name,
        };
        world.proxy.inject(Some(Injection { call, failure }));
        let summary = counts(&world.sweep().await.unwrap());
        let calls = world.proxy.calls();
        assert!(calls[RESERVATION].starts_with("UpdateItem"), "{calls:?}");
        assert_eq!(summary, json!({ "due": 1, what: 1 }));
    }
    world.proxy.inject(None);
    let summary = counts(&world.sweep().await.unwrap());
    assert_eq!(summary, json!({ "due": 1, "reset": 1 }));
    assert_eq!(world.mails(&username).len(), 1);
}

/// The number of the sweep's call that reserves, after those that query the queue and read the
/// account.
const RESERVATION: usize = 10;
