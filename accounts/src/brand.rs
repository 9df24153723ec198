//! `brand`: the sender, product name and links in emails.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use shared::brands::{self, CACHE_SECONDS};
use shared::dynamodb::{Item, StoreError};
use shared::mail::brand::{
    ATTRIBUTES, Attribute, CLOSINGS, CONFIGURATION_SET, FROM_ADDRESS, LANGUAGE, LOGIN_URL,
    PRODUCT_NAME, REPLY_TO, SUPPORT_CONTACT,
};

use crate::access::Session;
use crate::brand_table::{change, key, table};
use crate::console::Record;
use crate::fields::text;
use crate::{Console, Done, Error, preview, similar};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all brands
    ///
    /// Reads the whole table.
    List,
    /// Show the values of a brand
    ///
    /// Values that the brand does not set come from the stack or the environment, if they are set
    /// there.
    Show {
        /// The name of the brand
        key: String,
    },
    /// Print a sample email of a brand
    ///
    /// Uses a sample recipient, password and times, and sends nothing.
    Preview(preview::Arguments),
    /// Change the values of a brand
    ///
    /// Adds the brand if it does not exist. Other values stay unchanged.
    Set {
        /// The name of the brand
        key: String,
        #[command(flatten)]
        values: Values,
    },
    /// Remove a brand
    ///
    /// Accounts keep the name of the brand; their emails use the values of the default brand. Asks
    /// for confirmation.
    Remove {
        /// The name of the brand
        key: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Values {
    /// The name of the product in emails
    #[arg(long, value_name = "NAME")]
    product_name: Option<String>,
    /// The sender: an address, or a name and an address in angle brackets
    #[arg(long, value_name = "SENDER")]
    from_address: Option<String>,
    /// The contact for people who did not expect an email
    #[arg(long, value_name = "CONTACT")]
    support_contact: Option<String>,
    /// The URL of the login page in emails
    #[arg(long, value_name = "URL")]
    login_url: Option<String>,
    /// The SES configuration set
    #[arg(long, value_name = "NAME")]
    configuration_set: Option<String>,
    /// The address for replies, if not the sender
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Option<String>,
    /// The language for accounts without one: en, de, es, fr, it, nl, pl or pt
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// The closing of emails in one language, for instance en='Kind regards, Acme' (repeatable)
    #[arg(long, value_name = "LANGUAGE=TEXT", value_parser = closing)]
    closing: Vec<(Attribute, String)>,
    /// An attribute to remove (repeatable). The value of the default brand then applies. A closing
    /// has no default: without it, emails in that language have no closing
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    unset: Vec<String>,
}

/// Returns the names of all attributes.
fn names() -> impl Iterator<Item = &'static str> {
    let attributes = ATTRIBUTES.into_iter().chain(CLOSINGS);
    attributes.map(|attribute| attribute.name)
}

/// Parses `LANGUAGE=TEXT`.
fn closing(argument: &str) -> Result<(Attribute, String), String> {
    let (language, text) = argument.split_once('=').ok_or("must be LANGUAGE=TEXT")?;
    let name = format!("closing_{}", language.trim().to_ascii_lowercase());
    let closing = CLOSINGS.into_iter().find(|closing| closing.name == name);
    let closing = closing.ok_or_else(|| {
        let known = CLOSINGS.map(|closing| closing.name.trim_start_matches("closing_"));
        let known = known.join(", ");
        format!("LANGUAGE must be one that emails are written in: {known}")
    })?;
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
        None => Err(table.unknown(&key).await?),
    }
}

pub(crate) async fn set(session: &Session<'_>, name: &str, values: &Values) -> Result<Done, Error> {
    let key = key(name)?;
    let values = values.checked()?;
    let table = table(session)?;
    let row = table.find(&key).await?;
    let note = match &row {
        Some(_) => None,
        None => Some(similar::with(
            "new brand".to_owned(),
            &table.similar(&key).await?,
        )),
    };
    let row = row.unwrap_or_default();
    let Some(change) = change(&row, &values) else {
        return Ok(Done {
            text: format!("{key}: nothing to change"),
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
            "{key} was changed by someone else in the meantime; try again"
        ))),
        result => Ok(result.map(|()| Done {
            text: format!(
                "{key}: set; emails may show the old values for up to {} minutes",
                CACHE_SECONDS / 60
            ),
            key: ("brand", key),
            event: Some(event),
            note,
        })?),
    }
}

/// Removes the row of a brand.
pub(crate) async fn remove(
    session: &Session<'_>,
    name: &str,
    asks: bool,
    console: &mut Console,
) -> Result<Done, Error> {
    let key = key(name)?;
    let table = table(session)?;
    if table.find(&key).await?.is_none() {
        return Err(table.unknown(&key).await?);
    }
    let question = format!("Remove {key}? Its emails will use the values of the default brand.");
    if asks && !console.confirm(&question)? {
        return Err(Error::Refused(format!(
            "not confirmed; {key} was not removed"
        )));
    }
    let event = "brand.removed";
    let audit = session.audit_row(&format!("brand#{key}"), event, None)?;
    table.remove(&key, &audit).await?;
    let minutes = CACHE_SECONDS / 60;
    Ok(Done {
        text: format!("{key}: removed; emails may show the old values for up to {minutes} minutes"),
        key: ("brand", key),
        event: Some(event),
        note: None,
    })
}

impl Values {
    /// Checks the values; `None` for values to unset.
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
                    return Err(Error::Usage(format!(
                        "{name} cannot be set and unset at once"
                    )));
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
    usable.ok_or_else(|| Error::Usage(format!("{name} is empty; use --unset {name} to remove it")))
}

/// Returns the values of a brand, the names of those from the default brand, and the names of
/// unusable values.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_language_is_answered_with_those_that_are_accepted() {
        let error = closing("sv=Hej").unwrap_err();
        let (_, known) = error.split_once(": ").unwrap();
        assert_eq!(known.split(", ").count(), CLOSINGS.len());
        for language in known.split(", ") {
            assert!(closing(&format!("{language}=Yours")).is_ok(), "{language}");
        }
    }
}
