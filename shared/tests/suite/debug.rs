//! The Debug output of types with secrets contains no secrets.

use std::collections::BTreeSet;
use std::fmt::Debug;

use http::{HeaderMap, Method};
use password::{Cost, ExposeSecret as _, Hasher, Salt, Secret};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use shared::audit::Entry;
use shared::clock::Timestamp;
use shared::lambda::{Event, Request};
use shared::mail::{Brand, LoginUpdated, Message, NewPassword, OldPassword};
use shared::users::{
    Account, Attempt, NewAccount, Operator, Pending, Profile, Promotion, ResetMode,
    TemporaryPassword, UsernameKey, protocol, verify,
};
use xml::{Node, Reader};

/// The value of every field that may contain a password, a hash, a credential or an address.
const MARK: &str = "p@55wOrd-mark";

fn assert_hidden(value: &dyn Debug) {
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!shown.contains(MARK), "{shown}");
        assert!(!shown.contains("$argon2"), "{shown}");
    }
}

fn profile() -> Profile {
    Profile {
        username: UsernameKey::new(MARK),
        display_username: MARK.to_owned(),
        id: 1,
        email: Some(format!("{MARK}@example.com")),
        display_name: MARK.to_owned(),
        brand: None,
        language: None,
    }
}

fn account(hash: &Secret) -> Account {
    Account {
        profile: profile(),
        roles: BTreeSet::new(),
        password_hash: Some(hash.clone()),
        password_changed_at: None,
        password_expires_at: None,
        must_change_password: false,
        temporary: Some(TemporaryPassword {
            hash: hash.clone(),
            expires_at: Timestamp(1),
        }),
        reset: None,
        disabled: false,
        email_failed_at: None,
        version: 0,
        sessions_valid_after: None,
    }
}

#[test]
fn no_address_is_in_the_debug_output_of_an_account() {
    assert_hidden(&profile());
    assert_hidden(&NewAccount {
        profile: profile(),
        roles: BTreeSet::new(),
        password_hash: Some(Secret::from(MARK)),
        disabled: false,
    });
}

#[test]
fn no_secret_is_in_debug_output() {
    let secret = Secret::from(MARK);
    let hasher = Hasher::new(Cost::DEFAULT);
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let hash = hasher.hash(&secret, Salt::generate(&mut rng)).unwrap();
    assert!(hash.expose_secret().starts_with("$argon2"));
    let now = Timestamp(2);

    assert_hidden(&secret);
    assert_hidden(&hash);
    let entry = Entry {
        username: MARK,
        at: now,
        event: "password.set",
        request_id: "r-1",
        source: "192.0.2.1",
        actor: Some(MARK),
        requester: Some(MARK),
        detail: Some(MARK),
    };
    assert_hidden(&entry);
    assert_hidden(&hasher);
    assert_hidden(&hasher.verify(&secret, &hash));
    assert_hidden(&UsernameKey::new(MARK));

    let account = account(&hash);
    assert_hidden(&account);
    assert_hidden(&account.temporary);
    let attempt = Attempt {
        password: secret,
        mode: ResetMode::Dual,
        now,
    };
    assert_hidden(&attempt);
    assert_hidden(&verify(&hasher, Some(&account), &attempt));

    let operator = Operator {
        actor: Some(MARK.to_owned()),
        requester: Some(MARK.to_owned()),
    };
    let pending = Pending {
        username: &UsernameKey::new(MARK),
        hash: &hash,
        request_id: "r",
        attempts: 1,
        requested_at: Timestamp(0),
        expires_at: now,
        due_at: now,
        operator: Some(&operator),
    };
    let promotion = Promotion {
        hash: &hash,
        request_id: "r",
        at: now,
        password_expires_at: now,
    };
    assert_hidden(&pending);
    assert_hidden(&promotion);
    let email = format!("{MARK}@example.com");
    for change in [
        protocol::reserve(&pending, now),
        protocol::retry(&pending, "r", now),
        protocol::promote(&promotion, ResetMode::Replace),
        protocol::promote(&promotion, ResetMode::Dual),
        protocol::use_temporary(&hash, now, now),
        protocol::set_password(&hash, Some(&email), now),
        protocol::mark_address(&email, now),
        protocol::rehash(&hash, &hash),
    ] {
        assert_hidden(&change);
        assert_hidden(&change.condition);
    }

    let mut headers = HeaderMap::new();
    headers.insert("authorization", MARK.parse().unwrap());
    let request = Request::new(Method::POST, &format!("/x?{MARK}"), headers, MARK.into());
    assert_hidden(&request);
    assert_hidden(&Event {
        kind: Event::SCHEDULED.to_owned(),
        detail: MARK.into(),
    });
}

#[test]
fn no_value_of_a_document_is_in_debug_output() {
    let text = format!("<x a='{MARK}' xmlns='{MARK}'>{MARK}<![CDATA[{MARK}]]><!--{MARK}--></x>");
    let mut reader = Reader::new(&text);
    let mut texts = 0;
    loop {
        let node = reader.next_node().unwrap();
        assert_hidden(&node);
        assert_hidden(&reader);
        match node {
            Node::Text(text) if text == MARK => texts += 1,
            Node::Eof => break,
            _ => {}
        }
    }
    assert_eq!(texts, 2);
}

#[test]
fn neither_password_nor_name_is_in_the_debug_output_of_a_mail() {
    let brand = Brand {
        product_name: "Pump Alarm".to_owned(),
        from: "no-reply@example.com".to_owned(),
        support_contact: "support@example.com".to_owned(),
        login_url: "https://example.com/".to_owned(),
        ..Brand::default()
    };
    let mail = NewPassword {
        brand: &brand,
        recipient: &profile(),
        password: MARK,
        old_password: OldPassword::Works,
        at: Timestamp(1),
        expires_at: Timestamp(2),
        request_id: "r",
    };
    assert_hidden(&mail);
    let message: Message = mail.render().unwrap();
    assert!(message.text.contains(MARK));
    assert_hidden(&message);
    assert_hidden(&LoginUpdated {
        brand: &brand,
        recipient: &profile(),
        at: Timestamp(1),
        request_id: "r",
    });
}
