//! `disable`, `enable`, `end-sessions`, `grant` and `revoke`. A command that changes nothing writes
//! no audit row.

use shared::dynamodb::StoreError;
use shared::users::{ADMIN_ROLE, UsernameKey, admin};

use crate::access::Session;
use crate::import::column;
use crate::last_admin::other_admin;
use crate::suggestion::{resembles_admin, suggest};
use crate::{Done, Error, unreadable};

pub(crate) async fn disable(
    session: &Session<'_>,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let (_, account) = unreadable::find(session, username).await?;
    if account.disabled {
        return Ok(Done::unchanged(&account, "already disabled"));
    }
    let other_admin = other_admin(session, &account, force).await?;
    let change = admin::disable(session.now);
    let (key, event) = (&account.profile.username, "account.disabled");
    let events = [(event, None)];
    session
        .change_with(key, &change, &events, other_admin)
        .await?;
    Ok(Done::changed(&account, event, "disabled"))
}

pub(crate) async fn enable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let account = session.find(username).await?;
    if !account.disabled {
        return Ok(Done::unchanged(&account, "not disabled"));
    }
    let event = "account.enabled";
    session
        .change(&account.profile.username, &admin::enable(), event, None)
        .await?;
    Ok(Done::changed(&account, event, "enabled"))
}

pub(crate) async fn end_sessions(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let account = session.find(username).await?;
    let (key, event) = (&account.profile.username, "account.sessions_ended");
    let change = admin::end_sessions(session.now);
    session.change(key, &change, event, None).await?;
    Ok(Done::changed(&account, event, "all sessions ended"))
}

pub(crate) async fn grant(
    session: &Session<'_>,
    role: &str,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let role = column::role(role).map_err(Error::Usage)?;
    if !force {
        check_role(&role)?;
        check_order(session, "grant", &role, username).await?;
    }
    let account = session.find(username).await?;
    let mut roles = account.roles.clone();
    if !roles.insert(role.clone()) {
        return Ok(Done::unchanged(
            &account,
            &format!("already has the role {role}"),
        ));
    }
    let change = admin::set_roles(&account.roles, &roles);
    let key = &account.profile.username;
    let granted = session.change(key, &change, "role.granted", Some(&role));
    granted.await?;
    Ok(Done::changed(
        &account,
        "role.granted",
        &format!("role {role} granted"),
    ))
}

/// Refuses a role that resembles `Admin`.
pub(crate) fn check_role(role: &str) -> Result<(), Error> {
    if !resembles_admin(role) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{role} resembles the role {ADMIN_ROLE}, and role names must match exactly; use --force to \
         grant it anyway"
    )))
}

/// Refuses arguments that were probably swapped: the role is the name of an account, and the user
/// name is or resembles the role `Admin`, or is not the name of an account. Equal arguments cannot
/// be swapped.
async fn check_order(
    session: &Session<'_>,
    command: &str,
    role: &str,
    username: &str,
) -> Result<(), Error> {
    let users = session.users()?;
    let is_account = async |name: &str| {
        let found = users.find(&UsernameKey::new(name)).await;
        // An account that cannot be read still exists.
        !matches!(found, Ok(None) | Err(StoreError::Unavailable(_)))
    };
    let is_role = suggest(username, [ADMIN_ROLE]).is_some();
    let is_same = role == username;
    if role == ADMIN_ROLE
        || is_same
        || !is_account(role).await
        || (!is_role && is_account(username).await)
    {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{role} is the name of an account; did you mean `accounts {command} {username} {role}`?"
    )))
}

pub(crate) async fn revoke(
    session: &Session<'_>,
    role: &str,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let role = role.trim();
    if !force {
        check_order(session, "revoke", role, username).await?;
    }
    let account = session.find(username).await?;
    let mut roles = account.roles.clone();
    if !roles.remove(role) {
        let name = &account.profile.display_username;
        let admin = roles.get(ADMIN_ROLE).filter(|_| resembles_admin(role));
        let suggestion = suggest(role, roles.iter().map(String::as_str));
        if let Some(suggestion) = suggestion.or(admin.map(String::as_str)) {
            return Err(Error::Refused(format!(
                "{name} has the role {suggestion}, not {role}; role names must match exactly"
            )));
        }
        return Ok(Done::unchanged(
            &account,
            &format!("does not have the role {role}"),
        ));
    }
    let is_free = force || role != ADMIN_ROLE;
    let other_admin = other_admin(session, &account, is_free).await?;
    let change = admin::set_roles(&account.roles, &roles);
    let (key, events) = (&account.profile.username, [("role.revoked", Some(role))]);
    session
        .change_with(key, &change, &events, other_admin)
        .await?;
    Ok(Done::changed(
        &account,
        "role.revoked",
        &format!("role {role} revoked"),
    ))
}
