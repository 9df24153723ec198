//! The rules for a password that a person chose (NIST SP 800-63B-4 section 3.1.1.2, OWASP ASVS 5.0
//! 6.2): length in code points, no composition rules, no truncation, no folding, and not one that
//! an attacker tries first.

use super::{ExposeSecret as _, Secret};

/// The least length a deployment may configure, in code points (ASVS 5.0 6.2.1).
pub const MIN_LENGTH: usize = 8;
/// The greatest length, in code points.
pub const MAX_LENGTH: usize = 128;

/// The passwords of at least [`MIN_LENGTH`] characters among the most common ones, in lower case,
/// sorted by bytes, each ended by a line feed: Django's 20,000 (collected by Royce Williams, BSD
/// licence) and zxcvbn's 30,000 (Dropbox, MIT licence), both counted in public leaks.
const COMMON: &str = include_str!("common.txt");

/// Why a password of the right length is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// It is among the most common passwords.
    #[error("is one of the most common passwords. Please choose another.")]
    Common,
    /// It is the account's e-mail address, user name, display name or brand.
    #[error("must not be the e-mail address, the user name, the display name or the brand.")]
    Context,
}

/// The length of a password, in code points.
#[must_use]
pub fn length(password: &Secret) -> usize {
    password.expose_secret().chars().count()
}

/// Whether there is nothing but white space in it.
#[must_use]
pub fn is_blank(password: &Secret) -> bool {
    password.expose_secret().trim().is_empty()
}

/// What is wrong with a password, if anything: the whole of it is compared, in any case, with the
/// common ones, with the words in `context`, and with what stands before the `@` of an address there.
#[must_use]
pub fn weakness(password: &Secret, context: &[&str]) -> Option<Weakness> {
    let folded = Secret::from(password.expose_secret().to_lowercase());
    let folded = folded.expose_secret();
    let is_word = |word: &str| !word.is_empty() && word.to_lowercase() == *folded;
    let is_context = |word: &&str| {
        let word = word.trim();
        let local_part = word.rsplit_once('@').map_or(word, |(local, _)| local);
        is_word(word) || is_word(local_part)
    };
    if context.iter().any(is_context) {
        return Some(Weakness::Context);
    }
    is_common(folded).then_some(Weakness::Common)
}

/// Binary search over the lines, in place: the list costs nothing until it is asked.
fn is_common(folded: &str) -> bool {
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let (before, after) = rest.split_at(middle);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let length = rest.len() - start - after.split_once('\n').map_or(0, |(_, rest)| rest.len());
        let (head, line_and_tail) = rest.split_at(start);
        let (line, tail) = line_and_tail.split_at(length);
        match folded.cmp(line.trim_end_matches('\n')) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = head,
            std::cmp::Ordering::Greater => rest = tail,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Option<Weakness> {
        weakness(
            &Secret::from(password.to_owned()),
            &[
                "jane.doe@example.com",
                "jdoe-the-first",
                "Jane Döe Smith",
                "",
                "@",
            ],
        )
    }

    #[test]
    fn the_list_is_sorted_folded_and_long() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.len() > 10_000, "{}", lines.len());
        assert!(lines.is_sorted());
        assert!(
            lines
                .iter()
                .all(|l| l.len() >= MIN_LENGTH && l.to_lowercase() == *l)
        );
    }

    #[test]
    fn every_common_password_is_found_in_any_case() {
        assert!(COMMON.lines().all(is_common));
        assert_eq!(check("Password"), Some(Weakness::Common));
        assert_eq!(check("PASSWORD1"), Some(Weakness::Common));
    }

    #[test]
    fn only_the_whole_password_counts() {
        for fine in [
            "password-of-mine",
            " password",
            "passwor",
            "zzzzzzzzzzzzzzz~",
            "!",
            "",
            "\u{1F600}",
        ] {
            assert_eq!(check(fine), None, "{fine}");
        }
    }

    #[test]
    fn the_accounts_own_words_are_refused() {
        for word in [
            "jane.DOE@example.com",
            "Jane.Doe",
            "JDOE-the-first",
            "jane DÖE smith",
        ] {
            assert_eq!(check(word), Some(Weakness::Context), "{word}");
        }
    }

    #[test]
    fn length_counts_code_points() {
        assert_eq!(length(&Secret::from("é😀".to_owned())), 2);
    }
}
