//! One value: what may stand in a column, and in the option of a command that changes it.

use std::collections::BTreeSet;

use oxilangtag::LanguageTag;
use password::{HashError, Secret, Stored};
use shared::mail::normalise_address;
use shared::users::{MAX_ID, MAX_NAME_LENGTH, NOBODY, brand_key, email_key};

const MAX_ROLES: usize = 32;
const MAX_ROLE_LENGTH: usize = 64;
/// RFC 5646 section 4.4.1: the least that a limit must allow.
const MAX_LANGUAGE_LENGTH: usize = 35;
/// The longest known hash has about 300 bytes.
const MAX_HASH_LENGTH: usize = 512;

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The name of a person.
pub(crate) fn display_name(text: &str) -> Result<String, String> {
    line("display_name", text, text.len())
}

/// A brand; `None` for none.
pub(crate) fn brand(text: &str) -> Result<Option<String>, String> {
    // The key is what is stored, and may be longer than the name.
    let length = brand_key(Some(text)).len().max(text.len());
    let brand = line("brand", text, length)?;
    Ok(Some(brand).filter(|brand| !brand.is_empty()))
}

fn line(name: &str, text: &str, length: usize) -> Result<String, String> {
    if length > MAX_NAME_LENGTH || text.contains(char::is_control) {
        return Err(format!(
            "{name} is not one line of at most {MAX_NAME_LENGTH} bytes"
        ));
    }
    Ok(text.trim().to_owned())
}

/// An address as SES takes it; `None` for none.
pub(crate) fn email(text: &str) -> Result<Option<String>, String> {
    let email = some(text).map(|email| match normalise_address(email) {
        Ok(email) if email_key(&email) != NOBODY => Ok(email),
        Ok(_) => Err("email is too long".to_owned()),
        Err(error) => Err(format!("email {error}")),
    });
    email.transpose()
}

/// A customer number.
pub(crate) fn id(text: &str) -> Result<u64, String> {
    let id = text.trim().parse();
    let id = id.map_err(|_| "id is not a whole number".to_owned())?;
    if id > MAX_ID {
        return Err(format!("id is greater than {MAX_ID}"));
    }
    Ok(id)
}

/// A tag in the spelling that RFC 5646 section 2.1.1 recommends.
pub(crate) fn language(text: &str) -> Result<Option<String>, String> {
    let tag = some(text).map(|tag| {
        let tag = Some(tag).filter(|tag| tag.len() <= MAX_LANGUAGE_LENGTH);
        let tag = tag.and_then(|tag| LanguageTag::parse_and_normalize(tag).ok());
        tag.map(LanguageTag::into_inner)
            .ok_or_else(|| "language is not a BCP 47 tag".to_owned())
    });
    tag.transpose()
}

/// The roles of an account.
pub(crate) fn roles(text: &str) -> Result<BTreeSet<String>, String> {
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

/// A hash in one of the known formats; `None` for none.
pub(crate) fn password_hash(text: String) -> Result<Option<Secret>, String> {
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

/// Whether an account is disabled.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("disabled is not true or false".to_owned()),
    }
}
