//! Resets by operators: runs the operation of `ResetUserPassword` and describes its outcome.

use std::borrow::Cow;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use password::Hasher;
use reset_user_password::Config;
use reset_user_password::delivery::ResetOutcome;
use reset_user_password::operation::ResetUserPassword;
use shared::brands;
use shared::context::RequestContext;
use shared::password_service::PasswordService;
use shared::users::{Account, UsernameKey};

use crate::access::Session;
use crate::{Done, Error, brand_table};

/// Resets accounts on behalf of an operator.
pub(crate) struct Resetter<'a> {
    session: &'a Session<'a>,
    operation: ResetUserPassword,
    /// Maximum number of resets per minute for all operators together; 0 means no limit.
    pub(crate) per_minute: u32,
}

impl<'a> Resetter<'a> {
    /// Reads the settings of the function `ResetUserPassword`.
    pub(crate) fn new(session: &'a Session<'a>) -> Result<Self, Error> {
        if session.ses()?.is_none() {
            let text = "with --endpoint, mail is never sent through AWS, so a reset also needs \
                        --ses-endpoint";
            return Err(Error::Usage(text.to_owned()));
        }
        let config = session.configured(Config::read)?;
        let per_minute = config.source_per_minute;
        let hasher = Hasher::new(config.shared.password_cost);
        let passwords = PasswordService::new(hasher, UnwrapErr(SysRng));
        Ok(Self {
            session,
            operation: ResetUserPassword::new(config, passwords, session.clients()?.clone()),
            per_minute,
        })
    }

    /// Resets an account. The error says why it was not reset.
    pub(crate) async fn reset(
        &self,
        username: &str,
        ctx: &RequestContext<'_>,
    ) -> Result<Done, Error> {
        let account = self.session.find(username).await?;
        let name = &account.profile.display_username;
        // Checked first, so that accounts that cannot be reset do not count against the rate
        // limits.
        if let Some(obstacle) = obstacle(&account) {
            return Err(Error::Refused(format!("{name}: {obstacle}")));
        }
        // If the brand cannot be read, the operation falls back to the default brand. That suits a
        // customer, but an operator should see the error.
        if let Some(brand) = brands::row_key(account.profile.brand.as_deref()) {
            brand_table::table(self.session)?.find(&brand).await?;
        }
        let username = UsernameKey::new(username);
        // No response floor: the operator sees the outcome anyway.
        let outcome = self.operation.reset(&username, ctx, None).await?;
        let profile = &account.profile;
        if outcome == ResetOutcome::Done {
            let email = profile.email.as_deref().unwrap_or_default();
            return Ok(Done {
                text: format!("{name}: new password mailed to {email}"),
                key: ("username", profile.username.as_str().to_owned()),
                event: Some("password.reset"),
                note: old_password(&account),
            });
        }
        let refusal = refusal(&outcome);
        let text = format!("{name}: {refusal}");
        Err(if is_temporary(&outcome) {
            Error::TryAgain(text)
        } else {
            Error::Refused(text)
        })
    }
}

/// Returns why an account cannot be reset.
pub(crate) fn obstacle(account: &Account) -> Option<&'static str> {
    if account.disabled {
        Some("account is disabled")
    } else if account.profile.email.is_none() {
        Some("account has no address")
    } else {
        None
    }
}

/// Returns the remark for an account whose old password stays valid after the reset.
pub(crate) fn old_password(account: &Account) -> Option<String> {
    let at = account.email_failed_at?.rfc3339();
    Some(format!(
        "mail to this address failed on {at}, so the old password and sessions stay valid until the \
         new password is used; to end them, run `accounts disable`; to confirm the address, run \
         `accounts set --email`"
    ))
}

/// Describes for an operator why the account was not reset.
fn refusal(outcome: &ResetOutcome) -> Cow<'static, str> {
    match outcome {
        ResetOutcome::Limited { until } => {
            let until = until.rfc3339();
            format!("rate limit for resets by operators reached; try again at {until}").into()
        }
        ResetOutcome::NotEligible => "a reset is in progress; see `accounts pending`".into(),
        ResetOutcome::MailNotAccepted { reason } | ResetOutcome::MailUnavailable { reason } => {
            let permission = if reason.contains("AccessDenied") {
                " (permission ses:SendEmail is missing)"
            } else {
                ""
            };
            format!("{reason}{permission}; the old password stays valid, and the sweep will retry")
                .into()
        }
        ResetOutcome::Overdue => {
            "SES did not answer in time; the old password stays valid, and the sweep will retry"
                .into()
        }
        ResetOutcome::Superseded => {
            "account changed by someone else in the meantime; try again".into()
        }
        ResetOutcome::Done
        | ResetOutcome::Abandoned
        | ResetOutcome::NotCounted
        | ResetOutcome::Failed => outcome.event().into(),
    }
}

/// Returns whether the same reset may succeed later.
fn is_temporary(outcome: &ResetOutcome) -> bool {
    match outcome {
        ResetOutcome::NotEligible
        | ResetOutcome::Limited { .. }
        | ResetOutcome::MailUnavailable { .. }
        | ResetOutcome::Overdue
        | ResetOutcome::Superseded
        | ResetOutcome::NotCounted
        | ResetOutcome::Failed => true,
        ResetOutcome::Done | ResetOutcome::Abandoned | ResetOutcome::MailNotAccepted { .. } => {
            false
        }
    }
}
