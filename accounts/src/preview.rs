//! `brand preview`: prints a sample email of a brand.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use shared::brands::from_row;
use shared::config;
use shared::mail::{Brand, Kind, Message, languages, render_sample};

use crate::access::Session;
use crate::brand_table::{key, table};
use crate::console::Record;
use crate::{Console, Error};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The name of the brand; without it, the default brand
    key: Option<String>,
    /// The email to print
    #[arg(long, value_name = "KIND", default_value = Kind::NewPassword.name(),
        value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name))
            .try_map(|name| name.parse::<Kind>()))]
    mail: Kind,
    /// The language of the recipient, a BCP 47 tag; by default, the language of the brand
    #[arg(long, value_name = "TAG", value_parser = language)]
    language: Option<String>,
    /// Print only the HTML part, to open in a browser
    #[arg(long)]
    html: bool,
}

/// Parses the tag of a language that emails are available in.
fn language(tag: &str) -> Result<String, String> {
    let subtag = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
    let wanted = subtag(tag.trim());
    if languages().any(|known| subtag(known) == wanted) {
        return Ok(tag.to_owned());
    }
    let known: Vec<_> = languages().collect();
    let known = known.join(", ");
    Err(format!(
        "must be a language that emails are written in: {known}"
    ))
}

impl Arguments {
    /// Prints the email.
    pub(crate) async fn run(
        &self,
        session: &Session<'_>,
        console: &mut Console,
    ) -> Result<(), Error> {
        let default = session.configured(config::brand)?;
        let brand = match &self.key {
            Some(name) => {
                let (key, table) = (key(name)?, table(session)?);
                let Some(row) = table.find(&key).await? else {
                    return Err(table.unknown(&key).await?);
                };
                from_row(&row, &key, &default, &session.request_id)
            }
            None => default,
        };
        let message = render_sample(self.mail, &brand, self.language.as_deref(), session.now);
        let message = message.map_err(|error| Error::Refused(error.to_string()))?;
        if self.html {
            console.raw(message.html.as_bytes())?;
        } else if console.is_json() {
            console.record(&record(&brand, message))?;
        } else {
            print(&brand, &message, console)?;
        }
        Ok(())
    }
}

fn record(brand: &Brand, message: Message) -> Record {
    Record::new([
        ("from", brand.from.as_str().into()),
        ("reply_to", brand.reply_to.as_deref().into()),
        ("subject", message.subject.into()),
        ("text", message.text.into()),
        ("html", message.html.into()),
    ])
}

fn print(brand: &Brand, message: &Message, console: &mut Console) -> std::io::Result<()> {
    console.line(&format!("From: {}", brand.from))?;
    if let Some(reply_to) = &brand.reply_to {
        console.line(&format!("Reply-To: {reply_to}"))?;
    }
    console.line(&format!("Subject: {}\n\n{}", message.subject, message.text))
}
