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
    /// It does not work any more.
    Void,
}

/// A phrase of a mail, with the values in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phrase<'a> {
    /// Greeting of the person with this name, which may be empty.
    Greeting(&'a str),
    /// Labels of values.
    Username,
    Password,
    ExpiresAt,
    RequestedAt,
    ChangedAt,
    /// The request, for the support to find it.
    Request(&'a str),

    /// The product.
    NewPasswordSubject(&'a str),
    /// The product.
    NewPasswordRequested(&'a str),
    /// What becomes of the old password, and that the new one must be changed, before the URL to
    /// log in at.
    ChangePassword(OldPassword),
    /// What to do if it was somebody else; whom to tell.
    RequestedByOthers(&'a str),

    LoginUpdatedSubject,
    /// The product.
    LoginUpdated(&'a str),
    /// Before the URL to log in at.
    LogIn,

    AddressChangedSubject,
    /// The product.
    AddressChanged(&'a str),
    /// Before the URL to log in at.
    LoginPage,

    /// What to do if it is a surprise; whom to tell.
    UpdateNotExpected(&'a str),
}

/// A language that mails are written in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    /// The primary subtag of its BCP 47 tag.
    pub(super) subtag: &'static str,
    phrase: fn(Phrase<'_>) -> askama::Result<String>,
}

macro_rules! language {
    ($subtag:literal, $template:literal) => {{
        #[derive(Template)]
        #[template(path = $template)]
        struct Phrases<'a>(Phrase<'a>);
        Language {
            subtag: $subtag,
            phrase: |phrase| Phrases(phrase).render(),
        }
    }};
}

/// The languages of mails; the first is the default.
pub(super) const LANGUAGES: [Language; 2] = [
    language!("en", "mail/en.txt"),
    language!("de", "mail/de.txt"),
];

impl Language {
    /// The language of a BCP 47 tag, chosen by its primary subtag; the default if there is none.
    pub(super) fn of(tag: Option<&str>) -> Self {
        let primary = tag.and_then(|tag| tag.trim().split('-').next());
        let is_wanted = |language: &&Self| {
            primary.is_some_and(|primary| language.subtag.eq_ignore_ascii_case(primary))
        };
        let [default, ..] = LANGUAGES;
        LANGUAGES.iter().find(is_wanted).copied().unwrap_or(default)
    }

    /// The phrase, in one line.
    pub(super) fn say(self, phrase: Phrase<'_>) -> askama::Result<String> {
        Ok((self.phrase)(phrase)?.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_subtag_decides() {
        for (tag, subtag) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("en-GB"), "en"),
            (Some("de"), "de"),
            (Some("DE-at"), "de"),
            (Some(" de-Latn-DE-1996 "), "de"),
            (Some("fr"), "en"),
            (Some("deu"), "en"),
            (Some("x-de"), "en"),
            (Some("\r\nde"), "de"),
        ] {
            assert_eq!(Language::of(tag).subtag, subtag, "{tag:?}");
        }
    }
}
