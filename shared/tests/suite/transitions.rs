//! Each condition of the reset protocol in isolation: the items that a step refuses, and the
//! attributes that it removes.

use aws_sdk_dynamodb::types::AttributeValue;
use local::{Item, attribute};
use password::Secret;
use shared::clock::Timestamp;
use shared::users::protocol::{self, Pending, Promotion};
use shared::users::{Change, MAX_ID, ResetMode, UsernameKey};

const NOW: Timestamp = Timestamp(1_000);

fn account(extra: &[(&str, AttributeValue)]) -> Item {
    let mut item = Item::from([
        ("username".to_owned(), attribute::text("u")),
        ("id".to_owned(), attribute::number(1)),
        ("email".to_owned(), attribute::text("u@example.com")),
        ("password_hash".to_owned(), attribute::text("old")),
    ]);
    let extra = extra.iter().cloned();
    item.extend(extra.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// A reset of this request, reserved until `expires_at`.
fn reset(request_id: &str, expires_at: u64) -> (&'static str, AttributeValue) {
    let reset = Item::from([
        ("hash".to_owned(), attribute::text("new")),
        ("request_id".to_owned(), attribute::text(request_id)),
        ("expires_at".to_owned(), attribute::number(expires_at)),
    ]);
    ("reset", AttributeValue::M(reset))
}

fn with_pending(step: impl FnOnce(&Pending<'_>) -> Change) -> Change {
    step(&Pending {
        username: &UsernameKey::new("u"),
        hash: &Secret::from("new"),
        request_id: "ours",
        attempts: 0,
        requested_at: NOW,
        expires_at: NOW.plus_seconds(30),
        due_at: NOW.plus_seconds(30),
        operator: None,
    })
}

fn reserve() -> Change {
    with_pending(|pending| protocol::reserve(pending, NOW))
}

fn promote(request_id: &str, hash: &str) -> Change {
    let promotion = Promotion {
        hash: &Secret::from(hash),
        request_id,
        at: NOW,
        password_expires_at: NOW.plus_seconds(60),
    };
    protocol::promote(&promotion, ResetMode::Replace)
}

#[test]
fn a_reservation_requires_an_eligible_account() {
    for (what, item, expected) in [
        ("a free account", account(&[]), true),
        ("over", account(&[reset("other", 1_000)]), true),
        (
            "without an end",
            account(&[("reset", AttributeValue::M(Item::new()))]),
            true,
        ),
        (
            "not a map",
            account(&[("reset", attribute::text("reset"))]),
            true,
        ),
        ("not over", account(&[reset("other", 1_001)]), false),
        ("no number", account(&[("id", attribute::text("1"))]), false),
        (
            "the greatest number",
            account(&[("id", attribute::number(MAX_ID))]),
            true,
        ),
        (
            "beyond the greatest number",
            account(&[("id", attribute::number(MAX_ID + 1))]),
            false,
        ),
        (
            "a version that cannot be incremented",
            account(&[("version", attribute::text("1"))]),
            false,
        ),
    ] {
        let mut item = item;
        assert_eq!(reserve().apply(&mut item), expected, "{what}: {item:?}");
    }
}

#[test]
fn each_later_step_requires_its_condition() {
    let retry = || with_pending(|pending| protocol::retry(pending, "failed", NOW));
    let set = |email| protocol::set_password(&Secret::from("new"), Some(email), NOW);
    let due = |at| {
        [
            ("reset_queue", attribute::text("pending#00")),
            ("reset_due_at", attribute::number(at)),
        ]
    };
    for (what, change, item, expected) in [
        ("over", retry(), account(&[reset("failed", 1_000)]), true),
        (
            "not over",
            retry(),
            account(&[reset("failed", 1_001)]),
            false,
        ),
        (
            "another's",
            retry(),
            account(&[reset("other", 1_000)]),
            false,
        ),
        (
            "over",
            protocol::abandon("failed", NOW),
            account(&[reset("failed", 1_000)]),
            true,
        ),
        (
            "not over",
            protocol::abandon("failed", NOW),
            account(&[reset("failed", 1_001)]),
            false,
        ),
        ("due", protocol::dequeue(NOW), account(&due(1_000)), true),
        (
            "due later",
            protocol::dequeue(NOW),
            account(&due(1_001)),
            false,
        ),
        // Long after its reservation, as long as nobody else has reserved, its password is still
        // the mailed one.
        (
            "late",
            promote("ours", "new"),
            account(&[reset("ours", 1)]),
            true,
        ),
        (
            "another's",
            promote("ours", "new"),
            account(&[reset("other", 1_030)]),
            false,
        ),
        (
            "another hash",
            promote("ours", "older"),
            account(&[reset("ours", 1_030)]),
            false,
        ),
        (
            "promoted before",
            promote("ours", "new"),
            account(&[]),
            false,
        ),
        ("the same address", set("u@example.com"), account(&[]), true),
        ("another address", set("v@example.com"), account(&[]), false),
    ] {
        let mut item = item;
        assert_eq!(change.apply(&mut item), expected, "{what}: {item:?}");
    }
}

#[test]
fn old_attributes_are_removed() {
    let superseded = ("reset_superseded", AttributeValue::Bool(true));
    let mut reserved = account(&[superseded]);
    assert!(reserve().apply(&mut reserved));
    assert!(!reserved.contains_key("reset_superseded"));

    let temporary = ("temporary", AttributeValue::M(Item::new()));
    let mut promoted = account(&[temporary, reset("ours", 1_030)]);
    assert!(promote("ours", "new").apply(&mut promoted));
    assert!(!promoted.contains_key("temporary") && !promoted.contains_key("reset"));
}
