//! `delete`: deletes an account and keeps its audit rows.

use clap::Args;
use shared::users::UsernameKey;

use crate::access::Session;
use crate::import::{REVOKED, joined};
use crate::last_admin::other_admin;
use crate::quantity::quantity;
use crate::{Console, Done, Error, trail, unreadable};

/// Delete an account
///
/// Audit rows stay until they expire. Asks for confirmation.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Delete the account even if no other account can use the role Admin
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
    let question = if unreadable::is_readable(&item) {
        let id = profile.id;
        format!("Delete {name} (customer {id})? This cannot be undone.")
    } else {
        format!("Delete {name} (unreadable)? This cannot be undone.")
    };
    if !arguments.yes && !console.confirm(&question)? {
        return Err(Error::Refused(format!(
            "not confirmed; {name} was not deleted"
        )));
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
        &format!("deleted; {remaining}"),
    ))
}

/// Describes the remaining audit rows.
async fn remaining(session: &Session<'_>, username: &UsernameKey) -> Result<String, Error> {
    let rows = trail::of_account(session, username).await?.len();
    let days = quantity(session.configured(shared::config::audit_days)?, "day");
    Ok(match rows {
        1 => format!("1 audit row is kept for {days}"),
        rows => format!("{rows} audit rows are kept, each for {days} after its event"),
    })
}
