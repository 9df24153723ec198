//! Validation of email addresses, and their form for SES.

use std::borrow::Cow;

use crate::names::ascii_domain;
use crate::text::overrides_direction;

/// Whether this is a single address of at most 320 bytes (RFC 5321 section 4.5.3.1: 64 for the
/// local part, 255 for the domain), without a second recipient, a name or a further header.
pub(super) fn is_one_address(to: &str) -> bool {
    let is_foreign = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || overrides_direction(c)
            || matches!(c, ',' | ';' | '<' | '>')
    };
    let has_both_parts = to
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_both_parts && to.len() <= 320 && !to.contains(is_foreign)
}

/// Converts a single address to the form that SES accepts: the domain in Punycode, the local part
/// in ASCII (SES API reference, `Destination`). `None` if that is impossible.
#[must_use]
pub fn recipient(address: &str) -> Option<Cow<'_, str>> {
    if !is_one_address(address) {
        return None;
    }
    if address.is_ascii() {
        return Some(Cow::Borrowed(address));
    }
    let (local, domain) = address.rsplit_once('@')?;
    let domain = ascii_domain(domain).filter(|_| local.is_ascii())?;
    Some(Cow::Owned(format!("{local}@{domain}")))
}

/// The reason an address cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not an address.
    #[error("is not an address")]
    Malformed,
    /// The part before the `@` is not ASCII.
    #[error("has non-ASCII characters before the @, and SES sends no email to such addresses")]
    LocalPart,
}

/// Converts an address that was entered to the form that is stored: trimmed, with its domain in
/// Punycode.
pub fn normalise_address(address: &str) -> Result<String, AddressError> {
    let address = address.trim();
    if !is_address(address) || address.contains(is_invisible) {
        return Err(AddressError::Malformed);
    }
    if !address
        .rsplit_once('@')
        .is_some_and(|(local, _)| local.is_ascii())
    {
        return Err(AddressError::LocalPart);
    }
    // Normalising may introduce other characters, for example a leading hyphen.
    let ascii = recipient(address).filter(|ascii| is_address(ascii) && has_lengths_of_dns(ascii));
    ascii.map(Cow::into_owned).ok_or(AddressError::Malformed)
}

/// Whether a character changes the direction of text or is invisible in a domain.
fn is_invisible(c: char) -> bool {
    overrides_direction(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Whether labels have 1 to 63 bytes, the domain at most 253 (RFC 1035 section 2.3.4), and the
/// local part at most 64 (RFC 5321 section 4.5.3.1.1).
fn has_lengths_of_dns(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        local.len() <= 64
            && domain.len() <= 253
            && domain
                .split('.')
                .all(|label| (1..=63).contains(&label.len()))
    })
}

/// Whether this is a valid address: dot-separated atoms (RFC 5322 section 3.2.3, with non-ASCII
/// characters except control characters and white space), `@`, and a domain of at least two labels.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || !c.is_ascii())
    };
    let address = address.trim();
    let is_clean = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    is_clean
        && address.rsplit_once('@').is_some_and(|(local, domain)| {
            local.split('.').all(is_atom) && domain.contains('.') && domain.split('.').all(is_label)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_goes_to_one_address() {
        for address in [
            "a@example.com",
            "first.last+tag@sub.example.co.uk",
            "é@exämple.de",
        ] {
            assert!(is_one_address(address), "{address}");
        }
        for address in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@example.com\r\nBcc: x@example.com",
            "a@example.com\n",
            "a@example.com,x@example.com",
            "a@example.com;x@example.com",
            "Jane <a@example.com>",
            "a b@example.com",
            "a@example.com\u{0}",
            "\u{202e}a@example.com",
            "a\u{2067}@example.com",
            "a\u{2028}@example.com",
            &format!("{}@example.com", "a".repeat(320)),
        ] {
            assert!(!is_one_address(address), "{address:?}");
        }
    }

    #[test]
    fn ses_gets_domains_in_punycode() {
        for (address, expected) in [
            ("a@example.com", Some("a@example.com")),
            ("a@exämple.de", Some("a@xn--exmple-cua.de")),
            ("é@example.com", None),
            ("a@example.com,x@example.com", None),
            ("a@x\u{ff0c}b.de", None),
        ] {
            assert_eq!(recipient(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn stored_addresses_are_accepted_by_ses() {
        for (address, expected) in [
            (" First.Last@Example.com ", Ok("First.Last@Example.com")),
            ("a@Exämple.de", Ok("a@xn--exmple-cua.de")),
            ("a@हिन्दी.भारत", Ok("a@xn--j2bd4cyah0f.xn--h2brj9c")),
            ("é@example.com", Err(AddressError::LocalPart)),
            ("a@example", Err(AddressError::Malformed)),
            ("a@exa\u{202e}mple.com", Err(AddressError::Malformed)),
            ("\u{202e}a@example.com", Err(AddressError::Malformed)),
            ("a@exa\u{200b}mple.com", Err(AddressError::Malformed)),
            ("a@-ä.de", Err(AddressError::Malformed)),
            ("a@\u{ff0d}b.de", Err(AddressError::Malformed)),
            ("a@x\u{ff0c}b.de", Err(AddressError::Malformed)),
            ("a@x\u{ff20}b.de", Err(AddressError::Malformed)),
            (
                &format!("{}@example.com", "a".repeat(65)),
                Err(AddressError::Malformed),
            ),
            (
                &format!("a@{}.com", "a".repeat(64)),
                Err(AddressError::Malformed),
            ),
            (
                &format!("a@{}.de", "ä".repeat(60)),
                Err(AddressError::Malformed),
            ),
        ] {
            let entered = normalise_address(address);
            assert_eq!(entered.as_deref(), expected.as_ref().copied(), "{address}");
        }
    }

    #[test]
    fn addresses() {
        for address in [
            "a@example.com",
            "first.last+tag@sub.example.co.uk",
            "é@exämple.de",
        ] {
            assert!(is_address(address), "{address}");
        }
        for address in [
            "",
            " ",
            "nope",
            "a@b",
            "@example.com",
            "a@",
            "a@.com",
            "a..b@example.com",
            "a b@example.com",
            "a@exa mple.com",
            "a@-x.com",
            "a@x-.com",
            "a@x.com-",
            "a\u{a0}b@example.com",
            "a@exa\u{a0}mple.com",
            "a\u{85}b@example.com",
            "a@exa\u{85}mple.com",
            "a\r\nBcc:x@example.com",
            "a@b@c.com",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
