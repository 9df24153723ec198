//! The policy for passwords that people choose (NIST SP 800-63B-4 section 3.1.1.2, OWASP ASVS 5.0
//! 6.2): a minimum and a maximum length in code points, no common passwords, and no composition
//! rules. Passwords are neither truncated nor case-folded.

use secrecy::{ExposeSecret as _, SecretString as Secret};

/// The shortest minimum length that a deployment may configure, in code points (ASVS 5.0 6.2.1).
pub const MIN_LENGTH: usize = 8;
/// The maximum length, in code points.
pub const MAX_LENGTH: usize = 128;

/// The passwords of at least [`MIN_LENGTH`] characters among the most common ones, in lower case,
/// sorted by bytes: Django's 20,000 (collected by Royce Williams, BSD licence) and zxcvbn's 30,000
/// (Dropbox, MIT licence), both compiled from public leaks. Each entry holds the number of bytes it
/// shares with the previous one, the number of bytes that follow, and those bytes. A number is one
/// character: `0` for zero, `1` for one, and so on in ASCII order.
const COMMON: &[u8] = include_bytes!("common.txt");

/// The reason a password of acceptable length is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// The password is in a list of common passwords.
    #[error("the password is one of the most common passwords")]
    Common,
    /// The password is a context-specific word: one of those in `context`, which belong to the
    /// account or the service.
    #[error(
        "the password is the email address, the part of it before the @, the user name, the display \
         name, the brand or the product name"
    )]
    Context,
}

/// The length of a password, in code points.
#[must_use]
pub fn length(password: &Secret) -> usize {
    password.expose_secret().chars().count()
}

/// Whether a password has no visible character: it is empty, or consists of white space, control
/// characters and invisible characters. In a password that also has a visible
/// character, all these other characters are allowed and kept. This includes U+0000, which does not
/// cut off the bytes that are hashed.
#[must_use]
pub fn is_blank(password: &Secret) -> bool {
    let is_invisible = |c: char| c.is_whitespace() || c.is_control() || shows_nothing(c);
    password.expose_secret().chars().all(is_invisible)
}

/// Characters that fonts show as nothing or as a blank: those of Unicode's property
/// `Default_Ignorable_Code_Point`, and the empty Braille pattern.
fn shows_nothing(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Compares a password as a whole, ignoring case, with the words in `context`, the local parts of
/// the addresses in it, and the list of common passwords. Returns why it is weak, if it is.
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

/// Whether `folded` is in the list. Reads the compressed list once, without keeping it in memory.
fn is_common(folded: &str) -> bool {
    // The number of bytes that the previous entry has in common with `folded`.
    let mut matched = 0;
    for (shared, suffix) in common() {
        // An entry that shares fewer than `matched` bytes with the previous one sorts after
        // `folded`. One that shares more differs from `folded` where the previous one does.
        if shared < matched {
            return false;
        }
        if shared == matched {
            let rest = folded.as_bytes().get(matched..).unwrap_or_default();
            if rest == suffix {
                return true;
            }
            let same = rest.iter().zip(suffix);
            matched += same.take_while(|(one, other)| one == other).count();
        }
    }
    false
}

/// The entries of the list: the number of bytes that each shares with the previous one, and the
/// bytes that follow.
fn common() -> impl Iterator<Item = (usize, &'static [u8])> {
    let number = |character: &u8| usize::from(character - b'0');
    let mut rest = COMMON;
    std::iter::from_fn(move || {
        let [shared, length, text @ ..] = rest else {
            return None;
        };
        let (suffix, after) = text.split_at_checked(number(length))?;
        rest = after;
        Some((number(shared), suffix))
    })
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

    fn passwords() -> Vec<String> {
        let mut passwords: Vec<String> = Vec::new();
        for (shared, suffix) in common() {
            let before = passwords.last().map_or("", String::as_str);
            let suffix = str::from_utf8(suffix).unwrap();
            passwords.push(format!("{}{suffix}", &before[..shared]));
        }
        passwords
    }

    #[test]
    fn the_list_is_sorted_folded_and_long() {
        let passwords = passwords();
        assert_eq!(passwords.len(), 16_293);
        assert!(passwords.is_sorted());
        assert!(
            passwords
                .iter()
                .all(|p| p.len() >= MIN_LENGTH && p.to_lowercase() == *p)
        );
    }

    /// Tries every 97th password, because each look-up reads the list. Also tries words that differ
    /// from such a password at the end, whether or not they are in the list.
    #[test]
    fn exactly_the_listed_passwords_are_found() {
        let passwords = passwords();
        for password in passwords.iter().step_by(97) {
            assert!(is_common(password), "{password}");
            let before = &password[..password.floor_char_boundary(password.len() - 1)];
            for other in [
                format!("{password}!"),
                format!("{password}~"),
                before.to_owned(),
            ] {
                assert_eq!(
                    is_common(&other),
                    passwords.binary_search(&other).is_ok(),
                    "{other}"
                );
            }
        }
    }

    #[test]
    fn a_common_password_is_found_in_any_case() {
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
    fn words_of_the_account_are_refused() {
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

    #[test]
    fn passwords_without_visible_characters_are_blank() {
        for (password, expected) in [
            ("", true),
            (" \t\u{a0}", true),
            (" x ", false),
            (&"\u{200b}".repeat(8), true),
            (&"\u{2800}".repeat(8), true),
            (&"\u{0}".repeat(8), true),
            (&"\u{3164}\u{feff}\u{1}\u{2003}".repeat(2), true),
            ("x\u{0}\u{200b}", false),
            ("\u{1f600}", false),
        ] {
            assert_eq!(is_blank(&Secret::from(password)), expected, "{password:?}");
        }
    }

    #[test]
    fn reasons_have_messages() {
        assert_eq!(
            Weakness::Common.to_string(),
            "the password is one of the most common passwords"
        );
    }
}
