//! Keys of accounts, addresses and brands. Different spellings of a name have the same key.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::names::{ascii_domain, normalise};

/// The maximum length of a name, in bytes of its normal form. DynamoDB's limit is 2,048.
pub const MAX_NAME_LENGTH: usize = 256;

/// A key that no account has: U+0000. The keys of accounts contain no control characters. Names
/// that no account can have are mapped to it, so that they cost the same calls as any other unknown
/// name.
pub const NOBODY: &str = "\u{0}";

/// Normalises a name. Returns an empty string for a name that is too long to have a key. The length
/// is checked before normalising, which can make a string several times as long.
fn bounded(name: &str) -> String {
    if name.len() <= 8 * MAX_NAME_LENGTH {
        normalise(name)
    } else {
        String::new()
    }
}

/// Returns the key if an account can have it, else [`NOBODY`].
fn possible(key: String) -> String {
    let is_possible = (1..=MAX_NAME_LENGTH).contains(&key.len()) && !key.contains(char::is_control);
    if is_possible { key } else { NOBODY.to_owned() }
}

/// A key of the Users table: a normalised user name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UsernameKey(String);

impl UsernameKey {
    /// Makes the key of a user name in any spelling.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(possible(bounded(name)))
    }

    /// Wraps a key that was read from the table. It is not normalised again, because the rules may
    /// have changed since it was written.
    #[must_use]
    pub fn stored(key: String) -> Self {
        Self(key)
    }

    /// Returns the key that no account has.
    #[must_use]
    pub fn nobody() -> Self {
        Self(NOBODY.to_owned())
    }

    /// The SHA-256 of the key in hexadecimal, for places that must not contain the name.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(&self.0);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UsernameKey {
    /// Leaves out the name, because people type passwords into user name boxes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsernameKey(..)")
    }
}

/// Makes the key of an email address in `email-index`: its normal form, with the domain in
/// Punycode.
#[must_use]
pub fn email_key(address: &str) -> String {
    let key = bounded(address);
    match key.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => {
            let domain = ascii_domain(domain).unwrap_or_default();
            possible(format!("{local}@{domain}"))
        }
        _ => possible(key),
    }
}

/// The brand key of an account without a brand. An indexed attribute cannot be empty.
pub const NO_BRAND: &str = "-";

/// Makes the key of a brand. Returns [`NO_BRAND`] if there is none.
#[must_use]
pub fn brand_key(brand: Option<&str>) -> String {
    match brand.map(normalise) {
        Some(key) if !key.is_empty() => key,
        _ => NO_BRAND.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for spelling in ["jdoe", " JDoe ", "ＪＤＯＥ", "jdoe\u{a0}"] {
            assert_eq!(UsernameKey::new(spelling).as_str(), "jdoe", "{spelling:?}");
        }
        // e and combining acute against é
        assert_eq!(UsernameKey::new("Re\u{301}ne"), UsernameKey::new("rÉne"));
        assert_eq!(email_key(" A@Example.com"), "a@example.com");
        for spelling in ["a@EXÄMPLE.de", "a@xn--exmple-cua.de"] {
            assert_eq!(email_key(spelling), "a@xn--exmple-cua.de", "{spelling}");
        }
        assert_eq!(brand_key(Some("Brand ")), "brand");
        assert_eq!(brand_key(Some(" ")), "-");
        assert_eq!(brand_key(None), "-");
    }

    #[test]
    fn spellings_that_differ_before_they_are_composed_have_one_key() {
        assert_eq!(
            UsernameKey::new("J\u{30c}ane"),
            UsernameKey::new("\u{1f0}ane")
        );
        assert_eq!(email_key("J\u{30c}@example.com"), "\u{1f0}@example.com");
        assert_eq!(brand_key(Some("J\u{30c}")), "\u{1f0}");
    }

    #[test]
    fn impossible_names_map_to_nobody() {
        for name in [
            "",
            "   ",
            "a\u{0}b",
            "a\nb",
            &"x".repeat(257),
            &"\u{fdfa}".repeat(60_000),
        ] {
            assert_eq!(UsernameKey::new(name).as_str(), NOBODY);
        }
        assert_eq!(UsernameKey::new(&"x".repeat(256)).as_str().len(), 256);
        assert_eq!(
            email_key(&format!("{}@example.com", "a".repeat(5_000))),
            NOBODY
        );
    }
}
