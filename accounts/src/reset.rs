//! `reset`: emails new passwords.

use std::process::ExitCode;

use clap::{ArgGroup, Args};

use crate::access::Session;
use crate::reset_many::{self, Many};
use crate::resetter::Resetter;
use crate::{Console, Error};

/// The variables needed for a reset.
pub(crate) const VARIABLES: [&str; 9] = [
    "USERS_TABLE",
    "LIMITS_TABLE",
    "AUDIT_TABLE",
    "BRANDS_TABLE",
    "PRODUCT_NAME",
    "MAIL_FROM",
    "SUPPORT_CONTACT",
    "LOGIN_URL",
    "USER",
];

/// Mail a new password to one or more accounts
///
/// Works like the function `ResetUserPassword` and uses its settings, including rate limits, which
/// count resets by operators separately. In either `RESET_MODE`, the new password replaces the old
/// one as soon as SES has accepted the email. The exception is an account with an address to
/// which mail has failed before: its old password stays valid until the new one is used.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["user", "from"])))]
pub(crate) struct Arguments {
    /// The user name
    user: Option<String>,
    #[command(flatten)]
    many: Many,
}

impl Arguments {
    /// Returns the variables that the command needs.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        if self.many.dry_run {
            &["USERS_TABLE"]
        } else {
            &VARIABLES
        }
    }
}

pub(crate) async fn reset(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    if let Some(user) = &arguments.user {
        let done = Resetter::new(session)?
            .reset(user, &session.context()?)
            .await?;
        console.done(&done).map_err(Error::Unreported)?;
        return Ok(ExitCode::SUCCESS);
    }
    reset_many::reset(session, &arguments.many, console).await
}
