//! The phrases of emails in each language. To add a language, add a template to
//! `templates/mail/*.txt` and a line to [`LANGUAGES`]. A template that lacks a phrase does not
//! compile.

use askama::Template;

/// The state of the old password after a new one is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldPassword {
    /// There is no old password.
    Missing,
    /// It works until the new one is used.
    Works,
    /// It no longer works.
    Invalid,
}

/// A phrase of an email, with the values that it contains.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phrase<'a> {
    /// A greeting to the person with this name, which may be empty.
    Greeting(&'a str),
    /// The name of a value as a label in plain text, for example with a colon. Contains the text of
    /// one of the next five phrases.
    Label(&'a str),
    Username,
    Password,
    ExpiresAt,
    RequestedAt,
    ChangedAt,
    /// The id of the request, with which support can find it in the logs.
    Request(&'a str),

    /// The subject of an email with a new password. Contains the name of the product.
    NewPasswordSubject(&'a str),
    /// The event: a new password was requested. Contains the name of the product.
    NewPasswordRequested(&'a str),
    /// What happens to the old password, and the request to change the new one. The login URL
    /// follows.
    ChangePassword(OldPassword),
    /// Instructions in case somebody else made the request, and the contact.
    RequestedByOthers(OldPassword, &'a str),

    LoginUpdatedSubject,
    /// The event: an administrator changed the password. Contains the name of the product.
    LoginUpdated(&'a str),
    /// The request to log in with the password. The login URL follows.
    LogIn,

    AddressChangedSubject,
    /// The event: an administrator changed the address. Contains the name of the product.
    AddressChanged(&'a str),
    /// The reminder that the login page is the same. The login URL follows.
    LoginPage,

    /// Instructions in case the change was not expected, and the contact.
    UpdateNotExpected(&'a str),
}

/// A language of emails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    /// Its BCP 47 tag.
    pub(super) tag: &'static str,
    phrase: fn(Phrase<'_>) -> askama::Result<String>,
}

macro_rules! language {
    ($tag:literal, $template:literal) => {{
        #[derive(Template)]
        #[template(path = $template)]
        struct Phrases<'a>(Phrase<'a>);
        Language {
            tag: $tag,
            phrase: |phrase| Phrases(phrase).render(),
        }
    }};
}

/// The languages of emails; the first is the default.
pub(super) const LANGUAGES: [Language; 8] = [
    language!("en", "mail/en.txt"),
    language!("de", "mail/de.txt"),
    language!("es", "mail/es.txt"),
    language!("fr", "mail/fr.txt"),
    language!("it", "mail/it.txt"),
    language!("nl", "mail/nl.txt"),
    language!("pl", "mail/pl.txt"),
    language!("pt-BR", "mail/pt.txt"),
];

/// The BCP 47 tags of the languages of emails; the first is the default.
pub fn languages() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.tag)
}

impl Language {
    /// Chooses the language for a recipient, given BCP 47 tags: the recipient's if emails are
    /// available in it, else the brand's, else English.
    pub(super) fn choose(recipient: Option<&str>, brand: Option<&str>) -> Self {
        let [english, ..] = LANGUAGES;
        let mut wanted = [recipient, brand].into_iter().flatten();
        wanted.find_map(Self::from_tag).unwrap_or(english)
    }

    /// Finds the language of a BCP 47 tag by its primary subtag.
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        let wanted = primary_subtag(tag.trim());
        let mut languages = LANGUAGES.into_iter();
        languages.find(|language| language.subtag().eq_ignore_ascii_case(wanted))
    }

    /// The primary subtag of the tag.
    pub(super) fn subtag(self) -> &'static str {
        primary_subtag(self.tag)
    }

    /// Renders a phrase, as one line.
    pub(super) fn say(self, phrase: Phrase<'_>) -> askama::Result<String> {
        Ok((self.phrase)(phrase)?.trim().to_owned())
    }
}

/// The part of a BCP 47 tag that identifies the language (RFC 5646 section 2.2.1).
fn primary_subtag(tag: &str) -> &str {
    tag.split_once('-').map_or(tag, |(primary, _)| primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_subtag_decides() {
        for (tag, language) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("en-GB"), "en"),
            (Some("de"), "de"),
            (Some("DE-at"), "de"),
            (Some(" de-Latn-DE-1996 "), "de"),
            (Some("fr-CA"), "fr"),
            (Some("pt"), "pt-BR"),
            (Some("pt-PT"), "pt-BR"),
            (Some("sv"), "en"),
            (Some("deu"), "en"),
            (Some("x-de"), "en"),
            (Some("\r\nde"), "de"),
        ] {
            assert_eq!(Language::choose(tag, None).tag, language, "{tag:?}");
        }
        // The brand's language is for recipients without a language that emails are available in.
        for (tag, language) in [(None, "it"), (Some("sv"), "it"), (Some("de"), "de")] {
            assert_eq!(Language::choose(tag, Some("it")).tag, language, "{tag:?}");
        }
    }
}
