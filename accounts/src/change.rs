//! `disable`, `enable`, `end-sessions`, `grant`, `revoke`: who may log in and what they may do. A
//! command that finds nothing to change writes no audit row.

use shared::users::{ADMIN_ROLE, admin};

use crate::access::Session;
use crate::import::column;
use crate::last_admin::other_admin;
use crate::near::near;
use crate::{Done, Error};

pub(crate) async fn disable(
    session: &Session<'_>,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let account = session.find(username).await?;
    if account.disabled {
        return Ok(Done::unchanged(&account, "is disabled already"));
    }
    let other_admin = other_admin(session, &account, force).await?;
    let change = admin::disable(session.now);
    let (key, event) = (&account.profile.username, "account.disabled");
    let events = [(event, None)];
    session
        .change_with(key, &change, &events, other_admin)
        .await?;
    Ok(Done::changed(&account, event, "is disabled"))
}

pub(crate) async fn enable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let account = session.find(username).await?;
    if !account.disabled {
        return Ok(Done::unchanged(&account, "is not disabled"));
    }
    let event = "account.enabled";
    session
        .change(&account.profile.username, &admin::enable(), event, None)
        .await?;
    Ok(Done::changed(&account, event, "may log in again"))
}

pub(crate) async fn end_sessions(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let account = session.find(username).await?;
    let (key, event) = (&account.profile.username, "account.sessions_ended");
    let change = admin::end_sessions(session.now);
    session.change(key, &change, event, None).await?;
    Ok(Done::changed(&account, event, "is logged out everywhere"))
}

pub(crate) async fn grant(
    session: &Session<'_>,
    role: &str,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let role = column::role(role).map_err(Error::Usage)?;
    if role != ADMIN_ROLE && !force && near(&role, [ADMIN_ROLE]).is_some() {
        return Err(Error::Refused(format!(
            "{role} is not the role {ADMIN_ROLE}: names of roles compare exactly; --force gives it \
             all the same"
        )));
    }
    let account = session.find(username).await?;
    let mut roles = account.roles.clone();
    if !roles.insert(role.clone()) {
        return Ok(Done::unchanged(
            &account,
            &format!("has the role {role} already"),
        ));
    }
    let change = admin::set_roles(&account.roles, &roles);
    let key = &account.profile.username;
    let granted = session.change(key, &change, "role.granted", Some(&role));
    granted.await?;
    Ok(Done::changed(
        &account,
        "role.granted",
        &format!("has the role {role}"),
    ))
}

pub(crate) async fn revoke(
    session: &Session<'_>,
    role: &str,
    username: &str,
    force: bool,
) -> Result<Done, Error> {
    let role = role.trim();
    let account = session.find(username).await?;
    let mut roles = account.roles.clone();
    if !roles.remove(role) {
        let name = &account.profile.display_username;
        if let Some(near) = near(role, roles.iter().map(String::as_str)) {
            return Err(Error::Refused(format!(
                "{name} has the role {near}, not {role}: names of roles compare exactly"
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
        &format!("no longer has the role {role}"),
    ))
}
