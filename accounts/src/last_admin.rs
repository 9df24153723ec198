//! The last account with the role `Admin`, without which nobody could administer.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use shared::dynamodb::{Item, StoreError, get_flag, get_text, text};
use shared::users::{ADMIN_ROLE, Account};

use crate::Error;
use crate::access::Session;
use crate::fields::roles;

/// The attributes that [`may_administer`] reads.
pub(crate) const ATTRIBUTES: [&str; 4] = ["roles", "disabled", "password_hash", "email"];

/// [`may_administer`] as a condition of DynamoDB.
const MAY_ADMINISTER: &str = "contains(#roles, :role) \
                              AND (attribute_not_exists(#disabled) OR #disabled = :false) \
                              AND (attribute_exists(#password_hash) OR attribute_exists(#email))";

/// Whether an account has the role `Admin` and may log in: with its password, or with one that a
/// reset mails.
pub(crate) fn may_administer(item: &Item) -> bool {
    let can_log_in = ["password_hash", "email"]
        .iter()
        .any(|name| get_text(item, name).is_some());
    can_log_in && !get_flag(item, "disabled") && roles(item).contains(ADMIN_ROLE)
}

/// The condition under which a change may take `Admin` or the login from an account: that another
/// account can still use the role when the change is written. No condition for an account that
/// cannot use it, or with `force`. Refuses if there is no other account.
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
            "{} is the last account with the role {ADMIN_ROLE} that may log in; use --force to do \
             it anyway",
            account.profile.display_username
        ))
    };
    other.ok_or_else(refused).map(Some)
}

/// The condition that an account other than this one can use the role `Admin`; `None` if there is
/// none now. Reads the Users table until it finds one.
pub(crate) async fn find_other(
    session: &Session<'_>,
    username: &str,
) -> Result<Option<TransactWriteItem>, Error> {
    let table = session.users_table()?;
    let scan = session.clients()?.dynamodb.scan().table_name(&table);
    let mut others = scan
        .consistent_read(true)
        .projection_expression("#username")
        .filter_expression(format!("{MAY_ADMINISTER} AND #username <> :username"))
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
        .condition_expression(MAY_ADMINISTER)
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
