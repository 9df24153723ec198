//! Emails that notify a customer of a change by an operator.

use shared::brands::Brands;
use shared::config;
use shared::context::RequestContext;
use shared::mail::{Brand, MailError, Mailer, Message};
use shared::users::Profile;

use crate::Error;
use crate::access::Session;
use crate::suppression::NO_SES;

/// The variables needed to send a notification.
const VARIABLES: [&str; 5] = [
    "BRANDS_TABLE",
    "PRODUCT_NAME",
    "MAIL_FROM",
    "SUPPORT_CONTACT",
    "LOGIN_URL",
];

/// The settings for a notification.
pub(crate) struct Notice {
    /// `None` without SES.
    brands: Option<Brands>,
    /// The recipient in messages, for instance "the customer".
    whom: &'static str,
}

impl Notice {
    /// Reads the settings. Call it before the change, so that missing settings prevent the change.
    /// The error names them.
    pub(crate) async fn prepare(session: &Session<'_>, whom: &'static str) -> Result<Self, Error> {
        if session.ses()?.is_none() {
            return Ok(Self { brands: None, whom });
        }
        let connected = session.settings.resolve(&VARIABLES).await;
        connected.map_err(|error| match error {
            Error::Usage(text) => Error::Usage(format!("cannot notify {whom}: {text}")),
            error => error,
        })?;
        let brand = session.configured(config::brand)?;
        let table = session.configured(|env| env.required("BRANDS_TABLE"))?;
        let client = session.clients()?.dynamodb.clone();
        let brands = Some(Brands::new(client, table, brand));
        Ok(Self { brands, whom })
    }

    /// Sends the email. Returns a warning if it could not be sent.
    pub(crate) async fn send(
        &self,
        session: &Session<'_>,
        recipient: &Profile,
        render: impl FnOnce(&Brand, &RequestContext<'_>) -> Result<Message, MailError>,
    ) -> Result<Option<String>, Error> {
        let ctx = session.context()?;
        let failed = match &self.brands {
            None => Some(NO_SES.to_owned()),
            Some(brands) => {
                let brand = brands.find(recipient.brand.as_deref(), &ctx).await;
                let mailer = Mailer::new(session.clients()?.ses.clone());
                let sent = match render(&brand, &ctx) {
                    Ok(mail) => mailer.send(&brand, recipient, &mail, ctx.request_id).await,
                    Err(error) => Err(error),
                };
                sent.err().map(|error| error.to_string())
            }
        };
        let whom = self.whom;
        Ok(failed.map(|reason| format!("{whom} was not notified: {reason}")))
    }
}
