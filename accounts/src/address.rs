//! Changes to an account's address: what they withdraw, and the email to the old address.

use shared::context::RequestContext;
use shared::mail::{AddressChanged, Brand};
use shared::users::{Account, admin};

use crate::access::Session;
use crate::notice::Notice;
use crate::{Error, suppression};

/// The audit event of an address change.
pub(crate) const EVENT: &str = "account.email_set";

/// A change to the address. Setting the same address again also counts: it clears the mark of
/// failed mail.
pub(crate) struct AddressChange<'a> {
    /// The account before the change.
    pub(crate) account: &'a Account,
    /// The new address; `None` removes the address.
    pub(crate) new: Option<&'a str>,
}

impl AddressChange<'_> {
    fn is_other(&self) -> bool {
        admin::is_other_address(self.account, self.new)
    }

    /// Returns whether the account can no longer log in afterwards: it has neither a password nor
    /// an address for a reset.
    pub(crate) fn locks_out(&self) -> bool {
        let account = self.account;
        let keeps_password = account.password_hash.is_some() && !account.must_change_password;
        self.new.is_none() && !keeps_password
    }

    /// Returns the audit events of the change.
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

    /// Describes the change for people.
    pub(crate) fn text(&self) -> String {
        let text = match self.new {
            Some(email) => format!("address set to {email}"),
            None => "address removed, so the password cannot be reset".to_owned(),
        };
        if !(self.is_other() && self.account.must_change_password) {
            return text;
        }
        format!(
            "{text}; the password mailed to the old address was withdrawn, so the account has no \
             password"
        )
    }

    /// Returns whether to notify the old address: true if the address changes and mail to the old
    /// one has not failed.
    fn notifies(&self) -> bool {
        let account = self.account;
        let has_address = account.profile.email.is_some() && account.email_failed_at.is_none();
        has_address && self.is_other()
    }

    /// Reads the settings for the email to the old address; `None` if there is no email to send.
    /// Call it before the change.
    pub(crate) async fn notice(&self, session: &Session<'_>) -> Result<Option<Notice>, Error> {
        if !self.notifies() {
            return Ok(None);
        }
        Notice::prepare(session, "the old address").await.map(Some)
    }

    /// Notifies the old address and removes the new one from SES's suppression list. Returns
    /// warnings and remarks.
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

/// Removes the address from SES's suppression list, if it is listed. Returns a remark.
async fn lift(session: &Session<'_>, email: &str) -> Result<Option<String>, Error> {
    Ok(match suppression::find(session, email).await? {
        Ok(None) => None,
        Ok(Some(found)) => {
            let (since, reason) = (found.since.rfc3339(), found.reason);
            match suppression::lift(session, email).await? {
                Ok(()) => Some(format!(
                    "removed {email} from SES's suppression list (listed since {since}, {reason})"
                )),
                Err(error) => Some(format!(
                    "cannot remove {email} from SES's suppression list (listed since {since}, {reason}): {error}"
                )),
            }
        }
        Err(error) => Some(format!(
            "cannot check whether {email} is on SES's suppression list: {error}"
        )),
    })
}
