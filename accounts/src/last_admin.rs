//! The last account with the role `Admin`, without which nobody could administer.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::dynamodb::text;
use shared::users::{ADMIN_ROLE, Account};

use crate::Error;
use crate::access::Session;

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
