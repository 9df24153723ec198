//! What counts as an e-mail address.

use crate::text::overrides_direction;

/// Whether this is a single address: no second recipient, no name, no further header, and at most 320 bytes (RFC 5321 section 4.5.3.1: 64 for the local part, 255 for the domain).
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

/// Whether this is an address that mail could go to: dot-separated atoms (RFC 5322 section 3.2.3,
/// with letters of any script), `@`, and a domain of at least two labels.
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
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
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
            "a\r\nBcc:x@example.com",
            "a@b@c.com",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
