//! Another address for an account, or the same again: what ends with the old one, and who is told.

use shared::context::RequestContext;
use shared::mail::{AddressChanged, Brand};
use shared::users::{Account, admin};

use crate::access::Session;
use crate::notice::Notice;
use crate::{Error, suppression};

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

    /// Whether nobody can log in with the account afterwards: without an address, a password cannot
    /// be reset.
    pub(crate) fn locks_out(&self) -> bool {
        let account = self.account;
        let keeps_password = account.password_hash.is_some() && !account.must_change_password;
        self.new.is_none() && !keeps_password
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

    /// What the mail to the old address needs; `None` without a mail. To be called before the change.
    pub(crate) async fn notice(&self, session: &Session<'_>) -> Result<Option<Notice>, Error> {
        if !self.notifies() {
            return Ok(None);
        }
        Notice::prepare(session, "the old address").await.map(Some)
    }

    /// Notifies the old address and lifts SES's suppression of the new one. Returns what there is to
    /// say about that.
    pub(crate) async fn follow_up(
        &self,
        session: &Session<'_>,
        notice: Option<&Notice>,
    ) -> Result<Vec<String>, Error> {
        let mut remarks = Vec::new();
        if let Some(email) = self.new {
            remarks.extend(session.name_clash(&self.account.profile, email).await?);
        }
        if let Some(notice) = notice {
            let recipient = &self.account.profile;
            let render = |brand: &Brand, ctx: &RequestContext<'_>| {
                let mail = AddressChanged {
                    brand,
                    recipient,
                    at: ctx.now,
                    request_id: ctx.request_id,
                };
                mail.render()
            };
            remarks.extend(notice.send(session, recipient, render).await?);
        }
        if let Some(email) = self.new {
            remarks.extend(lift(session, email).await?);
        }
        Ok(remarks)
    }
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
