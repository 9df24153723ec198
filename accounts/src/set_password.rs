//! `set-password`: sets a password chosen by an operator.

use clap::Args;
use shared::config::{self, Notify};
use shared::context::RequestContext;
use shared::mail::{Brand, LoginUpdated};
use shared::users::{Account, protocol};

use crate::access::Session;
use crate::notice::Notice;
use crate::password_policy::hash;
use crate::{Console, Done, Error};

/// Set the password of an account and end its sessions
///
/// Asks for the password without echo. Previously mailed passwords stop working.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) async fn set_password(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Done, Error> {
    let account = session.find(&arguments.user).await?;
    let notice = notice(session, &account).await?;
    let password = console.password(arguments.password_stdin)?;
    let hash = hash(session, &account.profile, &password)?;
    let (profile, event) = (&account.profile, "password.set");
    let change = protocol::set_password(&hash, profile.email.as_deref(), session.now);
    session
        .change(&profile.username, &change, event, None)
        .await?;
    let text = if account.disabled {
        "password set; the account stays disabled"
    } else {
        "password set"
    };
    let mut done = Done::changed(&account, event, text);
    if let Some(notice) = notice {
        let render = |brand: &Brand, ctx: &RequestContext<'_>| {
            let mail = LoginUpdated {
                brand,
                recipient: profile,
                at: ctx.now,
                request_id: ctx.request_id,
            };
            mail.render()
        };
        done.note = notice.send(session, profile, render).await?;
    }
    Ok(done)
}

/// Reads the settings for the email to the customer; `None` unless `NOTIFY_PASSWORD_SET` is
/// `always`. Call it before the change.
async fn notice(session: &Session<'_>, account: &Account) -> Result<Option<Notice>, Error> {
    let has_address = account.profile.email.is_some();
    if !has_address || session.configured(config::notify)? != Notify::Always {
        return Ok(None);
    }
    Notice::prepare(session, "the customer").await.map(Some)
}
