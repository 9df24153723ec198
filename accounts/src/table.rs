//! Reads of the Users table: one item, or all items page by page.

use std::ops::ControlFlow;

use indicatif::ProgressBar;
use shared::dynamodb::{self, Item, get_text};

use crate::Error;
use crate::access::Session;

/// The page limit of a scan, in items. DynamoDB never reaches it, because it ends a page at 1 MB.
/// Without a limit, the embedded DynamoDB reads the whole rest of the table for each page.
const PAGE: i32 = 10_000;

/// Reads the item of an account consistently.
pub(crate) async fn item(session: &Session<'_>, key: &str) -> Result<Option<Item>, Error> {
    let request = session.clients()?.dynamodb.get_item();
    let request = request.table_name(session.users_table()?);
    let request = request.key("username", dynamodb::text(key));
    let output = request.consistent_read(true).send().await;
    Ok(output.map_err(Error::unavailable)?.item)
}

/// A scan of the Users table.
pub(crate) struct Scan<'a> {
    /// The attributes to read.
    pub(crate) attributes: &'a [&'static str],
    /// The key after which the scan starts.
    pub(crate) after: Option<&'a str>,
    /// The progress bar, which counts accounts.
    pub(crate) progress: ProgressBar,
}

impl Scan<'_> {
    /// Passes items to `visit` until it breaks.
    pub(crate) async fn visit(
        &self,
        session: &Session<'_>,
        mut visit: impl FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        // Placeholders, because many names are reserved words.
        let mut names: Vec<_> = self
            .attributes
            .iter()
            .map(|name| format!("#{name}"))
            .collect();
        names.push("#username".to_owned());
        let mut request = session
            .clients()?
            .dynamodb
            .scan()
            .table_name(session.users_table()?)
            .limit(PAGE)
            .projection_expression(names.join(", "))
            .expression_attribute_names("#username", "username");
        for name in self.attributes {
            request = request.expression_attribute_names(format!("#{name}"), *name);
        }
        if let Some(key) = self.after {
            request = request.exclusive_start_key("username", dynamodb::text(key));
        }
        let mut items = request.into_paginator().items().send();
        while let Some(item) = items.next().await {
            self.progress.inc(1);
            if visit(item.map_err(Error::unavailable)?).is_break() {
                break;
            }
        }
        self.progress.finish_and_clear();
        Ok(())
    }
}

/// Returns the user name of an item.
pub(crate) fn key(item: &Item) -> &str {
    get_text(item, "username").unwrap_or_default()
}
