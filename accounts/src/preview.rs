//! `brand preview`: a mail with the words of a brand, for nobody.

use clap::{Args, ValueEnum};
use shared::brands::from_row;
use shared::clock::Timestamp;
use shared::config;
use shared::mail::{
    AddressChanged, Brand, LoginUpdated, MailError, Message, NewPassword, OldPassword,
};
use shared::users::{Profile, UsernameKey};

use crate::access::Session;
use crate::brand_table::{key, table};
use crate::console::Record;
use crate::{Console, Error};

const PASSWORD: &str = "this-is-where-the-password-goes";
const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";
const SECONDS_A_DAY: u64 = 86_400;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The brand, as accounts have it; one without a row has the words of the default brand
    key: String,
    /// Which mail
    #[arg(long, value_enum, default_value_t)]
    mail: Kind,
    /// The language of the person, a BCP 47 tag; the brand's without it
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Print the HTML part alone, for a file to open in a browser
    #[arg(long)]
    html: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Kind {
    /// A new password, after a reset
    #[default]
    NewPassword,
    /// An administrator set a password
    LoginUpdated,
    /// An operator changed the address; goes to the old one
    AddressChanged,
}

impl Arguments {
    /// Prints the mail.
    pub(crate) async fn run(
        &self,
        session: &Session<'_>,
        console: &mut Console,
    ) -> Result<(), Error> {
        let default = session.configured(config::brand)?;
        let key = key(&self.key)?;
        let row = table(session)?.find(&key).await?;
        let brand = from_row(&row.unwrap_or_default(), &key, &default, REQUEST_ID);
        let message = self.render(&brand, session.now);
        let message = message.map_err(|error| Error::Refused(error.to_string()))?;
        if self.html {
            return Ok(console.raw(message.html.as_bytes())?);
        }
        if console.is_json() {
            let fields = [
                ("from", brand.from.as_str().into()),
                ("reply_to", brand.reply_to.as_deref().into()),
                ("subject", message.subject.into()),
                ("text", message.text.into()),
                ("html", message.html.into()),
            ];
            return Ok(console.record(&Record::new(fields))?);
        }
        console.line(&format!("From: {}", brand.from))?;
        if let Some(reply_to) = &brand.reply_to {
            console.line(&format!("Reply-To: {reply_to}"))?;
        }
        console.line(&format!("Subject: {}\n\n{}", message.subject, message.text))?;
        Ok(())
    }

    fn render(&self, brand: &Brand, at: Timestamp) -> Result<Message, MailError> {
        let recipient = &Profile {
            username: UsernameKey::new("jdoe"),
            display_username: "jdoe".to_owned(),
            id: 0,
            email: Some("jane.doe@example.com".to_owned()),
            display_name: "Jane Doe".to_owned(),
            brand: Some(self.key.clone()),
            language: self.language.clone(),
        };
        let request_id = REQUEST_ID;
        match self.mail {
            Kind::NewPassword => NewPassword {
                brand,
                recipient,
                password: PASSWORD,
                old_password: OldPassword::Void,
                at,
                expires_at: at.plus_seconds(SECONDS_A_DAY),
                request_id,
            }
            .render(),
            Kind::LoginUpdated => LoginUpdated {
                brand,
                recipient,
                at,
                request_id,
            }
            .render(),
            Kind::AddressChanged => AddressChanged {
                brand,
                recipient,
                at,
                request_id,
            }
            .render(),
        }
    }
}
