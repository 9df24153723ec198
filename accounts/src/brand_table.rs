//! The Brands table: reads its rows and changes them.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use shared::audit;
use shared::brands;
use shared::dynamodb::{Item, StoreError, get_text, text};
use shared::mail::brand::Attribute;
use shared::users::{Change, Condition, MAX_NAME_LENGTH, change_with, write_all};

use crate::access::Session;
use crate::failure::explain;
use crate::suggestion::suggest;
use crate::{Error, similar};

/// The maximum number of brands that a warning names.
const MAX_NAMED: usize = 20;

/// The Brands table.
#[derive(Debug, Clone)]
pub(crate) struct BrandTable {
    client: Client,
    table: String,
}

impl BrandTable {
    /// Returns the table with this name.
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads the row of a brand consistently.
    pub(crate) async fn find(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table);
        let request = request.key("brand", text(key));
        let output = request.consistent_read(true).send().await;
        Ok(output.map_err(StoreError::unavailable)?.item)
    }

    /// Reads all rows, sorted by key.
    pub(crate) async fn all(&self) -> Result<Vec<Item>, StoreError> {
        let request = self.client.scan().table_name(&self.table);
        let rows = request.consistent_read(true).into_paginator().items();
        let rows: Result<Vec<Item>, _> = rows.send().try_collect().await;
        let mut rows = rows.map_err(StoreError::unavailable)?;
        rows.sort_by(|a, b| get_text(a, "brand").cmp(&get_text(b, "brand")));
        Ok(rows)
    }

    /// Returns the error for a brand without a row. It names a brand with a similar name.
    pub(crate) async fn unknown(&self, key: &str) -> Result<Error, StoreError> {
        let text = format!("brand {key} not found; its emails use the values of the default brand");
        let similar = self.similar(key).await?;
        Ok(Error::NotFound(similar::with(text, &similar)))
    }

    /// Returns a brand with a similar name, if there is one.
    pub(crate) async fn similar(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let rows = self.all().await?;
        let keys = rows.iter().filter_map(|row| get_text(row, "brand"));
        let suggestion = suggest(key, keys).map(str::to_owned);
        Ok(suggestion.into_iter().collect())
    }

    /// Deletes the row of a brand and writes the audit row in one transaction.
    /// [`StoreError::Conflict`] if the row no longer exists.
    pub(crate) async fn remove(&self, key: &str, audit: &audit::Row) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("brand", text(key))
            .condition_expression("attribute_exists(brand)");
        let delete = TransactWriteItem::builder().delete(delete.build()?).build();
        write_all(&self.client, vec![delete, audit.write()?]).await
    }

    /// Changes the row of a brand and writes the audit row in one transaction.
    /// [`StoreError::Conflict`] if the row was changed in the meantime.
    pub(crate) async fn change(
        &self,
        key: &str,
        change: &Change,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("brand", text(key));
        change_with(&self.client, update, change, vec![audit.write()?]).await
    }
}

/// Returns the Brands table of this run.
pub(crate) fn table(session: &Session<'_>) -> Result<BrandTable, Error> {
    let name = session.configured(|variables| variables.required("BRANDS_TABLE"))?;
    Ok(BrandTable::new(session.clients()?.dynamodb.clone(), name))
}

/// Returns a warning if a brand with one of these keys has no row, or if the Brands table cannot be
/// read. `None` if the table is not known.
pub(crate) async fn warning(session: &Session<'_>, keys: &BTreeSet<String>) -> Option<String> {
    if keys.is_empty() || session.settings.resolve(&["BRANDS_TABLE"]).await.is_err() {
        return None;
    }
    match without_row(session, keys).await {
        Ok(keys) => no_row(&keys),
        Err(error) => {
            let place = session.settings.place(&["BRANDS_TABLE"]);
            let reason = explain(&error, &place).text;
            Some(format!("warning: brands were not checked: {reason}"))
        }
    }
}

fn no_row(keys: &[&str]) -> Option<String> {
    const DEFAULT: &str = "use the values of the default brand";
    match keys {
        [] => None,
        [key] => Some(format!(
            "warning: brand {key} has no row; its emails {DEFAULT}"
        )),
        keys => {
            let mut named: Vec<_> = keys.iter().take(MAX_NAMED).copied().collect();
            named.extend((keys.len() > MAX_NAMED).then_some("…"));
            let (count, named) = (keys.len(), named.join(", "));
            Some(format!(
                "warning: {count} brands have no row; their emails {DEFAULT}: {named}"
            ))
        }
    }
}

async fn without_row<'k>(
    session: &Session<'_>,
    keys: &'k BTreeSet<String>,
) -> Result<Vec<&'k str>, Error> {
    let rows = table(session)?.all().await?;
    let known: HashSet<_> = rows
        .iter()
        .filter_map(|row| get_text(row, "brand"))
        .collect();
    let keys = keys.iter().map(String::as_str);
    Ok(keys.filter(|key| !known.contains(key)).collect())
}

/// Returns the key of a brand name.
pub(crate) fn key(name: &str) -> Result<String, Error> {
    let key = brands::row_key(Some(name)).filter(|key| !key.contains(char::is_control));
    key.ok_or_else(|| {
        Error::Usage(format!(
            "a brand must be one line of 1 to {MAX_NAME_LENGTH} bytes, and must not be a single hyphen (-)"
        ))
    })
}

/// Returns the change that gives a row these values; an attribute without a value is removed.
/// `None` if the row has these values already. The change conflicts with other changes to the same
/// attributes.
pub(crate) fn change(row: &Item, values: &[(Attribute, Option<&str>)]) -> Option<Change> {
    let mut unchanged = Vec::new();
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (Attribute { name, .. }, value) in values {
        let (old, new) = (row.get(*name), value.map(text));
        if old == new.as_ref() {
            continue;
        }
        unchanged.push(match old {
            Some(old) => Condition::Equals(name, old.clone()),
            None => Condition::Missing(name),
        });
        match new {
            Some(new) => set.push((*name, new)),
            None => remove.push(*name),
        }
    }
    (!unchanged.is_empty()).then_some(Change {
        condition: Condition::All(unchanged),
        set,
        increment: None,
        remove,
    })
}
