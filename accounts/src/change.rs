//! The commands that change who may log in and what they may do. What is so already is left alone
//! and has no audit row.

use std::collections::BTreeSet;

use shared::users::{User, operators};

use crate::access::Session;
use crate::{Done, Error};

pub(crate) async fn disable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let user = session.find(username).await?;
    if user.disabled {
        return Ok(unchanged(user, "is disabled already"));
    }
    let change = operators::disable(session.now);
    let event = "account.disabled";
    session.change(&user.username, &change, event).await?;
    Ok(changed(user, event, "is disabled"))
}

pub(crate) async fn enable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let user = session.find(username).await?;
    if !user.disabled {
        return Ok(unchanged(user, "is not disabled"));
    }
    let event = "account.enabled";
    session
        .change(&user.username, &operators::enable(), event)
        .await?;
    Ok(changed(user, event, "may log in again"))
}

pub(crate) async fn grant(
    session: &Session<'_>,
    role: &str,
    username: &str,
) -> Result<Done, Error> {
    let role = super::import::role(role).map_err(Error::Usage)?;
    let user = session.find(username).await?;
    let mut roles = user.roles.clone();
    if !roles.insert(role.clone()) {
        return Ok(unchanged(user, &format!("has the role {role} already")));
    }
    set_roles(session, &user, &roles, "role.granted").await?;
    Ok(changed(
        user,
        "role.granted",
        &format!("has the role {role}"),
    ))
}

pub(crate) async fn revoke(
    session: &Session<'_>,
    role: &str,
    username: &str,
) -> Result<Done, Error> {
    let user = session.find(username).await?;
    let mut roles = user.roles.clone();
    if !roles.remove(role) {
        return Ok(unchanged(user, &format!("does not have the role {role}")));
    }
    set_roles(session, &user, &roles, "role.revoked").await?;
    Ok(changed(
        user,
        "role.revoked",
        &format!("has the role {role} no more"),
    ))
}

async fn set_roles(
    session: &Session<'_>,
    user: &User,
    roles: &BTreeSet<String>,
    event: &'static str,
) -> Result<(), Error> {
    let change = operators::set_roles(&user.roles, roles);
    session.change(&user.username, &change, event).await
}

fn changed(user: User, event: &'static str, text: &str) -> Done {
    Done {
        text: format!("{} {text}", user.display_username),
        key: ("username", user.username),
        event: Some(event),
    }
}

fn unchanged(user: User, text: &str) -> Done {
    Done {
        text: format!("{} {text}", user.display_username),
        key: ("username", user.username),
        event: None,
    }
}
