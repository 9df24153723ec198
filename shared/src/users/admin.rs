//! The changes that operators make to an account, each a [`Change`] of one item.

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::change::{Change, Condition, Path};
use super::item::{Account, Profile};
use super::key::{brand_key, email_key};
use super::protocol::{MAILED_PASSWORD, PENDING_RESET, has_address};
use crate::clock::Timestamp;
use crate::dynamodb::{Item, get_flag, get_text, number, secret, text};
use password::Secret;

/// A new account, or the new state of an account that an import overwrites.
#[derive(Clone)]
pub struct NewAccount {
    /// The owner: names, customer number, address, brand and language.
    pub profile: Profile,
    /// The roles, which are case-sensitive.
    pub roles: BTreeSet<String>,
    /// The stored hash of the password. If `None`, the owner of a new account gets the first
    /// password through a reset, and an [overwritten](overwrite) account keeps its password.
    pub password_hash: Option<Secret>,
    /// Whether logins and resets are refused.
    pub disabled: bool,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewAccount(..)")
    }
}

/// Adds an account, unless its user name is taken. A password counts as set at `now`. Sessions of a
/// deleted account with the same name stay invalid.
#[must_use]
pub fn add(account: &NewAccount, now: Timestamp) -> Change {
    let mut set = present(account);
    set.push(("sessions_valid_after", number(now.0)));
    if account.password_hash.is_some() {
        set.push(("password_changed_at", number(now.0)));
    }
    Change {
        condition: Condition::Missing("username"),
        set,
        increment: Some("version"),
        remove: vec![],
    }
}

/// Adds an imported account, unless its user name is taken. Sets `imported_at` and not
/// `password_changed_at`, since the password is older than `now`. Sessions of a deleted account
/// with the same name stay invalid.
#[must_use]
pub fn import(account: &NewAccount, now: Timestamp) -> Change {
    let mut set = present(account);
    set.push(("imported_at", number(now.0)));
    set.push(("sessions_valid_after", number(now.0)));
    Change {
        condition: Condition::Missing("username"),
        set,
        increment: Some("version"),
        remove: vec![],
    }
}

/// Overwrites an account with a row of an import and ends its sessions, unless an attribute that
/// the row contains has changed since `found` was read. `None` if nothing differs.
///
/// Without a hash in the row, the password stays. A different hash invalidates everything that was
/// mailed: a temporary password and a pending reset. So does
/// [a different address](is_other_address), which also removes a mailed password that the user has
/// not changed yet.
#[must_use]
pub fn overwrite(account: &NewAccount, found: &Item, now: Timestamp) -> Option<Change> {
    let mut change = differences(account, found)?;
    let old = get_text(found, "email").filter(|email| !email.is_empty());
    let new = account.profile.email.as_deref();
    let is_moved = is_other(old, new);
    let is_new_hash = change.set.iter().any(|(path, _)| *path == "password_hash");
    if is_moved && account.password_hash.is_none() {
        let mut password = Change::only_if(has("password_hash", found.get("password_hash")));
        if get_flag(found, "must_change_password") {
            password.remove.push("password_hash");
        }
        change = change.and(password);
    }
    if old != new {
        change.remove.push("email_failed_at");
    }
    if is_moved || is_new_hash {
        change.remove.extend(PENDING_RESET);
        change.remove.extend(MAILED_PASSWORD);
    }
    if is_new_hash {
        change.set.push(("password_changed_at", number(now.0)));
    }
    change.set.push(("imported_at", number(now.0)));
    change.set.push(("sessions_valid_after", number(now.0)));
    change.increment = Some("version");
    Some(change)
}

/// Replaces the attributes of a row that differ, unless an attribute that the row contains has
/// changed since `found` was read. `None` if none differs.
fn differences(account: &NewAccount, found: &Item) -> Option<Change> {
    let mut conditions = vec![Condition::Exists("username")];
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (path, new) in attributes(account) {
        if path == "password_hash" && new.is_none() {
            continue;
        }
        let old = found.get(path);
        conditions.push(has(path, old));
        match new {
            new if is_same(old, new.as_ref()) => {}
            Some(new) => set.push((path, new)),
            None => remove.push(path),
        }
    }
    let is_changed = !(set.is_empty() && remove.is_empty());
    is_changed.then_some(Change {
        condition: Condition::All(conditions),
        set,
        increment: None,
        remove,
    })
}

/// Whether two values of an attribute have the same meaning: the order of a set does not matter, a
/// missing `disabled` means false, and a missing name means an empty one.
fn is_same(old: Option<&AttributeValue>, new: Option<&AttributeValue>) -> bool {
    match (old, new) {
        (Some(AttributeValue::Ss(old)), Some(AttributeValue::Ss(new))) => {
            BTreeSet::from_iter(old) == BTreeSet::from_iter(new)
        }
        (Some(AttributeValue::Bool(false)), None) => true,
        (None, Some(AttributeValue::S(text))) => text.is_empty(),
        (old, new) => old == new,
    }
}

/// Disables logins and resets of an account, and ends its sessions.
#[must_use]
pub fn disable(now: Timestamp) -> Change {
    Change {
        condition: Condition::Exists("username"),
        set: vec![
            ("disabled", AttributeValue::Bool(true)),
            ("sessions_valid_after", number(now.0)),
        ],
        increment: None,
        remove: vec![],
    }
}

/// Enables logins and resets of an account.
#[must_use]
pub fn enable() -> Change {
    Change {
        condition: Condition::Exists("username"),
        set: vec![],
        increment: None,
        remove: vec!["disabled"],
    }
}

/// Replaces the roles `old` with `new`, unless they have changed since they were read.
#[must_use]
pub fn set_roles(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Change {
    let (set, remove) = match roles(new) {
        Some(roles) => (vec![("roles", roles)], vec![]),
        None => (vec![], vec!["roles"]),
    };
    Change {
        condition: Condition::All(vec![
            Condition::Exists("username"),
            has("roles", roles(old).as_ref()),
        ]),
        set,
        increment: None,
        remove,
    }
}

/// Whether `new` differs from the account's address. `None` means no address.
#[must_use]
pub fn is_other_address(account: &Account, new: Option<&str>) -> bool {
    is_other(account.profile.email.as_deref(), new)
}

fn is_other(old: Option<&str>, new: Option<&str>) -> bool {
    old.map(email_key) != new.map(email_key)
}

/// Replaces or removes the address, and removes its mark `email_failed_at`, unless the address or
/// the password has changed since the account was read.
///
/// [A different address](is_other_address) ends the sessions and invalidates everything that was
/// mailed to the old one: a temporary password, a pending reset, and a mailed password that the
/// user has not changed yet.
#[must_use]
pub fn set_email(account: &Account, new: Option<&str>, now: Timestamp) -> Change {
    let has_address = has_address(account.profile.email.as_deref());
    let mut conditions = vec![Condition::Exists("username"), has_address];
    let mut set = Vec::new();
    let mut remove = vec!["email_failed_at"];
    let mut increment = None;
    match new {
        Some(email) => set.extend([
            ("email", text(email)),
            ("email_key", text(&email_key(email))),
        ]),
        None => remove.extend(["email", "email_key"]),
    }
    if is_other_address(account, new) {
        conditions.push(has_hash(account));
        set.push(("sessions_valid_after", number(now.0)));
        remove.extend(PENDING_RESET);
        remove.extend(MAILED_PASSWORD);
        if account.must_change_password {
            remove.push("password_hash");
            increment = Some("version");
        }
    }
    Change {
        condition: Condition::All(conditions),
        set,
        increment,
        remove,
    }
}

/// The condition that the password has not changed since the account was read.
fn has_hash(account: &Account) -> Condition {
    let hash = account.password_hash.as_ref().map(secret);
    has("password_hash", hash.as_ref())
}

/// The condition that an attribute has this value, or is missing if it is `None`.
fn has(path: Path, value: Option<&AttributeValue>) -> Condition {
    match value {
        Some(value) => Condition::Equals(path, value.clone()),
        None => Condition::Missing(path),
    }
}

/// Replaces whichever of customer number, name, brand and language differ from `new`, unless one
/// of these has changed since the account was read. `None` if none differs.
#[must_use]
pub fn set_profile(account: &Account, new: &Profile) -> Option<Change> {
    let (old, new) = (described(&account.profile), described(new));
    let mut conditions = vec![Condition::Exists("username")];
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for ((path, old), (_, new)) in old.into_iter().zip(new) {
        if old == new {
            continue;
        }
        conditions.push(match old {
            // An account without a name may lack the attribute.
            Some(old) if path != "display_name" => Condition::Equals(path, old),
            Some(old) => {
                Condition::Any(vec![Condition::Equals(path, old), Condition::Missing(path)])
            }
            None => Condition::Missing(path),
        });
        match new {
            Some(new) => set.push((path, new)),
            None => remove.push(path),
        }
    }
    (conditions.len() > 1).then_some(Change {
        condition: Condition::All(conditions),
        set,
        increment: None,
        remove,
    })
}

/// Ends all sessions of an account. The new `version` also ends those that began in this second.
#[must_use]
pub fn end_sessions(now: Timestamp) -> Change {
    Change {
        condition: Condition::Exists("username"),
        set: vec![("sessions_valid_after", number(now.0))],
        increment: Some("version"),
        remove: vec![],
    }
}

/// Removes the password with this hash and ends the sessions. A temporary password and a pending
/// reset stay valid.
#[must_use]
pub fn expire_password(hash: &Secret, now: Timestamp) -> Change {
    Change {
        condition: Condition::Equals("password_hash", secret(hash)),
        set: vec![("sessions_valid_after", number(now.0))],
        increment: Some("version"),
        remove: vec![
            "password_hash",
            "must_change_password",
            "password_expires_at",
        ],
    }
}

/// The condition that an item still has the customer number and the roles that it had when read,
/// even if they are malformed.
pub(super) fn has_owner_and_roles(item: &Item) -> Condition {
    Condition::All(vec![
        Condition::Exists("username"),
        has("id", item.get("id")),
        has("roles", item.get("roles")),
    ])
}

/// The attributes that must not have changed since an account was read. Otherwise it is not moved
/// to another key.
const MOVED: [Path; 10] = [
    "version",
    "password_hash",
    "email",
    "email_key",
    "email_failed_at",
    "roles",
    "disabled",
    "reset",
    "temporary",
    "sessions_valid_after",
];

/// The condition that the relevant attributes of an item have not changed since it was read.
#[must_use]
pub fn is_unchanged(item: &Item) -> Condition {
    let unchanged = MOVED.map(|path| has(path, item.get(path)));
    Condition::All([&[Condition::Exists("username")], &unchanged[..]].concat())
}

/// Replaces or removes the address's key in `email-index`, unless the account has changed since it
/// was read.
#[must_use]
pub fn set_email_key(item: &Item, email_key: Option<&str>) -> Change {
    Change {
        condition: is_unchanged(item),
        set: email_key
            .map(|key| ("email_key", text(key)))
            .into_iter()
            .collect(),
        increment: None,
        remove: if email_key.is_some() {
            vec![]
        } else {
            vec!["email_key"]
        },
    }
}

/// Roles as an attribute. `None` if there are none, because DynamoDB has no empty sets.
fn roles(roles: &BTreeSet<String>) -> Option<AttributeValue> {
    let roles: Vec<_> = roles.iter().cloned().collect();
    (!roles.is_empty()).then_some(AttributeValue::Ss(roles))
}

/// The attributes of an account, `None` for those that it lacks.
fn attributes(account: &NewAccount) -> [(Path, Option<AttributeValue>); 10] {
    let profile = &account.profile;
    let email = profile.email.as_deref();
    let [id, display_name, brand, language] = described(profile);
    [
        ("display_username", Some(text(&profile.display_username))),
        id,
        ("email", email.map(text)),
        ("email_key", email.map(|email| text(&email_key(email)))),
        display_name,
        brand,
        language,
        ("roles", roles(&account.roles)),
        ("password_hash", account.password_hash.as_ref().map(secret)),
        (
            "disabled",
            account.disabled.then_some(AttributeValue::Bool(true)),
        ),
    ]
}

/// The attributes that only describe the owner, for answers and emails.
fn described(profile: &Profile) -> [(Path, Option<AttributeValue>); 4] {
    [
        ("id", Some(number(profile.id))),
        ("display_name", Some(text(&profile.display_name))),
        ("brand", Some(text(&brand_key(profile.brand.as_deref())))),
        ("language", profile.language.as_deref().map(text)),
    ]
}

fn present(account: &NewAccount) -> Vec<(Path, AttributeValue)> {
    let attributes = attributes(account).into_iter();
    attributes
        .filter_map(|(path, value)| Some((path, value?)))
        .collect()
}
