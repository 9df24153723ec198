//! Sample emails of each kind, with a fictitious person, password and request.

use std::str::FromStr;

use super::brand::Brand;
use super::language::OldPassword;
use super::render::{AddressChanged, LoginUpdated, NewPassword};
use super::{MailError, Message};
use crate::clock::Timestamp;
use crate::users::{Profile, UsernameKey};

const PASSWORD: &str = "this-is-where-the-password-goes";
const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";
const SECONDS_PER_DAY: u64 = 86_400;

/// A kind of email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The email after a reset, with the new password, which has replaced the old one.
    NewPassword,
    /// The same email if the old password works until the new one is used.
    TemporaryPassword,
    /// The same email if the account had no password.
    FirstPassword,
    /// The email after an administrator set a password.
    LoginUpdated,
    /// The email to the old address after an operator changed it.
    AddressChanged,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::NewPassword,
        Self::TemporaryPassword,
        Self::FirstPassword,
        Self::LoginUpdated,
        Self::AddressChanged,
    ];

    /// The name in command lines and URLs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NewPassword => "new-password",
            Self::TemporaryPassword => "temporary-password",
            Self::FirstPassword => "first-password",
            Self::LoginUpdated => "login-updated",
            Self::AddressChanged => "address-changed",
        }
    }
}

impl FromStr for Kind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut kinds = Self::ALL.into_iter();
        kinds
            .find(|kind| kind.name() == name)
            .ok_or("no such email")
    }
}

/// Renders an email of this kind from the brand, in this language (a BCP 47 tag) or the brand's.
pub fn render_sample(
    kind: Kind,
    brand: &Brand,
    language: Option<&str>,
    at: Timestamp,
) -> Result<Message, MailError> {
    let recipient = &Profile {
        username: UsernameKey::new("jdoe"),
        display_username: "jdoe".to_owned(),
        id: 0,
        email: Some("jane.doe@example.com".to_owned()),
        display_name: "Jane Doe".to_owned(),
        brand: None,
        language: language.map(str::to_owned),
    };
    let request_id = REQUEST_ID;
    let new_password = |old_password| {
        NewPassword {
            brand,
            recipient,
            password: PASSWORD,
            old_password,
            at,
            expires_at: at.plus_seconds(SECONDS_PER_DAY),
            request_id,
        }
        .render()
    };
    match kind {
        Kind::NewPassword => new_password(OldPassword::Invalid),
        Kind::TemporaryPassword => new_password(OldPassword::Works),
        Kind::FirstPassword => new_password(OldPassword::Missing),
        Kind::LoginUpdated => LoginUpdated {
            brand,
            recipient,
            at,
            request_id,
        }
        .render(),
        Kind::AddressChanged => AddressChanged {
            brand,
            recipient,
            at,
            request_id,
        }
        .render(),
    }
}
