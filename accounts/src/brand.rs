//! `brand`: in whose name mails go out.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use shared::brands::{self, CACHE_SECONDS};
use shared::dynamodb::{Item, StoreError, get_text};
use shared::mail::brand::{
    ATTRIBUTES, Attribute, CLOSINGS, CONFIGURATION_SET, FROM_ADDRESS, LANGUAGE, LOGIN_URL,
    PRODUCT_NAME, REPLY_TO, SUPPORT_CONTACT,
};

use crate::access::Session;
use crate::brand_table::{change, key, table};
use crate::console::Record;
use crate::fields::text;
use crate::near::near;
use crate::preview;
use crate::{Done, Error};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all brands
    ///
    /// Reads the whole table.
    List,
    /// Show what mails of a brand say
    ///
    /// What the brand does not say itself comes from the environment variables of the functions, if
    /// they are set here too.
    Show {
        /// The brand, as accounts have it
        key: String,
    },
    /// Print a mail as a person of a brand would get it
    ///
    /// The person, the password and the times are made up. Sends nothing.
    Preview(preview::Arguments),
    /// Change what mails of a brand say
    ///
    /// What is not given stays as it is.
    Set {
        /// The brand, as accounts have it
        key: String,
        #[command(flatten)]
        values: Values,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Values {
    /// What mails call the product
    #[arg(long, value_name = "NAME")]
    product_name: Option<String>,
    /// The sender: an address, or a name and an address in angle brackets
    #[arg(long, value_name = "SENDER")]
    from_address: Option<String>,
    /// Where mails send people who did not expect them
    #[arg(long, value_name = "CONTACT")]
    support_contact: Option<String>,
    /// Where mails send people to log in
    #[arg(long, value_name = "URL")]
    login_url: Option<String>,
    /// The SES configuration set
    #[arg(long, value_name = "NAME")]
    configuration_set: Option<String>,
    /// Where answers to a mail go, if not to the sender
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Option<String>,
    /// The language of people who have none: en, de, es, fr, it, nl, pl or pt
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// The last words of mails in one language, for instance en='Kind regards, Acme'; may be repeated
    #[arg(long, value_name = "LANGUAGE=TEXT", value_parser = closing)]
    closing: Vec<(Attribute, String)>,
    /// An attribute to remove, so that the default brand's value counts again; may be repeated
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    unset: Vec<String>,
}

/// The names of all attributes.
fn names() -> impl Iterator<Item = &'static str> {
    let attributes = ATTRIBUTES.into_iter().chain(CLOSINGS);
    attributes.map(|attribute| attribute.name)
}

/// Reads `LANGUAGE=TEXT`.
fn closing(argument: &str) -> Result<(Attribute, String), String> {
    let (language, text) = argument.split_once('=').ok_or("must be LANGUAGE=TEXT")?;
    let name = format!("closing_{}", language.trim().to_ascii_lowercase());
    let closing = CLOSINGS.into_iter().find(|closing| closing.name == name);
    let closing = closing.ok_or_else(|| format!("no mails are written in {language}"))?;
    Ok((closing, text.to_owned()))
}

pub(crate) async fn list(session: &Session<'_>) -> Result<Vec<Record>, Error> {
    let rows = table(session)?.all().await?;
    rows.iter().map(|row| record(session, row)).collect()
}

pub(crate) async fn show(session: &Session<'_>, name: &str) -> Result<Record, Error> {
    let key = key(name)?;
    let table = table(session)?;
    match table.find(&key).await? {
        Some(row) => record(session, &row),
        None => Err(unknown(&key, &table.all().await?)),
    }
}

/// The error of a brand that has no row. It names one whose name is similar.
fn unknown(key: &str, rows: &[Item]) -> Error {
    let keys = rows.iter().filter_map(|row| get_text(row, "brand"));
    let text = format!("there is no brand {key}; its mails say what the configuration says");
    Error::NotFound(match near(key, keys) {
        Some(near) => format!("{text}; similar: {near}"),
        None => text,
    })
}

pub(crate) async fn set(session: &Session<'_>, name: &str, values: &Values) -> Result<Done, Error> {
    let key = key(name)?;
    let values = values.checked()?;
    let table = table(session)?;
    let row = table.find(&key).await?.unwrap_or_default();
    let Some(change) = change(&row, &values) else {
        return Ok(Done {
            text: format!("{key} needs no change"),
            key: ("brand", key),
            event: None,
            note: None,
        });
    };
    let event = "brand.set";
    let names: Vec<_> = values.iter().map(|(attribute, _)| attribute.name).collect();
    let names = names.join(", ");
    let audit = session.audit_row(&format!("brand#{key}"), event, Some(&names))?;
    match table.change(&key, &change, &audit).await {
        Err(StoreError::Conflict) => Err(Error::TryAgain(format!(
            "{key} was changed meanwhile, and that change stands"
        ))),
        result => Ok(result.map(|()| Done {
            text: format!(
                "{key} is set; for up to {} minutes mails may still say what it was before",
                CACHE_SECONDS / 60
            ),
            key: ("brand", key),
            event: Some(event),
            note: None,
        })?),
    }
}

impl Values {
    /// The values as mails use them, none for what is to be unset.
    fn checked(&self) -> Result<Vec<(Attribute, Option<&str>)>, Error> {
        let closing = |attribute: Attribute| {
            let mut given = self.closing.iter();
            let closing = given.find(|(given, _)| given.name == attribute.name);
            (attribute, closing.map(|(_, text)| text))
        };
        let given = [
            (PRODUCT_NAME, &self.product_name),
            (FROM_ADDRESS, &self.from_address),
            (SUPPORT_CONTACT, &self.support_contact),
            (LOGIN_URL, &self.login_url),
            (CONFIGURATION_SET, &self.configuration_set),
            (REPLY_TO, &self.reply_to),
            (LANGUAGE, &self.language),
        ];
        let given = given.map(|(attribute, text)| (attribute, text.as_ref()));
        let given = given.into_iter().chain(CLOSINGS.map(closing));
        let mut values = Vec::new();
        for (attribute, text) in given {
            let name = attribute.name;
            let is_unset = self.unset.iter().any(|unset| unset == name);
            let value = match text {
                Some(_) if is_unset => {
                    return Err(Error::Usage(format!("{name} is both set and unset")));
                }
                Some(text) => Some(usable(&attribute, text)?),
                None if is_unset => None,
                None => continue,
            };
            values.push((attribute, value));
        }
        Ok(values)
    }
}

fn usable<'t>(attribute: &Attribute, text: &'t str) -> Result<&'t str, Error> {
    let name = attribute.name;
    let usable = attribute.parse(text);
    let usable = usable.map_err(|reason| Error::Usage(format!("{name} {reason}")))?;
    usable.ok_or_else(|| Error::Usage(format!("{name} is empty; --unset {name} removes it")))
}

/// What mails of a brand say, what they take from the configuration, and which values of the row
/// cannot be used.
fn record(session: &Session<'_>, row: &Item) -> Result<Record, Error> {
    let mut fields = vec![("brand", text(row, "brand"))];
    let (mut defaults, mut unusable) = (Vec::new(), Vec::new());
    for attribute in &ATTRIBUTES {
        let own = brands::value(row, attribute);
        if own.is_err() {
            unusable.push(attribute.name);
        }
        let said = if let Some(own) = own.ok().flatten() {
            Some(own.to_owned())
        } else {
            defaults.push(attribute.name);
            session.configured(|variables| variables.default_brand(attribute))?
        };
        fields.push((attribute.name, said.into()));
    }
    for closing in &CLOSINGS {
        match brands::value(row, closing) {
            Ok(None) => {}
            Ok(text) => fields.push((closing.name, text.into())),
            Err(_) => unusable.push(closing.name),
        }
    }
    fields.push(("defaults", defaults.into()));
    fields.push(("unusable", unusable.into()));
    Ok(Record::new(fields))
}
