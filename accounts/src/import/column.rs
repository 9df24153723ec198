//! Validation of single values, for columns of a file and options of commands.

use std::collections::BTreeSet;

use oxilangtag::LanguageTag;
use password::{HashError, Secret, Stored};
use shared::mail::normalise_address;
use shared::users::{MAX_ID, MAX_NAME_LENGTH, NOBODY, brand_key, email_key};

const MAX_ROLES: usize = 32;
const MAX_ROLE_LENGTH: usize = 64;
/// The shortest maximum length that RFC 5646 section 4.4.1 allows.
const MAX_LANGUAGE_LENGTH: usize = 35;
/// The longest supported hash has about 300 bytes.
const MAX_HASH_LENGTH: usize = 512;

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Parses the name of a person.
pub(crate) fn display_name(text: &str) -> Result<String, String> {
    line("display_name", text, text.len())
}

/// Parses a brand; `None` if empty.
pub(crate) fn brand(text: &str) -> Result<Option<String>, String> {
    // The stored key may be longer than the name.
    let length = brand_key(Some(text)).len().max(text.len());
    let brand = line("brand", text, length)?;
    Ok(Some(brand).filter(|brand| !brand.is_empty()))
}

fn line(name: &str, text: &str, length: usize) -> Result<String, String> {
    if length > MAX_NAME_LENGTH || text.contains(char::is_control) {
        return Err(format!(
            "{name} must be one line of at most {MAX_NAME_LENGTH} bytes"
        ));
    }
    Ok(text.trim().to_owned())
}

/// Parses an address and normalises it for SES; `None` if empty.
pub(crate) fn email(text: &str) -> Result<Option<String>, String> {
    let email = some(text).map(|email| match normalise_address(email) {
        Ok(email) if email_key(&email) != NOBODY => Ok(email),
        Ok(_) => Err("email is too long".to_owned()),
        Err(error) => Err(format!("email {error}")),
    });
    email.transpose()
}

/// Parses a customer number.
pub(crate) fn id(text: &str) -> Result<u64, String> {
    let id = text.trim().parse();
    let id = id.map_err(|_| "id must be a whole number".to_owned())?;
    if id > MAX_ID {
        return Err(format!("id must not exceed {MAX_ID}"));
    }
    Ok(id)
}

/// Parses a language tag and normalises its case by RFC 5646 section 2.1.1; `None` if empty.
pub(crate) fn language(text: &str) -> Result<Option<String>, String> {
    let tag = some(text).map(|tag| {
        let tag = Some(tag).filter(|tag| tag.len() <= MAX_LANGUAGE_LENGTH);
        let tag = tag.and_then(|tag| LanguageTag::parse_and_normalize(tag).ok());
        // Longer subtags are reserved or unregistered (RFC 5646 section 2.2.1); they are usually
        // the name of a language, such as `german`.
        let tag = tag.filter(|tag| tag.primary_language().len() <= 3);
        tag.map(LanguageTag::into_inner)
            .ok_or_else(|| "language must be a BCP 47 tag such as de or de-AT".to_owned())
    });
    tag.transpose()
}

/// Parses a list of roles.
pub(crate) fn roles(text: &str) -> Result<BTreeSet<String>, String> {
    let roles = text.split(';').filter_map(some);
    let roles: BTreeSet<_> = roles.map(role).collect::<Result<_, _>>()?;
    if roles.len() > MAX_ROLES {
        return Err(format!("roles must list at most {MAX_ROLES} roles"));
    }
    Ok(roles)
}

/// Parses the name of a role.
pub(crate) fn role(name: &str) -> Result<String, String> {
    let name = name.trim();
    let is_possible = (1..=MAX_ROLE_LENGTH).contains(&name.len())
        && !name.contains(|c: char| c.is_control() || c == ';');
    if is_possible {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "a role must be one line of 1 to {MAX_ROLE_LENGTH} bytes, without ;"
        ))
    }
}

const UNKNOWN_FORMAT: &str = "password_hash has an unknown format; leave it empty for plain-text or \
                              encrypted passwords, and have the person ask for a reset";

/// Parses a hash in one of the supported formats; `None` if empty.
pub(crate) fn password_hash(text: String) -> Result<Option<Secret>, String> {
    let hash = Secret::from(text);
    match password::length(&hash) {
        0 => return Ok(None),
        1..=MAX_HASH_LENGTH => {}
        _ => return Err(UNKNOWN_FORMAT.to_owned()),
    }
    match Stored::parse(&hash) {
        Ok(_) => Ok(Some(hash)),
        Err(HashError::Unreadable) => Err(UNKNOWN_FORMAT.to_owned()),
        Err(error) => Err(format!(
            "password_hash: {error}; leave it empty, and have the person ask for a reset"
        )),
    }
}

/// Parses the flag `disabled`.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("disabled must be true, 1, false, 0 or empty".to_owned()),
    }
}
