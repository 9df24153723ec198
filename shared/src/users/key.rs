//! Names as keys: two spellings of one name are one account.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest as _, Sha256};

/// The longest name, in bytes of its normal form. DynamoDB would take 2,048.
pub const MAX_NAME_LENGTH: usize = 256;

/// The key of no account, U+0000, which no normalised name contains. Names that cannot be on file
/// map to it, so that they cost the same calls as any other unknown name.
pub const NOBODY: &str = "\u{0}";

/// Trimmed, then in NFKC and lower case until neither changes it (in the spirit of RFC 8265 section
/// 3.3: width and case do not distinguish accounts). Once is not enough: `J` with a caron is composed
/// only in lower case.
fn normalise(name: &str) -> String {
    if name.is_ascii() {
        // Its own NFKC, and by far the most names.
        return name.trim().to_ascii_lowercase();
    }
    let mut name = name.to_owned();
    loop {
        let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&name);
        let next = composed.to_lowercase().trim().to_owned();
        if next == name {
            return next;
        }
        name = next;
    }
}

/// The normal form of a name that can be on file, else [`NOBODY`].
fn bounded(name: &str) -> String {
    // Normalising can make a string several times as long, so the input is bounded first.
    let key = if name.len() <= 8 * MAX_NAME_LENGTH {
        normalise(name)
    } else {
        String::new()
    };
    let is_possible = (1..=MAX_NAME_LENGTH).contains(&key.len()) && !key.contains(char::is_control);
    if is_possible { key } else { NOBODY.to_owned() }
}

/// A key of the Users table: a normalised user name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UsernameKey(String);

impl UsernameKey {
    /// The key of a user name as somebody typed it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(bounded(name))
    }

    /// A key as it was read from the table, which is never normalised again: the rules may have
    /// changed since it was written.
    #[must_use]
    pub fn stored(key: String) -> Self {
        Self(key)
    }

    /// The key of no account.
    #[must_use]
    pub fn nobody() -> Self {
        Self(NOBODY.to_owned())
    }

    /// The SHA-256 of the key in hexadecimal digits, for places that must not hold the name.
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
    /// Without the name: people type passwords into user name boxes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsernameKey(..)")
    }
}

/// The key of an e-mail address in the index.
#[must_use]
pub fn email_key(address: &str) -> String {
    bounded(address)
}

/// The key of an account without a brand: an attribute of an index cannot be empty.
pub const NO_BRAND: &str = "-";

/// The key of a brand; [`NO_BRAND`] if there is none.
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
        assert_eq!(brand_key(Some("Brand ")), "brand");
        assert_eq!(brand_key(Some(" ")), "-");
        assert_eq!(brand_key(None), "-");
    }

    fn assert_is_stable(name: &str) {
        let once = normalise(name);
        assert_eq!(normalise(&once), once, "{name:?}");
    }

    /// A key is its own key, whatever character is in it.
    #[test]
    fn normalising_again_changes_nothing() {
        for name in [
            "J\u{30c}ane",
            "I\u{307}",
            "\u{1e9e}",
            "\u{3a3}",
            "\u{3f4}\u{345}",
        ] {
            assert_is_stable(name);
        }
        for c in '\0'..=char::MAX {
            assert_is_stable(&format!("{c}"));
        }
        // Letters whose case has another length or another composition, with combining marks.
        let is_cased = |c: &char| !c.is_ascii() && !c.to_lowercase().eq([*c]);
        let letters = ('A'..='Z').chain(('\u{80}'..='\u{1ffff}').filter(is_cased));
        for letter in letters {
            for mark in '\u{300}'..='\u{36f}' {
                assert_is_stable(&format!("{letter}{mark}"));
            }
        }
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
    fn names_that_cannot_be_on_file_are_nobody() {
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
