//! The model of the reset protocol applies its steps in memory. This test checks that DynamoDB
//! gives the same result for every step, on accounts of every kind.

use aws_sdk_dynamodb::types::AttributeValue;
use local::{Item, attribute};
use password::Secret;
use shared::audit::{Audit, Entry};
use shared::clock::Timestamp;
use shared::dynamodb::StoreError;
use shared::users::protocol::{self, Pending, Postponement, Promotion};
use shared::users::{Change, ResetMode, UsernameKey, Users};

const NOW: Timestamp = Timestamp(1_000);

/// All steps of one request.
fn steps() -> Vec<(&'static str, Change)> {
    let hash = &Secret::from("new");
    let pending = Pending {
        username: &UsernameKey::nobody(),
        hash,
        request_id: "ours",
        attempts: 2,
        requested_at: Timestamp(0),
        expires_at: NOW.plus_seconds(60),
        due_at: NOW.plus_seconds(120),
        operator: None,
    };
    let promotion = Promotion {
        hash,
        request_id: "ours",
        at: NOW,
        password_expires_at: NOW.plus_seconds(86_400),
    };
    let postponement = Postponement {
        request_id: "theirs",
        attempts: 3,
        due_at: NOW.plus_seconds(240),
    };
    let old = &Secret::from("old");
    vec![
        ("reserve", protocol::reserve(&pending, NOW)),
        ("retry", protocol::retry(&pending, "theirs", NOW)),
        ("postpone", protocol::postpone(&postponement)),
        ("dequeue", protocol::dequeue(NOW)),
        ("replace", protocol::promote(&promotion, ResetMode::Replace)),
        ("add", protocol::promote(&promotion, ResetMode::Dual)),
        ("use", protocol::use_temporary(hash, NOW, NOW)),
        ("withdraw", protocol::withdraw("ours")),
        ("mark", protocol::mark_address("u@example.com", NOW)),
        ("abandon", protocol::abandon("theirs", NOW)),
        ("clear", protocol::clear_superseded("ours")),
        (
            "set",
            protocol::set_password(hash, Some("u@example.com"), NOW),
        ),
        ("rehash", protocol::rehash(old, hash)),
    ]
}

/// An empty account, and accounts with each of these attributes.
fn accounts() -> Vec<Item> {
    let map = |entries: &[(&str, AttributeValue)]| {
        let entries = entries.iter().cloned();
        AttributeValue::M(
            entries
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    };
    let reset = |request_id, expires_at| {
        map(&[
            ("hash", attribute::text("new")),
            ("request_id", attribute::text(request_id)),
            ("expires_at", attribute::number(expires_at)),
        ])
    };
    let temporary = map(&[
        ("hash", attribute::text("new")),
        ("request_id", attribute::text("ours")),
    ]);
    let extras: [&[(&str, AttributeValue)]; 15] = [
        &[],
        &[("reset", reset("ours", 1_060))],
        &[("reset", reset("theirs", 1_060))],
        &[("reset", reset("theirs", 1_000))],
        &[
            ("reset", reset("ours", 1_060)),
            ("reset_superseded", AttributeValue::Bool(true)),
        ],
        &[("temporary", temporary)],
        &[
            ("reset_queue", attribute::text("pending#00")),
            ("reset_due_at", attribute::number(1_000)),
        ],
        &[
            ("reset_queue", attribute::text("pending#00")),
            ("reset_due_at", attribute::number(1_001)),
        ],
        &[("reset_due_at", attribute::number(1_000))],
        &[("disabled", AttributeValue::Bool(true))],
        &[("disabled", AttributeValue::Bool(false))],
        &[("email", attribute::text("another@example.com"))],
        &[("id", attribute::text("no number"))],
        &[("reset_superseded", attribute::text("no flag"))],
        &[("version", attribute::number(7))],
    ];
    let plain = Item::from([
        ("username".to_owned(), attribute::text("u")),
        ("id".to_owned(), attribute::number(1)),
        ("email".to_owned(), attribute::text("u@example.com")),
        ("password_hash".to_owned(), attribute::text("old")),
    ]);
    let mut accounts: Vec<_> = extras
        .iter()
        .map(|extra| {
            let mut account = plain.clone();
            let extra = extra.iter().cloned();
            account.extend(extra.map(|(name, value)| (name.to_owned(), value)));
            account
        })
        .collect();
    let mut unreachable = plain;
    unreachable.remove("email");
    accounts.push(unreachable);
    accounts
}

#[tokio::test]
async fn dynamodb_does_what_the_model_does() {
    let backend = testkit::backend().await;
    let dynamodb = &backend.clients.dynamodb;
    let users = Users::new(dynamodb.clone(), backend.tables.users.clone());
    let audit = Audit::new(dynamodb.clone(), backend.tables.audit.clone(), 1);
    let mut changed = 0;
    for (name, step) in steps() {
        for account in accounts() {
            let put = dynamodb.put_item().table_name(&backend.tables.users);
            put.set_item(Some(account.clone())).send().await.unwrap();
            let mut expected = account.clone();
            let is_changed = step.apply(&mut expected);
            let row = Entry {
                username: "u",
                at: NOW,
                event: "test",
                request_id: name,
                source: "test",
                actor: None,
                requester: None,
                detail: None,
            };
            let result = users
                .change(&UsernameKey::new("u"), &step, &audit.row(&row))
                .await;
            match result {
                Ok(()) => assert!(is_changed, "{name} {account:?}"),
                Err(error) => {
                    assert!(matches!(error, StoreError::Conflict), "{error}");
                    assert!(!is_changed, "{name} {account:?}");
                }
            }
            let get = dynamodb.get_item().table_name(&backend.tables.users);
            let get = get
                .key("username", attribute::text("u"))
                .consistent_read(true);
            let found = get.send().await.unwrap().item.unwrap();
            assert_eq!(found, expected, "{name} {account:?}");
            changed += u32::from(is_changed);
        }
    }
    // The step must apply to some accounts, but not to all.
    assert!((30..100).contains(&changed), "{changed}");
}
