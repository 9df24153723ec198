//! `set-password`: a password that an operator chooses.

use clap::Args;
use shared::users::protocol;

use crate::access::Session;
use crate::password_policy::hash;
use crate::{Console, Done, Error};

/// Set the password of an account, and end its sessions
///
/// Asks for it, without echo. What was mailed before does not work any more.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    /// Read the password from the first line of the standard input
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) async fn set_password(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Done, Error> {
    let account = session.find(&arguments.user).await?;
    let password = console.password(arguments.password_stdin)?;
    let hash = hash(session, &account.profile, &password)?;
    let (profile, event) = (&account.profile, "password.set");
    let change = protocol::set_password(&hash, profile.email.as_deref(), session.now);
    session
        .change(&profile.username, &change, event, None)
        .await?;
    let text = if account.disabled {
        "has a new password, and stays disabled"
    } else {
        "has a new password"
    };
    Ok(Done::changed(&account, event, text))
}
