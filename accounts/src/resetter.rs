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
        let name = &account.profile.display_username;
        // Asked here, so that what cannot be reset does not use up the limits of the operation.
        if let Some(obstacle) = obstacle(&account) {
            return Err(Error::Refused(format!("{name}: {obstacle}")));
        }
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
            return Ok(Done {
                text: format!("a new password for {name} is mailed to {email}"),
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

/// Why an account cannot be reset.
pub(crate) fn obstacle(account: &Account) -> Option<&'static str> {
    if account.disabled {
        Some("it is disabled")
    } else if account.profile.email.is_none() {
        Some("there is no address on file")
    } else {
        None
    }
}

/// What becomes of the old password, if a reset does not end it.
pub(crate) fn old_password(account: &Account) -> Option<String> {
    let at = account.email_failed_at?.rfc3339();
    Some(format!(
        "a mail to this address failed on {at}, so the old password and sessions stay until the new \
         one is used: `accounts disable` ends them, `accounts set --email` says that the address is \
         right"
    ))
}

/// Why the account was not reset, in words for an operator.
fn refusal(outcome: &ResetOutcome) -> Cow<'static, str> {
    match outcome {
        ResetOutcome::Limited { until } => {
            let until = until.rfc3339();
            format!("the limit of resets by operators is reached; try again at {until}").into()
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
