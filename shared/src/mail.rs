//! Mail: messages rendered from compile-time templates, and their way to SES.
//!
//! Every value in a template goes through an escaper of this module (`askama.toml` chooses it by
//! the template's extension), so that no name can add a line, a header or markup.

use std::fmt;

use askama::Template;
use askama::filters::{Escaper, Html};
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage};
use aws_sdk_sesv2::{Client, Config};

use crate::clock::Timestamp;
use crate::text::{one_line, overrides_direction};

/// Whom a mail comes from and what it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// The name of the product.
    pub product_name: String,
    /// The sender: an address SES may send from, with or without a name.
    pub from: String,
    /// Where people ask for help: an address or a telephone number.
    pub support_contact: String,
    /// Where people log in.
    pub login_url: String,
    /// The SES configuration set, if any.
    pub configuration_set: Option<String>,
}

/// A mail that carries a password made by the service.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    /// Whose mail it is.
    pub brand: &'a Brand,
    /// The name of the person.
    pub display_name: &'a str,
    /// The user name to log in with.
    pub username: &'a str,
    /// The password, in clear: this mail is the one place for it.
    pub password: &'a str,
    /// When it was asked for.
    pub at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// The request that asked, for the support to find it.
    pub request_id: &'a str,
}

impl fmt::Debug for NewPassword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// A mail that says an administrator set a password. It never contains the password.
#[derive(Debug, Clone, Copy)]
pub struct LoginUpdated<'a> {
    /// Whose mail it is.
    pub brand: &'a Brand,
    /// The name of the person.
    pub display_name: &'a str,
    /// The user name to log in with.
    pub username: &'a str,
    /// When it was set.
    pub at: Timestamp,
    /// The request that set it, for the support to find it.
    pub request_id: &'a str,
}

/// A rendered mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Message {
    /// The parts may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Values in a subject or a plain text part.
#[derive(Clone, Copy)]
struct OneLine;

impl Escaper for OneLine {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, value: &str) -> fmt::Result {
        dest.write_str(&one_line(value))
    }
}

/// Values in an HTML part.
#[derive(Clone, Copy)]
struct OneLineHtml;

impl Escaper for OneLineHtml {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, value: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &one_line(value))
    }
}

#[derive(Template)]
#[template(path = "new_password.subject.txt")]
struct NewPasswordSubject<'a>(NewPassword<'a>);

#[derive(Template)]
#[template(path = "new_password.txt")]
struct NewPasswordText<'a>(NewPassword<'a>);

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPasswordHtml<'a>(NewPassword<'a>);

#[derive(Template)]
#[template(path = "login_updated.subject.txt")]
struct LoginUpdatedSubject;

#[derive(Template)]
#[template(path = "login_updated.txt")]
struct LoginUpdatedText<'a>(LoginUpdated<'a>);

#[derive(Template)]
#[template(path = "login_updated.html")]
struct LoginUpdatedHtml<'a>(LoginUpdated<'a>);

impl NewPassword<'_> {
    /// The mail.
    pub fn render(&self) -> Result<Message, MailError> {
        render(
            &NewPasswordSubject(*self),
            &NewPasswordText(*self),
            &NewPasswordHtml(*self),
        )
    }
}

impl LoginUpdated<'_> {
    /// The mail.
    pub fn render(&self) -> Result<Message, MailError> {
        render(
            &LoginUpdatedSubject,
            &LoginUpdatedText(*self),
            &LoginUpdatedHtml(*self),
        )
    }
}

fn render(
    subject: &impl Template,
    text: &impl Template,
    html: &impl Template,
) -> Result<Message, MailError> {
    Ok(Message {
        // Without the line break at the end of the template: a subject is one header line (RFC 5322
        // section 2.2).
        subject: subject.render()?.trim().to_owned(),
        text: text.render()?,
        html: html.render()?,
    })
}

/// Why a mail was not accepted for delivery.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template failed.
    #[error("the mail could not be rendered")]
    Template(#[from] askama::Error),
    /// The message is not one SES takes.
    #[error("the mail could not be built")]
    Message(#[from] BuildError),
    /// The address on file is none that one mail could go to.
    #[error("the address on file is malformed")]
    Address,
    /// SES refused it or did not answer. Only the code of its error: the text names the address.
    #[error("SES did not accept the mail: {0}")]
    NotAccepted(String),
}

/// The way to SES.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
}

impl Mailer {
    /// A mailer with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Opens the connection to SES, so that the first mail does not have to. SES has no call that
    /// does nothing: this one reads a setting of the account, which the function is not permitted
    /// to, and which it does not need. Any answer will do, so nothing is tried twice.
    pub async fn connect(&self) -> Result<(), MailError> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let call = self.client.get_account().customize().config_override(once);
        match call.send().await {
            Err(error) if error.raw_response().is_none() => {
                Err(MailError::NotAccepted("no answer".to_owned()))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Sends `message` to one address. `Ok` means SES accepted it for delivery, no more.
    pub async fn send(&self, brand: &Brand, to: &str, message: &Message) -> Result<(), MailError> {
        if !is_one_address(to) {
            return Err(MailError::Address);
        }
        let part = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let body = Body::builder()
            .text(part(&message.text)?)
            .html(part(&message.html)?)
            .build();
        let simple = SesMessage::builder()
            .subject(part(&message.subject)?)
            .body(body)
            .build();
        self.client
            .send_email()
            .from_email_address(&brand.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(simple).build())
            .set_configuration_set_name(brand.configuration_set.clone())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| {
                let code = error.code().unwrap_or("no answer");
                MailError::NotAccepted(code.to_owned())
            })
    }
}

/// Whether this is one address and nothing else: no second recipient, no name, no further header,
/// and at most 320 bytes (RFC 5321 section 4.5.3.1: 64 for the local part, 255 for the domain).
fn is_one_address(to: &str) -> bool {
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

/// An address as FluentValidation's `Email` rule has it, near enough for every address SES could
/// deliver to: dot-separated atoms, `@`, and a domain of at least two labels.
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

    fn brand() -> Brand {
        Brand {
            product_name: "Pump & Alarm".to_owned(),
            from: "no-reply@example.com".to_owned(),
            support_contact: "support@example.com".to_owned(),
            login_url: "https://example.com/login?a=1&b=2".to_owned(),
            configuration_set: None,
        }
    }

    #[test]
    fn new_password_says_all_a_person_needs() {
        let brand = brand();
        let mail = NewPassword {
            brand: &brand,
            display_name: "Jane <Doe>\r\nBcc: x@example.com",
            username: "jdoe",
            password: "abc-def",
            at: Timestamp(1_795_300_455),
            expires_at: Timestamp(1_795_386_855),
            request_id: "r-1",
        }
        .render()
        .unwrap();
        assert_eq!(mail.subject, "Your new Pump & Alarm password");
        for part in [&mail.text, &mail.html] {
            for fact in [
                "jdoe",
                "abc-def",
                "2026-11-21 22:34 UTC",
                "2026-11-22 22:34 UTC",
                "support@example.com",
                "r-1",
            ] {
                assert!(part.contains(fact), "{fact} in {part}");
            }
        }
        assert!(mail.text.contains("https://example.com/login?a=1&b=2"));
        assert!(mail.html.contains("Pump &#38; Alarm"));
        assert!(mail.html.contains("Jane &#60;Doe&#62;"));
        assert!(!mail.html.contains("<Doe>"));
    }

    #[test]
    fn login_updated_has_no_password() {
        let brand = brand();
        let mail = LoginUpdated {
            brand: &brand,
            display_name: "Jane Doe",
            username: "jdoe",
            at: Timestamp(1_795_300_455),
            request_id: "r-2",
        }
        .render()
        .unwrap();
        assert_eq!(mail.subject, "Login Updated");
        for part in [&mail.text, &mail.html] {
            for fact in ["jdoe", "2026-11-21 22:34 UTC", "support@example.com", "r-2"] {
                assert!(part.contains(fact), "{fact} in {part}");
            }
        }
    }

    /// Whatever an account or a brand is called, the mail has the lines that its templates have.
    #[test]
    fn no_name_adds_a_line_or_turns_one_around() {
        let render = |name: &str| {
            let brand = Brand {
                product_name: name.to_owned(),
                support_contact: name.to_owned(),
                ..brand()
            };
            let (at, request_id) = (Timestamp(1_795_300_455), "r-3");
            let new_password = NewPassword {
                brand: &brand,
                display_name: name,
                username: name,
                password: "abc-def",
                at,
                expires_at: at,
                request_id,
            };
            let login_updated = LoginUpdated {
                brand: &brand,
                display_name: name,
                username: name,
                at,
                request_id,
            };
            [
                new_password.render().unwrap(),
                login_updated.render().unwrap(),
            ]
        };
        let lines = |mails: &[Message; 2]| {
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
