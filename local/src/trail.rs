//! Accounts and their audit rows, for the page of a result.

use aws_sdk_dynamodb::Client;
use shared::dynamodb::get_text;
use shared::users::{UsernameKey, email_key};

use crate::Error;
use crate::attribute::{Item, text};
use crate::tables::TableNames;

/// The maximum number of rows shown for an account.
const MAX_ROWS: i32 = 20;

/// The parts of an account by which to find its emails and audit rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The key.
    pub(crate) username: String,
    /// The address, if it has one.
    pub(crate) email: Option<String>,
}

/// An audit row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) username: String,
    /// The sort key, which begins with the time.
    pub(crate) at: String,
    pub(crate) event: String,
    pub(crate) source: String,
    pub(crate) actor: String,
    pub(crate) request_id: String,
}

impl Row {
    /// The time in RFC 3339.
    pub(crate) fn time(&self) -> &str {
        self.at.split('#').next().unwrap_or_default()
    }
}

/// Reads the Users and Audit tables.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    pub(crate) client: Client,
    pub(crate) tables: TableNames,
}

impl Trail {
    /// The account with this user name.
    pub(crate) async fn by_name(&self, name: &str) -> Result<Vec<Account>, Error> {
        let request = self.client.get_item().table_name(&self.tables.users);
        let key = text(UsernameKey::new(name).as_str());
        let item = request.key("username", key).send().await?.item;
        Ok(item.iter().map(account).collect())
    }

    /// The accounts with this address, one for each brand.
    pub(crate) async fn by_email(&self, email: &str) -> Result<Vec<Account>, Error> {
        let request = self.client.query().table_name(&self.tables.users);
        let request = request
            .index_name("email-index")
            .key_condition_expression("email_key = :key")
            .expression_attribute_values(":key", text(&email_key(email)));
        let items = request.send().await?.items.unwrap_or_default();
        Ok(items.iter().map(account).collect())
    }

    /// The last audit rows of these accounts, newest first.
    pub(crate) async fn rows(&self, accounts: &[Account]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for account in accounts {
            let request = self.client.query().table_name(&self.tables.audit);
            let request = request
                .key_condition_expression("username = :username")
                .expression_attribute_values(":username", text(&account.username))
                .scan_index_forward(false)
                .limit(MAX_ROWS);
            let items = request.send().await?.items.unwrap_or_default();
            rows.extend(items.iter().map(row));
        }
        rows.sort_by(|a, b| b.at.cmp(&a.at));
        Ok(rows)
    }
}

fn account(item: &Item) -> Account {
    Account {
        username: string(item, "username"),
        email: get_text(item, "email").map(str::to_owned),
    }
}

fn row(item: &Item) -> Row {
    let string = |name| string(item, name);
    Row {
        username: string("username"),
        at: string("at"),
        event: string("event"),
        source: string("source"),
        actor: string("actor"),
        request_id: string("request_id"),
    }
}

fn string(item: &Item, name: &str) -> String {
    get_text(item, name).unwrap_or_default().to_owned()
}
