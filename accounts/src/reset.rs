//! `reset`: the operation of `ResetUserPassword`, which says to operators how it ended.

use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use password::Hasher;
use reset_user_password::Config;
use reset_user_password::operation::{Caller, Outcome, ResetUserPassword};
use shared::brands;
use shared::pace::Pace;
use shared::users::UsernameKey;

use crate::access::{SOURCE, Session};
use crate::{Done, Error, brand};

pub(crate) async fn reset(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let config = session.configured(Config::read)?;
    let hasher = Hasher::new(config.shared.password_cost);
    let operation = ResetUserPassword::new(config, hasher, session.clients()?.clone());
    let user = session.find(username).await?;
    let operator = session.operator()?;
    // The operation falls back on the default brand, which a customer can do with and an operator
    // should hear of.
    if let Some(brand) = brands::row_key(user.brand.as_deref()) {
        brand::rows(session)?.find(&brand).await?;
    }
    let caller = Caller {
        source: SOURCE,
        request_id: &session.request_id,
        actor: Some(&operator),
    };
    let name = UsernameKey::new(username);
    let rng = &mut UnwrapErr(SysRng);
    // An operator is told how it ended, so there is no pace to keep.
    let pace = Pace::begin(Duration::ZERO);
    let outcome = operation.reset(&name, &caller, &pace, session.now, rng);
    let refusal = match outcome.await? {
        Outcome::Reset => {
            let email = user.email.unwrap_or_default();
            return Ok(Done {
                text: format!(
                    "a new password for {} is mailed to {email}",
                    user.display_username
                ),
                key: ("username", user.username),
                event: Some("password.reset"),
            });
        }
        Outcome::Limited => "it was reset too often lately; nothing has changed",
        Outcome::NotEligible if user.disabled => "it is disabled",
        Outcome::NotEligible if user.email.is_none() => "there is no address on file",
        Outcome::NotEligible => "a reset is under way; see `accounts pending`",
        Outcome::MailNotAccepted | Outcome::Overdue => {
            "SES did not accept the mail; the old password keeps working, and the sweep tries again"
        }
        Outcome::Superseded => "the account was changed meanwhile, and that change stands",
    };
    Err(Error::Refused(format!(
        "{}: {refusal}",
        user.display_username
    )))
}
