//! Names of roles, which compare exactly, and the last account with the role `Admin`.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::dynamodb::text;
use shared::users::{ADMIN_ROLE, Account};

use crate::Error;
use crate::access::Session;

/// The first of these names that was probably meant: in other letters, or with one mistake.
pub(crate) fn near<'r>(role: &str, names: impl IntoIterator<Item = &'r str>) -> Option<&'r str> {
    names.into_iter().find(|name| {
        name.to_lowercase() == role.to_lowercase() || strsim::osa_distance(name, role) == 1
    })
}

/// Refuses to take `Admin` or the login from the last account that can use the role. Reads the
/// Users table until it finds another one.
pub(crate) async fn check_last_admin(
    session: &Session<'_>,
    account: &Account,
) -> Result<(), Error> {
    if account.disabled || !account.roles.contains(ADMIN_ROLE) {
        return Ok(());
    }
    let mut others = session
        .clients()?
        .dynamodb
        .scan()
        .table_name(session.users_table()?)
        .consistent_read(true)
        .projection_expression("#username")
        .filter_expression(
            "contains(#roles, :role) AND #username <> :username \
             AND (attribute_not_exists(#disabled) OR #disabled = :false)",
        )
        .expression_attribute_names("#username", "username")
        .expression_attribute_names("#roles", "roles")
        .expression_attribute_names("#disabled", "disabled")
        .expression_attribute_values(":role", text(ADMIN_ROLE))
        .expression_attribute_values(":username", text(account.profile.username.as_str()))
        .expression_attribute_values(":false", AttributeValue::Bool(false))
        .into_paginator()
        .items()
        .send();
    match others
        .next()
        .await
        .transpose()
        .map_err(Error::unavailable)?
    {
        Some(_) => Ok(()),
        None => Err(Error::Refused(format!(
            "{} is the last account with the role {ADMIN_ROLE} that may log in; --force does it \
             all the same",
            account.profile.display_username
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        for role in ["admin", "ADMIN", "Admn", "Admins", "Amdin", "admIn"] {
            assert_eq!(near(role, [ADMIN_ROLE]), Some(ADMIN_ROLE), "{role}");
        }
        for role in ["Support", "Adm", "Administrator", ""] {
            assert_eq!(near(role, [ADMIN_ROLE]), None, "{role}");
        }
    }
}
