//! `find` and `list`: search for accounts.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use clap::Args;
use shared::dynamodb::{Item, StoreError, get_flag, get_number, get_text};
use shared::users::{UsernameKey, email_key};

use crate::access::Session;
use crate::console::Record;
use crate::count;
use crate::fields::{algorithm, brand, flag, has_imported_hash, number, roles, text, time};
use crate::similar::{self, is_similar};
use crate::suggestion::suggest;
use crate::table::{self, Scan, key};
use crate::{Console, Error};

/// The attributes to read.
const ATTRIBUTES: [&str; 10] = [
    "id",
    "display_username",
    "email",
    "display_name",
    "brand",
    "roles",
    "disabled",
    "password_hash",
    "email_failed_at",
    "imported_at",
];
/// Maximum number of similar user names in an error.
const MAX_SIMILAR: usize = 5;

/// Filters of `list`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct List {
    /// Only accounts with this role
    #[arg(long)]
    role: Option<String>,
    /// Only accounts whose email bounced permanently or was reported as spam
    #[arg(long)]
    failed_mail: bool,
    /// Only accounts whose password still has a hash from the old system
    #[arg(long)]
    imported_hash: bool,
    /// Only accounts without a password
    #[arg(long)]
    no_password: bool,
    /// Only disabled accounts
    #[arg(long)]
    disabled: bool,
    /// Maximum number of accounts to print
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = count::parse,
        allow_negative_numbers = true)]
    limit: usize,
    /// Continue after this user name, the last one of the previous page
    #[arg(long, value_name = "USER")]
    after: Option<String>,
}

/// Prints the accounts that match all filters, in the order of the table.
pub(crate) async fn list(
    session: &Session<'_>,
    filters: &List,
    console: &mut Console,
) -> Result<(), Error> {
    let scan = Scan {
        attributes: &ATTRIBUTES,
        after: filters.after.as_deref(),
        progress: console.progress(None, "reading"),
    };
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let mut has_more = false;
    let visit = |item: Item| {
        if filters.role.is_some() {
            seen.extend(roles(&item));
        }
        if !filters.pass(&item) {
            return ControlFlow::Continue(());
        }
        has_more = found.len() == filters.limit;
        if has_more {
            return ControlFlow::Break(());
        }
        found.push(item);
        ControlFlow::Continue(())
    };
    scan.visit(session, visit).await?;
    if let (true, Some(role)) = (found.is_empty(), &filters.role)
        && let Some(suggestion) = suggest(role, seen.iter().map(String::as_str))
        && suggestion != role
    {
        return Err(Error::NotFound(format!(
            "no account has the role {role}; did you mean {suggestion}?"
        )));
    }
    console.rows(&found.iter().map(record).collect::<Vec<_>>())?;
    if let (true, Some(last)) = (has_more, found.last()) {
        let last = key(last);
        console.note(&format!(
            "more accounts match; continue with --after {last}"
        ))?;
    }
    Ok(())
}

impl List {
    fn pass(&self, item: &Item) -> bool {
        let has_role = |role: &String| roles(item).contains(role);
        self.role.as_ref().is_none_or(has_role)
            && (!self.failed_mail || item.contains_key("email_failed_at"))
            && (!self.imported_hash || has_imported_hash(item))
            && (!self.no_password || !item.contains_key("password_hash"))
            && (!self.disabled || get_flag(item, "disabled"))
    }
}

/// Prints the accounts that match an address, a customer number or a part of a name.
pub(crate) async fn find(
    session: &Session<'_>,
    wanted: &str,
    console: &mut Console,
) -> Result<(), Error> {
    if wanted.trim().is_empty() {
        return Err(Error::Usage("the search text is empty".to_owned()));
    }
    let mut found = with_address(session, wanted).await?;
    if found.is_empty() {
        found = in_table(session, wanted, console).await?;
    }
    Ok(console.rows(&found.iter().map(record).collect::<Vec<_>>())?)
}

/// Finds the accounts with this address in the index.
async fn with_address(session: &Session<'_>, address: &str) -> Result<Vec<Item>, Error> {
    if !address.contains('@') {
        return Ok(vec![]);
    }
    let mut found = Vec::new();
    let profiles = match session.users()?.with_email(&email_key(address)).await {
        // Unreadable accounts are found by reading the whole table.
        Err(StoreError::Malformed) => return Ok(vec![]),
        profiles => profiles?,
    };
    for profile in profiles {
        found.extend(table::item(session, profile.username.as_str()).await?);
    }
    Ok(found)
}

/// Finds the matching accounts in the whole table. The error names similar user names.
async fn in_table(
    session: &Session<'_>,
    wanted: &str,
    console: &Console,
) -> Result<Vec<Item>, Error> {
    let scan = Scan {
        attributes: &ATTRIBUTES,
        after: None,
        progress: console.progress(None, "reading"),
    };
    let name = UsernameKey::new(wanted);
    let wanted = Wanted {
        text: wanted.trim().to_lowercase(),
        id: wanted.trim().parse().ok(),
        username: name.as_str(),
    };
    let (mut found, mut similar) = (Vec::new(), Vec::new());
    let visit = |item: Item| {
        if wanted.matches(&item) {
            found.push(item);
        } else if similar.len() < MAX_SIMILAR && is_similar(key(&item), wanted.username) {
            similar.push(key(&item).to_owned());
        }
        ControlFlow::Continue(())
    };
    scan.visit(session, visit).await?;
    if found.is_empty() {
        let text = format!("no account matches {}", wanted.text);
        return Err(Error::NotFound(similar::with(text, &similar)));
    }
    found.sort_by(|a, b| key(a).cmp(key(b)));
    Ok(found)
}

/// A search text.
struct Wanted<'a> {
    text: String,
    id: Option<u64>,
    username: &'a str,
}

impl Wanted<'_> {
    fn matches(&self, item: &Item) -> bool {
        let id = get_number(item, "id");
        let parts = ["username", "display_username", "display_name", "email"];
        let has = |name| get_text(item, name).is_some_and(|text| self.is_in(text));
        (id.is_some() && id == self.id)
            || key(item).contains(self.username)
            || parts.into_iter().any(has)
    }

    fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.text)
    }
}

fn record(item: &Item) -> Record {
    Record::new([
        ("username", text(item, "username")),
        ("id", number(item, "id")),
        ("email", text(item, "email")),
        ("display_name", text(item, "display_name")),
        ("brand", brand(item)),
        ("roles", Vec::from_iter(roles(item)).into()),
        ("disabled", flag(item, "disabled")),
        ("password", algorithm(item).into()),
        ("email_failed_at", time(item, "email_failed_at")),
        ("imported_at", time(item, "imported_at")),
    ])
}
