//! The phrases of mails in each language. A further language is a template, `templates/mail/*.txt`,
//! and a line of [`LANGUAGES`]: a template that lacks a phrase does not compile.

use askama::Template;

/// What happens to the old password when a new one is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldPassword {
    /// There was none.
    Missing,
    /// It works until the new one is used.
    Works,
    /// It no longer works.
    Void,
}

/// A phrase of a mail, with the values in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phrase<'a> {
    /// Greeting of the person with this name, which may be empty.
    Greeting(&'a str),
    /// One of the next five, before its value in plain text.
    Label(&'a str),
    Username,
    Password,
    ExpiresAt,
    RequestedAt,
    ChangedAt,
    /// The id of the request, by which support can find it.
    Request(&'a str),

    /// The product.
    NewPasswordSubject(&'a str),
    /// The product.
    NewPasswordRequested(&'a str),
    /// What happens to the old password, and that the new one must be changed; the login URL follows.
    ChangePassword(OldPassword),
    /// What to do if somebody else asked, and whom to tell.
    RequestedByOthers(OldPassword, &'a str),

    LoginUpdatedSubject,
    /// The product.
    LoginUpdated(&'a str),
    /// The login URL follows.
    LogIn,

    AddressChangedSubject,
    /// The product.
    AddressChanged(&'a str),
    /// The login URL follows.
    LoginPage,

    /// What to do if the change was not expected, and whom to tell.
    UpdateNotExpected(&'a str),
}

/// A language that mails are written in.
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

/// The languages of mails; the first is the default.
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

/// The BCP 47 tags of the languages that mails are written in; the first is the default.
pub fn languages() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.tag)
}

impl Language {
    /// The language for a recipient with this BCP 47 tag: theirs if mails are written in it, else
    /// the brand's, else English.
    pub(super) fn of(recipient: Option<&str>, brand: Option<&str>) -> Self {
        let [english, ..] = LANGUAGES;
        let mut wanted = [recipient, brand].into_iter().flatten();
        wanted.find_map(Self::named).unwrap_or(english)
    }

    /// The language of a BCP 47 tag, chosen by its primary subtag.
    pub(super) fn named(tag: &str) -> Option<Self> {
        let wanted = primary_subtag(tag.trim());
        let mut languages = LANGUAGES.into_iter();
        languages.find(|language| language.subtag().eq_ignore_ascii_case(wanted))
    }

    /// The primary subtag of its tag.
    pub(super) fn subtag(self) -> &'static str {
        primary_subtag(self.tag)
    }

    /// The phrase, in one line.
    pub(super) fn say(self, phrase: Phrase<'_>) -> askama::Result<String> {
        Ok((self.phrase)(phrase)?.trim().to_owned())
    }
}

/// The part of a BCP 47 tag that names the language (RFC 5646 section 2.2.1).
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
            assert_eq!(Language::of(tag, None).tag, language, "{tag:?}");
        }
        // A brand's language is for those who have none that mails are written in.
        for (tag, language) in [(None, "it"), (Some("sv"), "it"), (Some("de"), "de")] {
            assert_eq!(Language::of(tag, Some("it")).tag, language, "{tag:?}");
        }
    }
}
