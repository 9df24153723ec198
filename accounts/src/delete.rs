//! `delete`: an account goes, its audit rows stay.

use clap::Args;
use shared::users::UsernameKey;

use crate::access::Session;
use crate::import::{REVOKED, joined};
use crate::last_admin::other_admin;
use crate::{Console, Done, Error, trail, unreadable};

/// Delete an account
///
/// Its audit rows stay until they expire. Asks for confirmation.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Even if nobody is left who has the role Admin
    #[arg(long)]
    force: bool,
}

pub(crate) async fn delete(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Done, Error> {
    let (item, account) = unreadable::find(session, &arguments.user).await?;
    let other_admin = other_admin(session, &account, arguments.force).await?;
    let profile = &account.profile;
    let name = &profile.display_username;
    let question = if unreadable::has_id(&item) {
        let id = profile.id;
        format!("Delete {name}, customer {id}? This cannot be undone.")
    } else {
        format!("Delete {name}, whose customer number cannot be read? This cannot be undone.")
    };
    if !arguments.yes && !console.confirm(&question)? {
        return Err(Error::Refused(format!("{name} is not deleted")));
    }
    let event = "account.deleted";
    let mut others = Vec::from_iter(other_admin);
    let roles = joined(&account.roles).map(|roles| (REVOKED, Some(roles)));
    for (event, detail) in [(event, None)].into_iter().chain(roles) {
        let key = profile.username.as_str();
        let row = session.audit_row(key, event, detail.as_deref())?;
        others.push(row.write()?);
    }
    let users = session.users()?;
    users.delete_with(&profile.username, &item, others).await?;
    let remaining = remaining(session, &profile.username).await?;
    Ok(Done::changed(
        &account,
        event,
        &format!("is deleted; {remaining}"),
    ))
}

/// What remains of the account, in words.
async fn remaining(session: &Session<'_>, username: &UsernameKey) -> Result<String, Error> {
    let rows = trail::of_account(session, username).await?.len();
    let days = session.configured(shared::config::audit_days)?;
    Ok(match rows {
        1 => format!("one audit row remains for {days} days"),
        rows => format!("{rows} audit rows remain, each for {days} days from its event"),
    })
}
