//! The page that shows the items of the tables, without secrets.

use std::collections::BTreeSet;

use askama::Template;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::attribute::Item;
use crate::backend::Backend;
use crate::error::{Error, causes};
use crate::html::page;
use crate::tables::TableNames;

/// The maximum number of items shown for a table.
const MAX_ITEMS: i32 = 100;
/// The attributes whose values are hidden: the password hashes of an account, of a mailed password
/// and of a pending reset.
const HASHES: [&str; 2] = ["password_hash", "hash"];
const MASK: &str = "(masked)";

#[derive(Debug, Clone)]
struct Tables {
    client: Client,
    names: TableNames,
}

/// A table and how it is shown.
struct Kind<'a> {
    name: &'a str,
    about: &'static str,
    /// The attributes of the key, which come first.
    keys: &'static [&'static str],
    /// Whether the key is the digest of a secret.
    has_secret_key: bool,
}

/// A table with its items as text.
struct Shown {
    name: String,
    about: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Whether there are more items.
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "tables.html")]
struct TablesPage {
    tables: Vec<Shown>,
    error: Option<String>,
}

/// Makes the page.
pub(crate) fn pages(backend: &Backend) -> Router {
    let tables = Tables {
        client: backend.clients.dynamodb.clone(),
        names: backend.tables.clone(),
    };
    Router::new().route("/tables", get(list)).with_state(tables)
}

async fn list(State(tables): State<Tables>) -> Response {
    let (mut shown, mut failure) = (Vec::new(), None);
    for kind in kinds(&tables.names) {
        match scan(&tables.client, &kind).await {
            Ok(table) => shown.push(table),
            Err(error) => failure = Some(format!("{}: {}", kind.name, causes(&*error))),
        }
    }
    page(&TablesPage {
        tables: shown,
        error: failure,
    })
}

fn kinds(names: &TableNames) -> [Kind<'_>; 5] {
    let kind = |name, about, keys| Kind {
        name,
        about,
        keys,
        has_secret_key: false,
    };
    [
        kind(&names.users, "The accounts", &["username"]),
        kind(
            &names.audit,
            "The changes to accounts and brands, and who made them",
            &["username", "at"],
        ),
        kind(&names.brands, "The senders and texts of brands", &["brand"]),
        kind(
            &names.limits,
            "How much of each rate limit is used up",
            &["subject"],
        ),
        Kind {
            has_secret_key: true,
            ..kind(&names.sessions, "The sessions of administrators", &["id"])
        },
    ]
}

async fn scan(client: &Client, kind: &Kind<'_>) -> Result<Shown, Error> {
    let request = client.scan().table_name(kind.name).limit(MAX_ITEMS);
    let output = request.send().await?;
    let is_cut = output.last_evaluated_key.is_some();
    let mut items = output.items.unwrap_or_default();
    items.sort_by_key(|item| sort_key(item, kind.keys));
    let columns = columns(&items, kind.keys);
    let cells = |item: &Item| {
        columns
            .iter()
            .map(|column| cell(item, column, kind))
            .collect()
    };
    let rows = items.iter().map(cells).collect();
    Ok(Shown {
        name: kind.name.to_owned(),
        about: kind.about,
        columns,
        rows,
        is_cut,
    })
}

fn sort_key(item: &Item, keys: &[&str]) -> Vec<String> {
    let values = keys.iter().filter_map(|key| item.get(*key));
    values.map(shown).collect()
}

/// The names of all attributes: the key, and then the others in alphabetical order.
fn columns(items: &[Item], keys: &[&str]) -> Vec<String> {
    let names = items.iter().flat_map(Item::keys).cloned();
    let mut others: BTreeSet<String> = names.collect();
    for key in keys {
        others.remove(*key);
    }
    let keys = keys.iter().map(|key| (*key).to_owned());
    keys.chain(others).collect()
}

fn cell(item: &Item, column: &str, kind: &Kind<'_>) -> String {
    let is_secret =
        HASHES.contains(&column) || (kind.has_secret_key && kind.keys.contains(&column));
    match item.get(column) {
        Some(_) if is_secret => MASK.to_owned(),
        Some(value) => shown(value),
        None => String::new(),
    }
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.join(", "),
        AttributeValue::M(attributes) => map(attributes),
        // No table has others.
        _ => MASK.to_owned(),
    }
}

/// A map on one line, in alphabetical order.
fn map(attributes: &Item) -> String {
    let mut texts: Vec<_> = attributes
        .iter()
        .map(|(name, value)| {
            let is_secret = HASHES.contains(&name.as_str());
            let value = if is_secret {
                MASK.to_owned()
            } else {
                shown(value)
            };
            format!("{name}: {value}")
        })
        .collect();
    texts.sort();
    texts.join(", ")
}
