//! The brand of an email, and the rules for its values, which apply to the configuration and to the
//! Brands table.

use std::collections::BTreeMap;

use super::address::{is_address, is_one_address};
use super::language::{LANGUAGES, Language};

/// The brand of an email: its sender, and the product it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name of the product.
    pub product_name: String,
    /// The sender: an address that SES may send from, with or without a name.
    pub from: String,
    /// The contact for help: an address or a telephone number.
    pub support_contact: String,
    /// The URL at which people log in.
    pub login_url: String,
    /// The SES configuration set, if any.
    pub configuration_set: Option<String>,
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<String>,
    /// The language, a BCP 47 tag, of emails to recipients whose account has no language or has one
    /// in which emails are not available. English if missing.
    pub language: Option<String>,
    /// The closing words of an email, by the name of their attribute in [`CLOSINGS`].
    pub closings: BTreeMap<&'static str, String>,
}

/// A check of a value. The error describes valid values.
type Check = fn(&str) -> Result<(), &'static str>;

/// An attribute of a brand.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name in the Brands table.
    pub name: &'static str,
    /// The environment variable with the default brand's value. `None` if the default brand has no
    /// such value.
    pub variable: Option<&'static str>,
    check: Check,
}

/// The name of the product.
pub const PRODUCT_NAME: Attribute = Attribute {
    name: "product_name",
    variable: Some("PRODUCT_NAME"),
    check: check_line,
};
/// The sender.
pub const FROM_ADDRESS: Attribute = Attribute {
    name: "from_address",
    variable: Some("MAIL_FROM"),
    check: check_sender,
};
/// The contact for help.
pub const SUPPORT_CONTACT: Attribute = Attribute {
    name: "support_contact",
    variable: Some("SUPPORT_CONTACT"),
    check: check_line,
};
/// The URL at which people log in.
pub const LOGIN_URL: Attribute = Attribute {
    name: "login_url",
    variable: Some("LOGIN_URL"),
    check: check_url,
};
/// The SES configuration set.
pub const CONFIGURATION_SET: Attribute = Attribute {
    name: "configuration_set",
    variable: Some("CONFIGURATION_SET"),
    check: check_configuration_set,
};

/// The address for replies.
pub const REPLY_TO: Attribute = Attribute {
    name: "reply_to",
    variable: Some("REPLY_TO"),
    check: check_address,
};
/// The language of emails to recipients whose account has no language or has one in which emails
/// are not available.
pub const LANGUAGE: Attribute = Attribute {
    name: "language",
    variable: Some("MAIL_LANGUAGE"),
    check: check_language,
};
/// The closing words of emails, one attribute per language: `closing_en` and so on.
pub const CLOSINGS: [Attribute; LANGUAGES.len()] = [
    closing("closing_en"),
    closing("closing_de"),
    closing("closing_es"),
    closing("closing_fr"),
    closing("closing_it"),
    closing("closing_nl"),
    closing("closing_pl"),
    closing("closing_pt"),
];

const fn closing(name: &'static str) -> Attribute {
    Attribute {
        name,
        variable: None,
        check: check_line,
    }
}

/// All attributes of a brand except [`CLOSINGS`].
pub const ATTRIBUTES: [Attribute; 7] = [
    PRODUCT_NAME,
    FROM_ADDRESS,
    SUPPORT_CONTACT,
    LOGIN_URL,
    CONFIGURATION_SET,
    REPLY_TO,
    LANGUAGE,
];

impl Brand {
    /// The closing words of an email in this language.
    pub(super) fn closing(&self, language: Language) -> Option<&str> {
        let subtag = language.subtag();
        let mut closings = self.closings.iter();
        let closing = closings.find(|(name, _)| name.strip_prefix("closing_") == Some(subtag));
        closing.map(|(_, text)| text.as_str())
    }
}

impl Attribute {
    /// Trims and checks a value. `None` if it is empty. The error describes valid values.
    pub fn parse<'t>(&self, text: &'t str) -> Result<Option<&'t str>, &'static str> {
        let text = Some(text.trim()).filter(|text| !text.is_empty());
        text.map(|text| (self.check)(text).map(|()| text))
            .transpose()
    }
}

/// Checks that a text is one line.
fn check_line(text: &str) -> Result<(), &'static str> {
    if text.contains(char::is_control) {
        return Err("must be one line");
    }
    Ok(())
}

/// Checks that a sender is valid for SES: an address, or a name (RFC 5322 section 3.2.5, `phrase`)
/// and an address in angle brackets, in ASCII.
fn check_sender(from: &str) -> Result<(), &'static str> {
    let named = from
        .strip_suffix('>')
        .and_then(|from| from.rsplit_once('<'));
    let (name, address) = named.unwrap_or(("", from));
    let is_printable = from.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if is_printable && is_phrase(name.trim()) && is_one_address(address) && is_address(address) {
        Ok(())
    } else {
        Err("must be an email address, or a name and an address in angle brackets, in ASCII")
    }
}

fn is_phrase(name: &str) -> bool {
    let quoted = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    match quoted {
        Some(name) => !name.contains(['"', '\\']),
        None => !name.contains(|c| "()<>[]:;@\\,\"".contains(c)),
    }
}

fn check_address(address: &str) -> Result<(), &'static str> {
    if address.is_ascii() && is_one_address(address) && is_address(address) {
        Ok(())
    } else {
        Err("must be an email address in ASCII")
    }
}

fn check_language(tag: &str) -> Result<(), &'static str> {
    match Language::from_tag(tag) {
        Some(_) => Ok(()),
        None => {
            Err("must be a language that emails are written in: en, de, es, fr, it, nl, pl or pt")
        }
    }
}

/// Checks that a URL works as a link in an email. User information (RFC 3986 section 3.2.1) is
/// refused, because it makes a link look like one to another host.
fn check_url(url: &str) -> Result<(), &'static str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let uri = url.parse::<http::Uri>().ok().filter(|_| is_web);
    let authority = uri.as_ref().and_then(http::Uri::authority);
    let authority = authority.ok_or("must be an http or https URL")?;
    if authority.as_str().contains('@') {
        return Err("must have no user name before its host");
    }
    let host = authority.host();
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_domain = labels.contains('.') && labels.split('.').all(|label| !label.is_empty());
    if is_domain || host == "localhost" || host.starts_with('[') {
        Ok(())
    } else {
        Err("must have a host with a dot, or localhost")
    }
}

/// Checks that a name is valid for SES (`CreateConfigurationSet`).
fn check_configuration_set(name: &str) -> Result<(), &'static str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 64 && name.chars().all(is_allowed) {
        Ok(())
    } else {
        Err("must be at most 64 letters, digits, hyphens and underscores")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders() {
        for sender in [
            "a@example.com",
            "Pump Alarm <a@example.com>",
            "Pump Alarm 2.0 <a@example.com>",
            "\"Alarm, Pump\" <a@example.com>",
            "=?UTF-8?Q?Z=C3=B6e?= <a@example.com>",
        ] {
            assert_eq!(check_sender(sender), Ok(()), "{sender}");
        }
        for sender in [
            "",
            "Pump Alarm",
            "Pump Alarm <>",
            "a@example.com, b@example.com",
            "Alarm, Pump <a@example.com>",
            "Pump <Alarm> <a@example.com>",
            "\"Pump\" Alarm\" <a@example.com>",
            "Pump <a@example.com> Alarm",
            "Pump\r\nBcc: x@example.com <a@example.com>",
            "Zoë <a@example.com>",
            "a@exämple.com",
            "a@b",
            "Pump Alarm <a@b>",
            "a@b@example.com",
        ] {
            assert!(check_sender(sender).is_err(), "{sender}");
        }
    }

    /// The attributes are in the order of the languages.
    #[test]
    fn every_language_has_a_closing() {
        for (language, attribute) in LANGUAGES.into_iter().zip(CLOSINGS) {
            let closings = [(attribute.name, "Bye".to_owned())].into();
            let brand = Brand {
                closings,
                ..Brand::default()
            };
            for other in LANGUAGES {
                let expected = (other.tag == language.tag).then_some("Bye");
                assert_eq!(brand.closing(other), expected, "{}", attribute.name);
            }
        }
    }

    #[test]
    fn languages_and_addresses_of_a_brand() {
        for tag in ["en", "DE", "pt-BR", "fr-CA"] {
            assert_eq!(check_language(tag), Ok(()), "{tag}");
        }
        for tag in ["", "sv", "english"] {
            assert!(check_language(tag).is_err(), "{tag}");
        }
        assert_eq!(check_address("help@example.com"), Ok(()));
        for address in [
            "help",
            "Help <help@example.com>",
            "a@b.example, c@d.example",
            "ä@b.example",
        ] {
            assert!(check_address(address).is_err(), "{address}");
        }
    }

    #[test]
    fn urls() {
        for url in [
            "https://example.com",
            "http://127.0.0.1:3000/",
            "http://localhost:8080/login",
            "https://[::1]/",
            "https://example.com/?next=a@b",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "example.com",
            "https://",
            "https://a@b/",
            "https://bank.example@evil.example/",
            "https://user:word@example.com/",
            "https://intranet/",
            "https://.com/",
            "https://example..com/",
            "javascript:alert(1)",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
