//! Protection of the last account that can use the role `Admin`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use shared::dynamodb::{Item, StoreError, get_flag, get_text, text};
use shared::users::{ADMIN_ROLE, Account};

use crate::Error;
use crate::access::Session;
use crate::fields::roles;

/// The attributes that [`can_administer`] reads.
pub(crate) const ATTRIBUTES: [&str; 4] = ["roles", "disabled", "password_hash", "email"];

/// [`can_administer`] as a DynamoDB condition.
const CAN_ADMINISTER: &str = "contains(#roles, :role) \
                              AND (attribute_not_exists(#disabled) OR #disabled = :false) \
                              AND (attribute_exists(#password_hash) OR attribute_exists(#email))";

/// Returns whether an account has the role `Admin` and can log in: it is enabled and has a
/// password, or an address for a reset.
pub(crate) fn can_administer(item: &Item) -> bool {
    let can_log_in = ["password_hash", "email"]
        .iter()
        .any(|name| get_text(item, name).is_some());
    can_log_in && !get_flag(item, "disabled") && roles(item).contains(ADMIN_ROLE)
}

/// Returns the condition that another account can use the role `Admin` when the change is written.
/// It is for changes that take the role, or the ability to log in, from an account. `None` if the
/// account itself cannot use the role, or with `force`. Refuses the change if there is no other
/// account.
pub(crate) async fn other_admin(
    session: &Session<'_>,
    account: &Account,
    force: bool,
) -> Result<Option<TransactWriteItem>, Error> {
    let can_log_in = account.password_hash.is_some() || account.profile.email.is_some();
    if force || account.disabled || !can_log_in || !account.roles.contains(ADMIN_ROLE) {
        return Ok(None);
    }
    let other = find_other(session, account.profile.username.as_str()).await?;
    let refused = || {
        Error::Refused(format!(
            "{} is the last account with the role {ADMIN_ROLE} that can log in; use --force to \
             continue anyway",
            account.profile.display_username
        ))
    };
    other.ok_or_else(refused).map(Some)
}

/// Returns the condition that another account can use the role `Admin`; `None` if there is no such
/// account now. Reads the Users table until it finds one.
pub(crate) async fn find_other(
    session: &Session<'_>,
    username: &str,
) -> Result<Option<TransactWriteItem>, Error> {
    let table = session.users_table()?;
    let scan = session.clients()?.dynamodb.scan().table_name(&table);
    let mut others = scan
        .consistent_read(true)
        .projection_expression("#username")
        .filter_expression(format!("{CAN_ADMINISTER} AND #username <> :username"))
        .set_expression_attribute_names(Some(names()))
        .expression_attribute_names("#username", "username")
        .set_expression_attribute_values(Some(values()))
        .expression_attribute_values(":username", text(username))
        .into_paginator()
        .items()
        .send();
    let other = others.next().await.transpose();
    let Some(mut other) = other.map_err(Error::unavailable)? else {
        return Ok(None);
    };
    other.retain(|name, _| name == "username");
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(other))
        .condition_expression(CAN_ADMINISTER)
        .set_expression_attribute_names(Some(names()))
        .set_expression_attribute_values(Some(values()))
        .build();
    let check = check.map_err(StoreError::from)?;
    Ok(Some(
        TransactWriteItem::builder().condition_check(check).build(),
    ))
}

fn names() -> HashMap<String, String> {
    let names = ATTRIBUTES.map(|name| (format!("#{name}"), name.to_owned()));
    HashMap::from(names)
}

fn values() -> Item {
    HashMap::from([
        (":role".to_owned(), text(ADMIN_ROLE)),
        (":false".to_owned(), AttributeValue::Bool(false)),
    ])
}
