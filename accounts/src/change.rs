//! The commands that change who may log in, what they may do, and where their mail goes. What is so
//! already is left alone and has no audit row.

use std::collections::BTreeSet;

use shared::mail::is_address;
use shared::users::{NOBODY, User, email_key, operators};

use crate::access::Session;
use crate::{Done, Error};

pub(crate) async fn disable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let user = session.find(username).await?;
    if user.disabled {
        return Ok(unchanged(user, "is disabled already"));
    }
    let change = operators::disable(session.now);
    let event = "account.disabled";
    session.change(&user.username, &change, event, None).await?;
    Ok(changed(user, event, "is disabled"))
}

pub(crate) async fn enable(session: &Session<'_>, username: &str) -> Result<Done, Error> {
    let user = session.find(username).await?;
    if !user.disabled {
        return Ok(unchanged(user, "is not disabled"));
    }
    let event = "account.enabled";
    session
        .change(&user.username, &operators::enable(), event, None)
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
    set_roles(session, &user, &roles, "role.granted", &role).await?;
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
    let role = role.trim();
    let user = session.find(username).await?;
    let mut roles = user.roles.clone();
    if !roles.remove(role) {
        return Ok(unchanged(user, &format!("does not have the role {role}")));
    }
    set_roles(session, &user, &roles, "role.revoked", role).await?;
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
    role: &str,
) -> Result<(), Error> {
    let change = operators::set_roles(&user.roles, roles);
    let changed = session.change(&user.username, &change, event, Some(role));
    changed.await
}

/// The same address again is a change too: it takes the mark off it that mail to it failed.
pub(crate) async fn set_email(
    session: &Session<'_>,
    username: &str,
    email: &str,
) -> Result<Done, Error> {
    let email = email.trim();
    if !is_address(email) || email_key(email) == NOBODY {
        return Err(Error::Usage(format!("{email:?} is not an address")));
    }
    let user = session.find(username).await?;
    let brand = user.brand.as_deref();
    session.check_address(&user.username, email, brand).await?;
    let change = operators::set_email(user.email.as_deref(), email);
    let event = "account.email_set";
    session.change(&user.username, &change, event, None).await?;
    Ok(changed(user, event, &format!("has the address {email}")))
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
