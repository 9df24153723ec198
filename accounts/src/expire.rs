//! `expire`: removes passwords, so that their owners must ask for a reset.

use std::ops::ControlFlow;

use clap::{ArgGroup, Args};
use password::Secret;
use shared::clock::Timestamp;
use shared::dynamodb::{Item, StoreError, get_number, get_text};
use shared::users::{Account, UsernameKey, admin};

use crate::access::Session;
use crate::console::Record;
use crate::fields::{algorithm, has_imported_hash, text, time};
use crate::table::{Scan, key};
use crate::time_argument;
use crate::{Console, Done, Error};

/// The audit event of an expired password.
const EVENT: &str = "password.expired";

/// Expire passwords, so that their owners must ask for a reset
///
/// Removes the password hash, even that of a mailed password that has replaced the old one, and
/// ends sessions. A mailed password that is valid alongside the old one is not removed.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["user", "imported_before"])))]
pub(crate) struct Arguments {
    /// The user name
    user: Option<String>,
    /// Expire all passwords that were imported before this time (a date or an RFC 3339
    /// timestamp) and still have a hash from the old system
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    imported_before: Option<Timestamp>,
    /// Print the accounts whose passwords would be expired, and change nothing
    #[arg(long, conflicts_with = "user")]
    dry_run: bool,
    /// Also expire passwords of accounts without an address, whose owners cannot ask for a reset
    #[arg(long)]
    force: bool,
}

impl Arguments {
    /// Returns the variables that the command needs.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        if self.dry_run {
            &["USERS_TABLE"]
        } else {
            &["USERS_TABLE", "AUDIT_TABLE", "USER"]
        }
    }
}

pub(crate) async fn expire(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Error> {
    if let Some(user) = &arguments.user {
        let done = one(session, &session.find(user).await?, arguments.force).await?;
        return console.done(&done).map_err(Error::Unreported);
    }
    let before = arguments.imported_before.unwrap_or(session.now);
    let found = find(session, before, console).await?;
    let can_reset = |item: &Item| arguments.force || item.contains_key("email");
    let (found, stranded): (Vec<_>, Vec<_>) = found.into_iter().partition(can_reset);
    if !stranded.is_empty() {
        let names: Vec<_> = stranded.iter().map(key).collect();
        console.note(&format!(
            "warning: skipped because they have no address for a reset: {}; use --force to expire \
             them anyway",
            names.join(", ")
        ))?;
    }
    if arguments.dry_run {
        return Ok(console.rows(&found.iter().map(record).collect::<Vec<_>>())?);
    }
    all(session, &found, console).await
}

/// Expires the password of one account. Without `force`, the account must have an address for a
/// reset.
async fn one(session: &Session<'_>, account: &Account, force: bool) -> Result<Done, Error> {
    let Some(hash) = &account.password_hash else {
        return Ok(Done::unchanged(account, "has no password"));
    };
    if account.profile.email.is_none() && !force {
        return Err(Error::Refused(format!(
            "{} has no address for a reset; use --force to expire the password anyway",
            account.profile.display_username
        )));
    }
    let change = admin::expire_password(hash, session.now);
    let key = &account.profile.username;
    session.change(key, &change, EVENT, None).await?;
    let text = if account.profile.email.is_some() {
        "password expired; the account needs a reset"
    } else {
        "password expired; the account has no address for a reset"
    };
    Ok(Done::changed(account, EVENT, text))
}

/// Finds the accounts that were imported before this time and still have an imported hash.
async fn find(
    session: &Session<'_>,
    before: Timestamp,
    console: &Console,
) -> Result<Vec<Item>, Error> {
    let scan = Scan {
        attributes: &["imported_at", "password_hash", "email"],
        after: None,
        progress: console.progress(None, "reading"),
    };
    let mut found = Vec::new();
    let visit = |item: Item| {
        let imported_at = get_number(&item, "imported_at");
        if imported_at.is_some_and(|at| at < before.0) && has_imported_hash(&item) {
            found.push(item);
        }
        ControlFlow::Continue(())
    };
    scan.visit(session, visit).await?;
    Ok(found)
}

fn record(item: &Item) -> Record {
    Record::new([
        ("username", text(item, "username")),
        ("email", text(item, "email")),
        ("imported_at", time(item, "imported_at")),
        ("password", algorithm(item).into()),
    ])
}

/// Expires the passwords of these accounts, except those that changed in the meantime.
async fn all(session: &Session<'_>, found: &[Item], console: &mut Console) -> Result<(), Error> {
    let progress = console.progress(u64::try_from(found.len()).ok(), "expiring");
    let (mut expired, mut skipped) = (0_u64, 0_u64);
    for item in found {
        let hash = Secret::from(get_text(item, "password_hash").unwrap_or_default());
        let change = admin::expire_password(&hash, session.now);
        let key = UsernameKey::stored(key(item).to_owned());
        match session.change(&key, &change, EVENT, None).await {
            Ok(()) => expired += 1,
            Err(Error::Store(StoreError::Conflict)) => skipped += 1,
            Err(error) => return Err(error),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let text = format!("{expired} expired, {skipped} skipped because they changed in the meantime");
    let counts = [("expired", expired.into()), ("skipped", skipped.into())];
    Ok(console.summary(&text, counts)?)
}
