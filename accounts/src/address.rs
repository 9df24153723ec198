//! Another address for an account, or the same again: what ends with the old one, and who is told.

use shared::brands::Brands;
use shared::config;
use shared::mail::{AddressChanged, MailError, Mailer};
use shared::users::{Account, Profile, admin};

use crate::Error;
use crate::access::Session;
use crate::suppression;

/// The audit event of an address.
pub(crate) const EVENT: &str = "account.email_set";

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
            Some(email) => format!("has the address {email}"),
            None => "has no address, so it cannot be reset".to_owned(),
        };
        if !(self.is_other() && self.account.must_change_password) {
            return text;
        }
        format!(
            "{text}; the password mailed to the old one is withdrawn, so the account has none until \
             a reset"
        )
    }

    /// Tells the old address and lifts SES's suppression of the new one. Returns what there is to say
    /// about that.
    pub(crate) async fn follow_up(&self, session: &Session<'_>) -> Result<Vec<String>, Error> {
        let mut remarks = Vec::new();
        if let Some(email) = self.new {
            remarks.extend(session.name_clash(&self.account.profile, email).await?);
        }
        remarks.extend(tell(session, self.account, self.is_other()).await?);
        if let Some(email) = self.new {
            remarks.extend(lift(session, email).await?);
        }
        Ok(remarks)
    }
}

/// Mails the old address; says so if that was not possible.
async fn tell(
    session: &Session<'_>,
    account: &Account,
    is_other: bool,
) -> Result<Option<String>, Error> {
    let is_told = is_other && account.email_failed_at.is_none();
    if !is_told || account.profile.email.is_none() {
        return Ok(None);
    }
    let brand = session.configured(config::brand);
    let table = session.configured(|env| env.required("BRANDS_TABLE"));
    let (brand, table) = match (brand, table, session.ses()?) {
        (Ok(brand), Ok(table), Some(_)) => (brand, table),
        (Err(error), ..) | (_, Err(error), _) => {
            return Ok(Some(format!("the old address is not told: {error}")));
        }
        (.., None) => {
            return Ok(Some(
                "the old address is not told: no SES is given".to_owned(),
            ));
        }
    };
    let brands = Brands::new(session.clients()?.dynamodb.clone(), table, brand);
    let sent = send(session, &brands, &account.profile).await?;
    Ok(sent
        .err()
        .map(|error| format!("the old address is not told: {error}")))
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
                    "SES suppressed it since {since} ({reason}), no more"
                )),
                Err(error) => Some(format!(
                    "SES still suppresses it, since {since} ({reason}): {error}"
                )),
            }
        }
        Err(error) => Some(format!("whether SES suppresses it is not known: {error}")),
    })
}
