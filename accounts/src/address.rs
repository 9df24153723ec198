//! Another address for an account, or the same again: what ends with the old one, and who is told.

use shared::brands::Brands;
use shared::config;
use shared::mail::{AddressChanged, MailError, Mailer};
use shared::users::{Account, Profile, admin};

use crate::Error;
use crate::access::Session;
use crate::suppression::{self, NO_SES};

/// The audit event of an address.
pub(crate) const EVENT: &str = "account.email_set";

/// The variables without which the old address cannot be notified.
const VARIABLES: [&str; 5] = [
    "BRANDS_TABLE",
    "PRODUCT_NAME",
    "MAIL_FROM",
    "SUPPORT_CONTACT",
    "LOGIN_URL",
];

/// An address that is replaced. The same again counts too: the mark that mail to it failed goes.
pub(crate) struct Replaced<'a> {
    /// The account as it was.
    pub(crate) account: &'a Account,
    /// The new address, if there is one.
    pub(crate) new: Option<&'a str>,
}

impl Replaced<'_> {
    fn is_other(&self) -> bool {
        admin::is_other_address(self.account, self.new)
    }

    /// The audit events of the change.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        let mut events = vec![EVENT];
        if self.is_other() {
            let account = self.account;
            let is_mailed = account.temporary.is_some() || account.must_change_password;
            let has_reset = account.reset.is_some();
            events.extend(is_mailed.then_some("password.temporary_withdrawn"));
            events.extend(has_reset.then_some("password.reset_abandoned"));
        }
        events
    }

    /// The change in words.
    pub(crate) fn text(&self) -> String {
        let text = match self.new {
            Some(email) => format!("address set to {email}"),
            None => "address removed, so it cannot be reset".to_owned(),
        };
        if !(self.is_other() && self.account.must_change_password) {
            return text;
        }
        format!(
            "{text}; the password mailed to the old address is withdrawn, so the account has none \
             until a reset"
        )
    }

    /// Whether the old address is notified: mail to it had not failed.
    fn notifies(&self) -> bool {
        let account = self.account;
        let has_address = account.profile.email.is_some() && account.email_failed_at.is_none();
        has_address && self.is_other()
    }

    /// What the mail to the old address needs; `None` without a mail or an SES. To be called before
    /// the change: the error names the settings that are missing.
    pub(crate) async fn brands(&self, session: &Session<'_>) -> Result<Option<Brands>, Error> {
        if !self.notifies() || session.ses()?.is_none() {
            return Ok(None);
        }
        let connected = session.settings.connect(&VARIABLES).await;
        connected.map_err(|error| match error {
            Error::Usage(text) => Error::Usage(format!("the old address is notified, and {text}")),
            error => error,
        })?;
        let brand = session.configured(config::brand)?;
        let table = session.configured(|env| env.required("BRANDS_TABLE"))?;
        let client = session.clients()?.dynamodb.clone();
        Ok(Some(Brands::new(client, table, brand)))
    }

    /// Notifies the old address and lifts SES's suppression of the new one. Returns what there is to
    /// say about that.
    pub(crate) async fn follow_up(
        &self,
        session: &Session<'_>,
        brands: Option<&Brands>,
    ) -> Result<Vec<String>, Error> {
        let mut remarks = Vec::new();
        if let Some(email) = self.new {
            remarks.extend(session.name_clash(&self.account.profile, email).await?);
        }
        let failed = match brands {
            Some(brands) => send(session, brands, &self.account.profile).await?.err(),
            None => None,
        };
        let failed = failed.map(|error| error.to_string());
        let without_ses = brands.is_none() && self.notifies();
        let failed = failed.or_else(|| without_ses.then(|| NO_SES.to_owned()));
        remarks.extend(failed.map(|error| format!("the old address was not notified: {error}")));
        if let Some(email) = self.new {
            remarks.extend(lift(session, email).await?);
        }
        Ok(remarks)
    }
}

async fn send(
    session: &Session<'_>,
    brands: &Brands,
    recipient: &Profile,
) -> Result<Result<(), MailError>, Error> {
    let ctx = session.context()?;
    let brand = brands.find(recipient.brand.as_deref(), &ctx).await;
    let mail = AddressChanged {
        brand: &brand,
        recipient,
        at: session.now,
        request_id: ctx.request_id,
    };
    let mailer = Mailer::new(session.clients()?.ses.clone());
    Ok(match mail.render() {
        Ok(mail) => mailer.send(&brand, recipient, &mail, ctx.request_id).await,
        Err(error) => Err(error),
    })
}

/// Takes the address off SES's suppression list, if it is there.
async fn lift(session: &Session<'_>, email: &str) -> Result<Option<String>, Error> {
    Ok(match suppression::find(session, email).await? {
        Ok(None) => None,
        Ok(Some(found)) => {
            let (since, reason) = (found.since.rfc3339(), found.reason);
            match suppression::lift(session, email).await? {
                Ok(()) => Some(format!(
                    "SES had suppressed {email} since {since} ({reason}); lifted"
                )),
                Err(error) => Some(format!(
                    "SES still suppresses {email}, since {since} ({reason}): {error}"
                )),
            }
        }
        Err(error) => Some(format!(
            "it is not known whether SES suppresses {email}: {error}"
        )),
    })
}
