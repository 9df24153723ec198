//! `brand`: in whose name mails go out.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use shared::brands::{self, CACHE_SECONDS};
use shared::dynamodb::{Item, StoreError};
use shared::mail::brand::{
    ATTRIBUTES, Attribute, CONFIGURATION_SET, FROM_ADDRESS, LOGIN_URL, PRODUCT_NAME,
    SUPPORT_CONTACT,
};
use shared::users::MAX_NAME_LENGTH;

use crate::access::Session;
use crate::brand_table::{self, BrandTable};
use crate::console::Record;
use crate::fields::text;
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
    /// What the brand shall not say itself; may be repeated
    #[arg(long, value_name = "NAME",
        value_parser = PossibleValuesParser::new(ATTRIBUTES.map(|attribute| attribute.name)))]
    unset: Vec<String>,
}

pub(crate) async fn list(session: &Session<'_>) -> Result<Vec<Record>, Error> {
    let rows = table(session)?.all().await?;
    rows.iter().map(|row| record(session, row)).collect()
}

pub(crate) async fn show(session: &Session<'_>, name: &str) -> Result<Record, Error> {
    let key = key(name)?;
    let row = table(session)?.find(&key).await?;
    let row = row.ok_or_else(|| {
        Error::NotFound(format!(
            "there is no brand {key}; its mails say what the configuration says"
        ))
    })?;
    record(session, &row)
}

pub(crate) async fn set(session: &Session<'_>, name: &str, values: &Values) -> Result<Done, Error> {
    let key = key(name)?;
    let values = values.checked()?;
    let table = table(session)?;
    let row = table.find(&key).await?.unwrap_or_default();
    let Some(change) = brand_table::change(&row, &values) else {
        return Ok(Done {
            text: format!("{key} needs no change"),
            key: ("brand", key),
            event: None,
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
        })?),
    }
}

impl Values {
    /// The values as mails use them, none for what is to be unset.
    fn checked(&self) -> Result<Vec<(Attribute, Option<&str>)>, Error> {
        let given = [
            (PRODUCT_NAME, &self.product_name),
            (FROM_ADDRESS, &self.from_address),
            (SUPPORT_CONTACT, &self.support_contact),
            (LOGIN_URL, &self.login_url),
            (CONFIGURATION_SET, &self.configuration_set),
        ];
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
    let usable = attribute.usable(text);
    let usable = usable.map_err(|reason| Error::Usage(format!("{name} {reason}")))?;
    usable.ok_or_else(|| Error::Usage(format!("{name} is empty; --unset {name} removes it")))
}

pub(crate) fn table(session: &Session<'_>) -> Result<BrandTable, Error> {
    let name = session.configured(|variables| variables.required("BRANDS_TABLE"))?;
    Ok(BrandTable::new(session.clients()?.dynamodb.clone(), name))
}

/// The key of a brand that an account can have.
fn key(name: &str) -> Result<String, Error> {
    let key = brands::row_key(Some(name)).filter(|key| !key.contains(char::is_control));
    key.ok_or_else(|| {
        Error::Usage(format!(
            "a brand is one line of 1 to {MAX_NAME_LENGTH} bytes, and not -"
        ))
    })
}

/// What mails of a brand say; beside it what the configuration decides, and what stands in the
/// table but cannot be used.
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
    fields.push(("defaults", defaults.into()));
    fields.push(("unusable", unusable.into()));
    Ok(Record::new(fields))
}
