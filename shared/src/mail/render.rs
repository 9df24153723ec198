//! Rendering of emails from compile-time templates: a layout for each part, filled with the phrases
//! of a language.
//!
//! Every value in a template goes through an escaper of this module (`askama.toml` chooses it by
//! the template's extension), so that no name can add a line, a header or markup. In the HTML part,
//! a whole phrase is one such value.

use std::borrow::Cow;
use std::fmt;

use askama::Template;
use askama::filters::{Escaper, Html};

use super::language::{Language, OldPassword, Phrase};
use super::{Brand, MailError, Message};
use crate::clock::Timestamp;
use crate::text::one_line;
use crate::users::Profile;

/// An email with a generated password.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    /// The sender's brand.
    pub brand: &'a Brand,
    /// The recipient.
    pub recipient: &'a Profile,
    /// The password in clear text. It appears nowhere but in this email.
    pub password: &'a str,
    /// The state of the old password.
    pub old_password: OldPassword,
    /// The time of the request.
    pub at: Timestamp,
    /// The time at which the password expires.
    pub expires_at: Timestamp,
    /// The id of the request, with which support can find it in the logs.
    pub request_id: &'a str,
}

impl fmt::Debug for NewPassword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// An email about a password that an administrator set. It does not contain the password.
#[derive(Clone, Copy)]
pub struct LoginUpdated<'a> {
    /// The sender's brand.
    pub brand: &'a Brand,
    /// The recipient.
    pub recipient: &'a Profile,
    /// The time of the change.
    pub at: Timestamp,
    /// The id of the request, with which support can find it in the logs.
    pub request_id: &'a str,
}

impl fmt::Debug for LoginUpdated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginUpdated")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// An email to the former address of an account. It does not contain the new address.
#[derive(Clone, Copy)]
pub struct AddressChanged<'a> {
    /// The sender's brand.
    pub brand: &'a Brand,
    /// The recipient, with the former address.
    pub recipient: &'a Profile,
    /// The time of the change.
    pub at: Timestamp,
    /// The id of the request, with which support can find it in the logs.
    pub request_id: &'a str,
}

impl fmt::Debug for AddressChanged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressChanged")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl NewPassword<'_> {
    /// Renders both parts of the email.
    pub fn render(&self) -> Result<Message, MailError> {
        let language = language(self.recipient, self.brand);
        let say = |phrase| language.say(phrase);
        let product = &self.brand.product_name;
        Layout {
            language: language.tag,
            subject: say(Phrase::NewPasswordSubject(product))?,
            greeting: greeting(language, self.recipient)?,
            event: say(Phrase::NewPasswordRequested(product))?,
            fields: vec![
                Field::to_type(language, Phrase::Username, &self.recipient.display_username)?,
                Field::to_type(language, Phrase::Password, self.password)?,
                Field::new(language, Phrase::ExpiresAt, self.expires_at.for_people())?,
                Field::new(language, Phrase::RequestedAt, self.at.for_people())?,
            ],
            instruction: say(Phrase::ChangePassword(self.old_password))?,
            login_url: &self.brand.login_url,
            otherwise: say(Phrase::RequestedByOthers(
                self.old_password,
                &self.brand.support_contact,
            ))?,
            closing: self.brand.closing(language),
            request: say(Phrase::Request(self.request_id))?,
        }
        .render()
    }
}

impl LoginUpdated<'_> {
    /// Renders both parts of the email.
    pub fn render(&self) -> Result<Message, MailError> {
        let language = language(self.recipient, self.brand);
        let say = |phrase| language.say(phrase);
        Layout {
            language: language.tag,
            subject: say(Phrase::LoginUpdatedSubject)?,
            greeting: greeting(language, self.recipient)?,
            event: say(Phrase::LoginUpdated(&self.brand.product_name))?,
            fields: vec![
                Field::to_type(language, Phrase::Username, &self.recipient.display_username)?,
                Field::new(language, Phrase::ChangedAt, self.at.for_people())?,
            ],
            instruction: say(Phrase::LogIn)?,
            login_url: &self.brand.login_url,
            otherwise: say(Phrase::UpdateNotExpected(&self.brand.support_contact))?,
            closing: self.brand.closing(language),
            request: say(Phrase::Request(self.request_id))?,
        }
        .render()
    }
}

impl AddressChanged<'_> {
    /// Renders both parts of the email.
    pub fn render(&self) -> Result<Message, MailError> {
        let language = language(self.recipient, self.brand);
        let say = |phrase| language.say(phrase);
        Layout {
            language: language.tag,
            subject: say(Phrase::AddressChangedSubject)?,
            greeting: greeting(language, self.recipient)?,
            event: say(Phrase::AddressChanged(&self.brand.product_name))?,
            fields: vec![
                Field::to_type(language, Phrase::Username, &self.recipient.display_username)?,
                Field::new(language, Phrase::ChangedAt, self.at.for_people())?,
            ],
            instruction: say(Phrase::LoginPage)?,
            login_url: &self.brand.login_url,
            otherwise: say(Phrase::UpdateNotExpected(&self.brand.support_contact))?,
            closing: self.brand.closing(language),
            request: say(Phrase::Request(self.request_id))?,
        }
        .render()
    }
}

fn language(recipient: &Profile, brand: &Brand) -> Language {
    Language::choose(recipient.language.as_deref(), brand.language.as_deref())
}

/// Greets the person. Leaves out a name that mail programs would turn into a link: names were
/// entered by users, who must not be able to put a link into our mail.
fn greeting(language: Language, recipient: &Profile) -> askama::Result<String> {
    let name = recipient.display_name.as_str();
    let name = if looks_like_link(name) { "" } else { name };
    language.say(Phrase::Greeting(name))
}

/// Whether a mail program may turn this into a link: it contains a character of a URL or an email
/// address, or a dot between two letters, as in `example.com`.
fn looks_like_link(name: &str) -> bool {
    let is_inner_dot = |(at, _): (usize, &str)| {
        let before = name.get(..at).and_then(|before| before.chars().last());
        let after = name.get(at + 1..).and_then(|after| after.chars().next());
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
    };
    name.contains(['/', '@', '\\']) || name.match_indices('.').any(is_inner_dot)
}

/// The minimum width of the column of labels.
const SHORTEST_COLUMN: usize = 14;

/// The contents of an email, in order.
struct Layout<'a> {
    language: &'static str,
    subject: String,
    greeting: String,
    event: String,
    fields: Vec<Field<'a>>,
    /// The next step, at `login_url`.
    instruction: String,
    login_url: &'a str,
    /// Instructions in case the reader did not expect this email.
    otherwise: String,
    closing: Option<&'a str>,
    request: String,
}

/// A labelled value.
struct Field<'a> {
    head: String,
    /// The head as a label in plain text, for example with a colon.
    label: String,
    value: Cow<'a, str>,
    /// Whether people will type the value, and so need a font in which no two characters look
    /// alike.
    is_typed: bool,
}

impl<'a> Field<'a> {
    fn new(language: Language, head: Phrase<'_>, value: String) -> askama::Result<Self> {
        Self::labelled(language, head, Cow::Owned(value), false)
    }

    fn to_type(language: Language, head: Phrase<'_>, value: &'a str) -> askama::Result<Self> {
        Self::labelled(language, head, Cow::Borrowed(value), true)
    }

    fn labelled(
        language: Language,
        head: Phrase<'_>,
        value: Cow<'a, str>,
        is_typed: bool,
    ) -> askama::Result<Self> {
        let head = language.say(head)?;
        Ok(Self {
            label: language.say(Phrase::Label(&head))?,
            head,
            value,
            is_typed,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/layout.txt")]
struct LayoutText<'a>(&'a Layout<'a>);

#[derive(Template)]
#[template(path = "mail/layout.html")]
struct LayoutHtml<'a>(&'a Layout<'a>);

impl Layout<'_> {
    /// The column in which the values of the plain text part begin.
    fn column(&self) -> usize {
        let labels = self.fields.iter();
        let longest = labels.map(|field| field.label.chars().count()).max();
        longest
            .map_or(0, |longest| longest + 1)
            .max(SHORTEST_COLUMN)
    }

    /// The label of a field, padded to the width of the column.
    fn padded(&self, field: &Field<'_>) -> String {
        let width = self.column();
        format!("{:<width$}", field.label)
    }

    fn render(self) -> Result<Message, MailError> {
        Ok(Message {
            text: LayoutText(&self).render()?,
            html: LayoutHtml(&self).render()?,
            subject: self.subject,
        })
    }
}

/// The escaper for values in a phrase or a plain text part.
#[derive(Clone, Copy)]
pub(crate) struct OneLine;

impl Escaper for OneLine {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, value: &str) -> fmt::Result {
        dest.write_str(&one_line(value))
    }
}

/// The escaper for values in an HTML part.
#[derive(Clone, Copy)]
pub(crate) struct OneLineHtml;

impl Escaper for OneLineHtml {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, value: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &one_line(value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::LANGUAGES;
    use super::*;
    use crate::users::UsernameKey;

    const AT: Timestamp = Timestamp(1_795_300_455);
    const EXPIRES_AT: Timestamp = Timestamp(1_795_386_855);

    fn brand() -> Brand {
        Brand {
            product_name: "Pump & Alarm".to_owned(),
            from: "no-reply@example.com".to_owned(),
            support_contact: "support@example.com".to_owned(),
            login_url: "https://example.com/login?a=1&b=2".to_owned(),
            ..Brand::default()
        }
    }

    fn recipient(language: &str, name: &str, username: &str) -> Profile {
        Profile {
            username: UsernameKey::new(username),
            display_username: username.to_owned(),
            id: 1,
            email: None,
            display_name: name.to_owned(),
            brand: None,
            language: Some(language.to_owned()),
        }
    }

    fn new_password(language: &str, brand: &Brand, name: &str, username: &str) -> Message {
        NewPassword {
            brand,
            recipient: &recipient(language, name, username),
            password: "abc-def",
            old_password: OldPassword::Invalid,
            at: AT,
            expires_at: EXPIRES_AT,
            request_id: "r-1",
        }
        .render()
        .unwrap()
    }

    fn login_updated(language: &str, brand: &Brand, name: &str, username: &str) -> Message {
        LoginUpdated {
            brand,
            recipient: &recipient(language, name, username),
            at: AT,
            request_id: "r-2",
        }
        .render()
        .unwrap()
    }

    fn address_changed(language: &str, name: &str, username: &str) -> Message {
        AddressChanged {
            brand: &brand(),
            recipient: &recipient(language, name, username),
            at: AT,
            request_id: "r-3",
        }
        .render()
        .unwrap()
    }

    #[test]
    fn address_changed_contains_all_information() {
        for language in LANGUAGES {
            let mail = address_changed(language.tag, "Jane Doe", "jdoe");
            let login = "https://example.com/login?a=1";
            let facts = ["Jane Doe", "jdoe", "2026-11-21 22:34 UTC", login];
            assert_says(&mail, &facts);
            assert_says(&mail, &["support@example.com", "r-3"]);
        }
    }

    #[test]
    fn a_name_that_would_become_a_link_is_not_in_the_greeting() {
        for name in [
            "http://evil.example/",
            "Jane www.evil.example",
            "evil.example",
            "jane@evil.example",
            "evil.example\\share",
        ] {
            let text = new_password("en", &brand(), name, "jdoe").text;
            assert!(text.starts_with("Hello,\n"), "{text}");
        }
        for name in ["Jane Doe", "J. R. Smith", "Dr. Zoë St. John, Jr.", "O'Neil"] {
            let text = new_password("en", &brand(), name, "jdoe").text;
            assert!(text.starts_with(&format!("Hello {name},\n")), "{text}");
        }
    }

    fn assert_says(mail: &Message, facts: &[&str]) {
        for part in [&mail.text, &mail.html] {
            for fact in facts {
                assert!(part.contains(fact), "{fact} in {part}");
            }
        }
    }

    #[test]
    fn new_password_contains_all_information() {
        for language in LANGUAGES {
            let mail = new_password(language.tag, &brand(), "Jane <Doe>", "jdoe");
            assert_says(
                &mail,
                &[
                    "jdoe",
                    "abc-def",
                    "2026-11-21 22:34 UTC",
                    "2026-11-22 22:34 UTC",
                    "support@example.com",
                    "r-1",
                ],
            );
            assert!(mail.subject.contains("Pump & Alarm"));
            assert!(mail.text.contains("Jane <Doe>"));
            assert!(mail.text.contains("https://example.com/login?a=1&b=2"));
            assert!(mail.html.contains("Pump &#38; Alarm"));
            assert!(mail.html.contains("Jane &#60;Doe&#62;"));
            let tag = format!("<html lang=\"{}\">", language.tag);
            assert!(mail.html.contains(&tag));
        }
    }

    #[test]
    fn a_brand_has_closing_words_in_each_language() {
        let closings = [
            ("closing_en", "Kind regards, Acme & Sons".to_owned()),
            ("closing_de", "Viele Grüße, Acme".to_owned()),
        ];
        let brand = Brand {
            language: Some("de".to_owned()),
            closings: closings.into(),
            ..brand()
        };
        let mail = new_password("en", &brand, "Jane", "jdoe");
        assert!(
            mail.text.contains("\n\nKind regards, Acme & Sons\n"),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("<p>Kind regards, Acme &#38; Sons</p>"));
        // The brand's language replaces one that emails are not available in.
        let mail = login_updated("sv", &brand, "Jane", "jdoe");
        assert!(
            mail.text.contains("\n\nViele Grüße, Acme\n"),
            "{}",
            mail.text
        );
        let without = login_updated("fr", &brand, "Jane", "jdoe");
        assert!(!without.text.contains("Acme"), "{}", without.text);
    }

    #[test]
    fn login_updated_has_no_password() {
        for language in LANGUAGES {
            let mail = login_updated(language.tag, &brand(), "Jane Doe", "jdoe");
            let login = "https://example.com/login?a=1";
            let facts = ["Jane Doe", "jdoe", "2026-11-21 22:34 UTC", login];
            assert_says(&mail, &facts);
            assert_says(&mail, &["support@example.com", "r-2"]);
        }
    }

    /// An email does not mix languages.
    #[test]
    fn languages_share_no_lines_except_values() {
        let lines = |language| {
            let mails = [
                new_password(language, &brand(), "Jane", "jdoe"),
                login_updated(language, &brand(), "Jane", "jdoe"),
                address_changed(language, "Jane", "jdoe"),
            ];
            let lines = mails.iter().flat_map(|m| [&m.subject, &m.text]);
            let lines = lines.flat_map(|part| part.lines().map(str::to_owned));
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        let [english, others @ ..] = LANGUAGES;
        for other in others {
            let other = lines(other.tag);
            let mut both = lines(english.tag);
            both.retain(|line| other.contains(line) && *line != brand().login_url);
            assert_eq!(both, Vec::<String>::new());
        }
    }

    #[test]
    fn english_and_german() {
        let subjects = |language: &str| {
            let brand = brand();
            [
                new_password(language, &brand, "Jane", "jdoe").subject,
                login_updated(language, &brand, "Jane", "jdoe").subject,
            ]
        };
        let english = ["Your new Pump & Alarm password", "Login Updated"];
        let german = [
            "Ihr neues Passwort für Pump & Alarm",
            "Ihre Zugangsdaten wurden geändert",
        ];
        assert_eq!(subjects("en-US"), english);
        assert_eq!(subjects("de-CH"), german);
        assert_eq!(subjects("sv"), english);
    }

    /// The layout of the plain text part. The tests of the functions find the password by its
    /// label.
    #[test]
    fn labels_and_values_are_aligned() {
        let text = new_password("de", &brand(), "", "jdoe").text;
        assert!(text.starts_with("Guten Tag,\n\n"), "{text}");
        let values: Vec<_> = text.lines().filter(|l| l.starts_with("    ")).collect();
        assert_eq!(
            values,
            [
                "    Benutzername:   jdoe",
                "    Passwort:       abc-def",
                "    Gültig bis:     2026-11-22 22:34 UTC",
                "    Angefordert am: 2026-11-21 22:34 UTC",
            ]
        );
    }

    #[test]
    fn longer_labels_are_aligned_too() {
        let text = new_password("fr", &brand(), "", "jdoe").text;
        let values: Vec<_> = text.lines().filter(|l| l.starts_with("    ")).collect();
        assert_eq!(
            values,
            [
                "    Nom d’utilisateur\u{a0}:  jdoe",
                "    Mot de passe\u{a0}:       abc-def",
                "    Valide jusqu’au\u{a0}:    2026-11-22 22:34 UTC",
                "    Date de la demande\u{a0}: 2026-11-21 22:34 UTC",
            ]
        );
    }

    /// Names of accounts and brands do not add lines to the email.
    #[test]
    fn names_cannot_add_or_reverse_lines() {
        let render = |name: &str| {
            let brand = Brand {
                product_name: name.to_owned(),
                support_contact: name.to_owned(),
                ..brand()
            };
            let mails = LANGUAGES.map(|Language { tag, .. }| {
                [
                    new_password(tag, &brand, name, name),
                    login_updated(tag, &brand, name, name),
                ]
            });
            mails.concat()
        };
        let lines = |mails: &[Message]| {
            let parts = mails.iter().flat_map(|m| [&m.subject, &m.text, &m.html]);
            parts.map(|part| part.lines().count()).collect::<Vec<_>>()
        };
        let ordinary = lines(&render("Jane Doe"));
        for break_or_override in [
            "\r\nBcc: x@example.com\r\n\r\n",
            "\n    Password:   mine\n",
            "\u{0}",
            "\u{b}",
            "\u{85}",
            "\u{2028}",
            "\u{202e}gro.elpmaxe",
            "\u{2066}",
        ] {
            let mails = render(&format!("Jane{break_or_override}Doe"));
            assert_eq!(lines(&mails), ordinary, "{break_or_override:?}");
            for mail in &mails {
                let all = format!("{}{}{}", mail.subject, mail.text, mail.html);
                let bad = |c: char| {
                    (c.is_control() && c != '\n') || one_line(c.encode_utf8(&mut [0; 4])).is_empty()
                };
                assert!(!all.contains(bad), "{break_or_override:?}");
                assert!(!mail.subject.contains('\n'), "{break_or_override:?}");
            }
        }
    }

    #[test]
    fn names_are_not_markup() {
        let hostile = "</p><script>alert('\"&')</script>";
        let tags = |html: &str| html.matches('<').count();
        for Language { tag, .. } in LANGUAGES {
            let plain = new_password(tag, &brand(), "Jane", "jdoe").html;
            let html = new_password(tag, &brand(), hostile, hostile).html;
            assert_eq!(tags(&html), tags(&plain), "{html}");
        }
    }
}
