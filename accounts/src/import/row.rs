//! One row: what may stand in each column.

use std::collections::BTreeSet;

use oxilangtag::LanguageTag;
use password::{HashError, Secret, Stored};
use shared::mail::entered;
use shared::users::{
    MAX_ID, MAX_NAME_LENGTH, NOBODY, NewAccount, Profile, UsernameKey, brand_key, email_key,
};

const MAX_ROLES: usize = 32;
const MAX_ROLE_LENGTH: usize = 64;
/// RFC 5646 section 4.4.1: the least that a limit must allow.
const MAX_LANGUAGE_LENGTH: usize = 35;
/// The longest known hash has about 300 bytes.
const MAX_HASH_LENGTH: usize = 512;

/// The columns; the password, which alone may be left out of a row that overwrites, is the last.
pub(crate) const COLUMNS: [&str; 9] = [
    "username",
    "id",
    "email",
    "display_name",
    "brand",
    "language",
    "roles",
    "disabled",
    "password_hash",
];

/// The text of each column; empty where there is none.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) username: String,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) brand: String,
    pub(crate) language: String,
    pub(crate) roles: String,
    pub(crate) password_hash: String,
    pub(crate) disabled: String,
}

impl Row {
    /// The text of a column; nothing when there is no such column.
    pub(crate) fn column(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "username" => &mut self.username,
            "id" => &mut self.id,
            "email" => &mut self.email,
            "display_name" => &mut self.display_name,
            "brand" => &mut self.brand,
            "language" => &mut self.language,
            "roles" => &mut self.roles,
            "password_hash" => &mut self.password_hash,
            "disabled" => &mut self.disabled,
            _ => return None,
        })
    }

    /// The account of this row, or all that is wrong with it. Reasons hold nothing of the row: a
    /// column that slipped may hold a hash.
    pub(crate) fn check(self) -> Result<NewAccount, Vec<String>> {
        let mut reasons = Vec::new();
        let mut note = |reason| reasons.push(reason);
        let username = UsernameKey::new(&self.username);
        if username.as_str() == NOBODY {
            note(format!(
                "username is not one line of 1 to {MAX_NAME_LENGTH} bytes"
            ));
        }
        if username.as_str().starts_with("brand#") {
            // Brands have such keys in the audit trail.
            note("username begins with brand#".to_owned());
        }
        let email = checked(email(&self.email), &mut note);
        // The key is what is stored, and may be longer than the name.
        let brand_length = brand_key(Some(&self.brand)).len().max(self.brand.len());
        for (name, text, length) in [
            ("display_name", &self.display_name, self.display_name.len()),
            ("brand", &self.brand, brand_length),
        ] {
            if length > MAX_NAME_LENGTH || text.contains(char::is_control) {
                note(format!(
                    "{name} is not one line of at most {MAX_NAME_LENGTH} bytes"
                ));
            }
        }
        let id = checked(id(&self.id), &mut note);
        let language = checked(language(&self.language), &mut note);
        let roles = checked(roles(&self.roles), &mut note);
        let password_hash = checked(password_hash(self.password_hash), &mut note);
        let disabled = checked(flag(&self.disabled), &mut note);
        if !reasons.is_empty() {
            return Err(reasons);
        }
        Ok(NewAccount {
            profile: Profile {
                username,
                display_username: self.username.trim().to_owned(),
                id,
                email,
                display_name: self.display_name.trim().to_owned(),
                brand: some(&self.brand).map(str::to_owned),
                language,
            },
            roles,
            password_hash,
            disabled,
        })
    }
}

fn checked<T: Default>(value: Result<T, String>, note: &mut impl FnMut(String)) -> T {
    value.map_err(note).unwrap_or_default()
}

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn email(text: &str) -> Result<Option<String>, String> {
    let email = some(text).map(|email| match entered(email) {
        Ok(email) if email_key(&email) != NOBODY => Ok(email),
        Ok(_) => Err("email is too long".to_owned()),
        Err(error) => Err(format!("email {error}")),
    });
    email.transpose()
}

fn id(text: &str) -> Result<u64, String> {
    let id = text.trim().parse();
    let id = id.map_err(|_| "id is not a whole number".to_owned())?;
    if id > MAX_ID {
        return Err(format!("id is greater than {MAX_ID}"));
    }
    Ok(id)
}

/// A tag in the spelling that RFC 5646 section 2.1.1 recommends.
fn language(text: &str) -> Result<Option<String>, String> {
    let tag = some(text).map(|tag| {
        let tag = Some(tag).filter(|tag| tag.len() <= MAX_LANGUAGE_LENGTH);
        let tag = tag.and_then(|tag| LanguageTag::parse_and_normalize(tag).ok());
        tag.map(LanguageTag::into_inner)
            .ok_or_else(|| "language is not a BCP 47 tag".to_owned())
    });
    tag.transpose()
}

fn roles(text: &str) -> Result<BTreeSet<String>, String> {
    let roles = text.split(';').filter_map(some);
    let roles: BTreeSet<_> = roles.map(role).collect::<Result<_, _>>()?;
    if roles.len() > MAX_ROLES {
        return Err(format!("roles are more than {MAX_ROLES}"));
    }
    Ok(roles)
}

/// The name of a role, if it can be one.
pub(crate) fn role(name: &str) -> Result<String, String> {
    let name = name.trim();
    let is_possible = (1..=MAX_ROLE_LENGTH).contains(&name.len())
        && !name.contains(|c: char| c.is_control() || c == ';');
    if is_possible {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "a role is one line of 1 to {MAX_ROLE_LENGTH} bytes"
        ))
    }
}

fn password_hash(text: String) -> Result<Option<Secret>, String> {
    let hash = Secret::from(text);
    match password::length(&hash) {
        0 => return Ok(None),
        1..=MAX_HASH_LENGTH => {}
        _ => return Err("password_hash is in no known format".to_owned()),
    }
    match Stored::parse(&hash) {
        Ok(_) => Ok(Some(hash)),
        Err(HashError::Unreadable) => Err(
            "password_hash is in no known format; leave it empty for a password that is in the \
             clear or encrypted: the person asks for a reset"
                .to_owned(),
        ),
        Err(error) => Err(format!("password_hash: {error}")),
    }
}

fn flag(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("disabled is not true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(changes: &[(&str, &str)]) -> Row {
        let mut row = Row::default();
        for (name, text) in [("username", "jdoe"), ("id", "42")].iter().chain(changes) {
            (*text).clone_into(row.column(name).unwrap());
        }
        row
    }

    #[test]
    fn every_column_has_a_place() {
        for name in COLUMNS {
            assert!(Row::default().column(name).is_some(), "{name}");
        }
        assert!(Row::default().column("password").is_none());
    }

    #[test]
    fn takes_what_an_account_may_have() {
        let account = row(&[
            ("username", " JDoe "),
            ("email", "a@example.com "),
            ("brand", "Brand"),
            ("language", " DE-at"),
            ("roles", "Admin; Support;"),
            ("disabled", "TRUE"),
        ])
        .check()
        .unwrap();
        assert_eq!(account.profile.username.as_str(), "jdoe");
        assert_eq!(account.profile.display_username, "JDoe");
        assert_eq!(account.profile.email.as_deref(), Some("a@example.com"));
        assert_eq!(account.profile.language.as_deref(), Some("de-AT"));
        assert_eq!(Vec::from_iter(account.roles), ["Admin", "Support"]);
        assert!(account.disabled && account.password_hash.is_none());
    }

    #[test]
    fn names_what_is_wrong_and_shows_nothing_of_it() {
        let long = "x".repeat(257);
        for (name, wrong) in [
            ("username", ""),
            ("username", &long),
            ("username", "a\nb"),
            ("id", ""),
            ("id", "-7"),
            ("id", "secret"),
            ("username", "Brand#acme"),
            ("email", "secret"),
            ("email", "s\u{e9}cret@example.com"),
            ("email", "secret@exa\u{202e}mple.com"),
            ("display_name", &long),
            ("brand", "secret\r\n"),
            // Eighteen letters in the key.
            ("brand", &"\u{fdfa}".repeat(85)),
            ("language", "secret language"),
            ("language", "de_AT"),
            ("language", "-de"),
            ("language", &format!("de-x-{}", "a".repeat(31))),
            ("roles", &long),
            ("password_hash", "secret"),
            (
                "password_hash",
                "$2b$31$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            ),
            ("disabled", "secret"),
        ] {
            let reasons = row(&[(name, wrong)]).check().unwrap_err();
            let [reason] = reasons.as_slice() else {
                panic!("{name}: {reasons:?}");
            };
            assert!(!reason.contains("secret"), "{reason}");
            let is_named = reason.starts_with(name) || (name == "roles" && reason.contains("role"));
            assert!(is_named, "{name}: {reason}");
        }
    }
}
