//! The operation of `ResetUserPassword`, with its outcome in words for operators.

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
    /// Resets a minute that all operators together may make; 0 for any number.
    pub(crate) per_minute: u32,
}

impl<'a> Resetter<'a> {
    /// Reads the settings of the function.
    pub(crate) fn new(session: &'a Session<'a>) -> Result<Self, Error> {
        if session.ses()?.is_none() {
            let text = "--endpoint is given without --ses-endpoint: SES at AWS would send the mail";
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

    /// Resets an account. The error says in words why it was not reset.
    pub(crate) async fn reset(
        &self,
        username: &str,
        ctx: &RequestContext<'_>,
    ) -> Result<Done, Error> {
        let account = self.session.find(username).await?;
        // The operation falls back on the default brand, which a customer can do with and an operator
        // should hear of.
        if let Some(brand) = brands::row_key(account.profile.brand.as_deref()) {
            brand_table::table(self.session)?.find(&brand).await?;
        }
        let username = UsernameKey::new(username);
        // An operator learns how it ended, so no response floor hides that.
        let outcome = self.operation.reset(&username, ctx, None).await?;
        let profile = &account.profile;
        if outcome == ResetOutcome::Done {
            let email = profile.email.as_deref().unwrap_or_default();
            let old_password = old_password(&account);
            return Ok(Done {
                text: format!(
                    "a new password for {} is mailed to {email}{old_password}",
                    profile.display_username,
                ),
                key: ("username", profile.username.as_str().to_owned()),
                event: Some("password.reset"),
            });
        }
        let refusal = refusal(&account, &outcome);
        let text = format!("{}: {refusal}", profile.display_username);
        Err(if is_temporary(&account, &outcome) {
            Error::TryAgain(text)
        } else {
            Error::Refused(text)
        })
    }
}

/// What becomes of the old password, if it is not gone as usual.
fn old_password(account: &Account) -> String {
    let Some(at) = account.email_failed_at else {
        return String::new();
    };
    let at = at.rfc3339();
    format!(
        "; a mail to it failed on {at}, so the old password and sessions stay until the new one is \
         used: `accounts disable` ends them, `accounts set --email` says that the address is right"
    )
}

/// Why the account was not reset, in words for an operator.
fn refusal(account: &Account, outcome: &ResetOutcome) -> Cow<'static, str> {
    match outcome {
        ResetOutcome::Limited { until } => {
            let until = until.rfc3339();
            format!("operators reset it too often lately; try again at {until}").into()
        }
        ResetOutcome::NotEligible if account.disabled => "it is disabled".into(),
        ResetOutcome::NotEligible if account.profile.email.is_none() => {
            "there is no address on file".into()
        }
        ResetOutcome::NotEligible => "a reset is under way; see `accounts pending`".into(),
        ResetOutcome::MailNotAccepted { reason } | ResetOutcome::MailUnavailable { reason } => {
            let permission = if reason.contains("AccessDenied") {
                " (you need ses:SendEmail)"
            } else {
                ""
            };
            format!(
                "{reason}{permission}; the old password keeps working, and the sweep tries again"
            )
            .into()
        }
        ResetOutcome::Overdue => {
            "SES did not answer in time; the old password keeps working, and the sweep tries again"
                .into()
        }
        ResetOutcome::Superseded => {
            "the account was changed meanwhile, and that change stands".into()
        }
        ResetOutcome::Done
        | ResetOutcome::Abandoned
        | ResetOutcome::NotCounted
        | ResetOutcome::Failed => outcome.event().into(),
    }
}

/// Whether the same reset may succeed later.
fn is_temporary(account: &Account, outcome: &ResetOutcome) -> bool {
    match outcome {
        ResetOutcome::NotEligible => !account.disabled && account.profile.email.is_some(),
        ResetOutcome::Limited { .. }
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
