//! `check-keys`: accounts whose stored keys do not match their names and addresses under the
//! current rules.

use std::ops::ControlFlow;
use std::process::ExitCode;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use clap::Args;
use serde_json::Value;
use shared::dynamodb::{Item, StoreError, get_text, text};
use shared::mail::recipient;
use shared::users::{Change, NOBODY, UsernameKey, admin, email_key, write_all};

use crate::access::Session;
use crate::console::Record;
use crate::table::Scan;
use crate::{Console, Error, table};

/// Find accounts that cannot be looked up by name or address
///
/// Reads the whole table. Lists accounts whose key is not in normal form, accounts whose address
/// key does not match the address, and accounts whose address cannot receive mail.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Store these accounts under the correct keys
    #[arg(long)]
    repair: bool,
    /// Print what --repair would do, and write nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
}

impl Arguments {
    /// Returns the variables that the command needs.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        if self.repair && !self.dry_run {
            &["USERS_TABLE", "AUDIT_TABLE", "USER"]
        } else {
            &["USERS_TABLE"]
        }
    }
}

/// An account with a wrong key or an unusable address.
struct Finding {
    /// The stored key.
    key: String,
    /// The correct key, if it differs.
    new_key: Option<String>,
    /// Whether the stored address key does not match the address.
    has_wrong_email_key: bool,
    /// A problem that a repair cannot fix.
    problem: Option<&'static str>,
}

pub(crate) async fn check_keys(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let findings = find(session, console).await?;
    let progress = console.progress(u64::try_from(findings.len()).ok(), "checking");
    let mut is_clean = true;
    let mut records = Vec::new();
    for finding in findings {
        let outcome = match (arguments.repair, arguments.dry_run) {
            (true, false) => repair(session, &finding).await?,
            (true, true) => plan(session, &finding).await?,
            (false, _) => finding.problem.unwrap_or("can be repaired").to_owned(),
        };
        is_clean &= outcome == REPAIRED;
        records.push(Record::new([
            ("username", finding.key.as_str().into()),
            ("right_username", finding.new_key.into()),
            ("wrong_email_key", finding.has_wrong_email_key.into()),
            ("result", Value::String(outcome)),
        ]));
        progress.inc(1);
    }
    progress.finish_and_clear();
    console.rows(&records)?;
    Ok(if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

const REPAIRED: &str = "repaired";

/// Reads the table for accounts with wrong keys.
async fn find(session: &Session<'_>, console: &Console) -> Result<Vec<Finding>, Error> {
    let scan = Scan {
        attributes: &["email", "email_key"],
        after: None,
        progress: console.progress(None, "reading"),
    };
    let mut findings = Vec::new();
    let visit = |item: Item| {
        findings.extend(judge(&item));
        ControlFlow::Continue(())
    };
    scan.visit(session, visit).await?;
    Ok(findings)
}

/// Checks the keys and the address of an account.
fn judge(item: &Item) -> Option<Finding> {
    let key = get_text(item, "username")?;
    let right = UsernameKey::new(key);
    let email = get_text(item, "email");
    let problem = if right.as_str() == NOBODY {
        Some(
            "invalid user name; delete the item in DynamoDB, or replace it with one that has a \
             valid user name",
        )
    } else if email.is_some_and(|email| recipient(email).is_none()) {
        Some("SES cannot send mail to the address; correct it with `accounts set`")
    } else {
        None
    };
    let finding = Finding {
        key: key.to_owned(),
        new_key: Some(right.as_str().to_owned()).filter(|right| right != key && right != NOBODY),
        has_wrong_email_key: get_text(item, "email_key") != email.map(email_key).as_deref(),
        problem,
    };
    let is_wrong =
        finding.new_key.is_some() || finding.has_wrong_email_key || finding.problem.is_some();
    is_wrong.then_some(finding)
}

/// Returns what [`repair`] would do.
async fn plan(session: &Session<'_>, finding: &Finding) -> Result<String, Error> {
    if let Some(new_key) = &finding.new_key
        && table::item(session, new_key).await?.is_some()
    {
        return Ok(TAKEN.to_owned());
    }
    let can_repair = finding.new_key.is_some() || finding.has_wrong_email_key;
    Ok(match finding.problem {
        Some(problem) if !can_repair => problem.to_owned(),
        _ => "would be repaired".to_owned(),
    })
}

const TAKEN: &str = "another account already has the correct key";
const CHANGED: &str = "account changed by someone else in the meantime; try again";

/// Stores an account under the correct keys.
async fn repair(session: &Session<'_>, finding: &Finding) -> Result<String, Error> {
    let Some(item) = table::item(session, &finding.key).await? else {
        return Ok(CHANGED.to_owned());
    };
    let right = get_text(&item, "email").map(email_key);
    let repaired = match &finding.new_key {
        Some(new_key) if table::item(session, new_key).await?.is_some() => {
            return Ok(TAKEN.to_owned());
        }
        Some(new_key) => move_item(session, &item, new_key, right.as_deref()).await,
        None if finding.has_wrong_email_key => {
            let change = admin::set_email_key(&item, right.as_deref());
            let key = UsernameKey::stored(finding.key.clone());
            session
                .change(&key, &change, EVENT, Some("email_key"))
                .await
        }
        None => return Ok(finding.problem.unwrap_or_default().to_owned()),
    };
    match repaired {
        Ok(()) => Ok(finding.problem.unwrap_or(REPAIRED).to_owned()),
        Err(Error::Store(StoreError::Conflict)) => Ok(CHANGED.to_owned()),
        Err(error) => Err(error),
    }
}

/// The audit event of a repair.
const EVENT: &str = "account.key_changed";

/// Writes the account under the new key, deletes the old item and writes an audit row under the new
/// key, in one transaction. Existing audit rows stay under the old key.
async fn move_item(
    session: &Session<'_>,
    item: &Item,
    new_key: &str,
    email_key: Option<&str>,
) -> Result<(), Error> {
    let table = session.users_table()?;
    let old_key = get_text(item, "username").unwrap_or_default();
    let mut moved = item.clone();
    moved.insert("username".to_owned(), text(new_key));
    match email_key {
        Some(key) => moved.insert("email_key".to_owned(), text(key)),
        None => moved.remove("email_key"),
    };
    let put = Put::builder()
        .table_name(&table)
        .set_item(Some(moved))
        .condition_expression("attribute_not_exists(username)");
    let expressions = Change::only_if(admin::is_unchanged(item)).expressions();
    let delete = Delete::builder()
        .table_name(&table)
        .key("username", text(old_key))
        .condition_expression(expressions.condition)
        .set_expression_attribute_names(Some(expressions.names))
        .set_expression_attribute_values(expressions.values);
    let row = session.audit_row(new_key, EVENT, Some(old_key))?;
    let writes = vec![
        TransactWriteItem::builder()
            .put(put.build().map_err(StoreError::from)?)
            .build(),
        TransactWriteItem::builder()
            .delete(delete.build().map_err(StoreError::from)?)
            .build(),
        row.write()?,
    ];
    let dynamodb = &session.clients()?.dynamodb;
    Ok(write_all(dynamodb, writes).await?)
}
