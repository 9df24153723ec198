//! Demo data: accounts for trying out the services, and the brand of one of them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use password::{Cost, ExposeSecret as _, Salt, Secret};
use shared::users::{UsernameKey, brand_key, email_key};

use crate::Error;
use crate::attribute::{Item, number, text};
use crate::hasher::hasher;
use crate::tables::TableNames;

/// The password of every demo account.
pub(crate) const PASSWORD: &str = "p@55wOrd";

struct Account {
    username: &'static str,
    id: u64,
    display_name: &'static str,
    email: &'static str,
    brand: Option<&'static str>,
    role: Option<&'static str>,
}

const ACCOUNTS: [Account; 3] = [
    Account {
        username: "admin",
        id: 1,
        display_name: "Portal Admin",
        email: "admin@pumpalarm.com",
        brand: None,
        role: Some("Admin"),
    },
    Account {
        username: "bob",
        id: 2,
        display_name: "Bob",
        email: "bob@pumpalarm.com",
        brand: None,
        role: None,
    },
    Account {
        username: "jdoe",
        id: 42,
        display_name: "Jane Doe",
        email: "a@example.com",
        brand: Some("Brand"),
        role: None,
    },
];

/// The row of `jdoe`'s brand.
const BRAND: [(&str, &str); 6] = [
    ("brand", "brand"),
    ("product_name", "Brand Flood Watch"),
    ("from_address", "Brand Flood Watch <no-reply@brand.example>"),
    ("support_contact", "help@brand.example"),
    ("login_url", "https://brand.example/login"),
    ("configuration_set", "brand"),
];

/// Writes the demo data if the Users table is empty. The write is atomic: if it is interrupted, the
/// table is still empty, and the next start writes the data.
pub(crate) async fn load(client: &Client, tables: &TableNames, cost: Cost) -> Result<(), Error> {
    let table = &tables.users;
    let scan = client.scan().table_name(table).limit(1).send().await?;
    if scan.count > 0 {
        return Ok(());
    }
    let (hasher, password) = (hasher(cost), Secret::from(PASSWORD.to_owned()));
    let brand = BRAND.map(|(name, value)| (name.to_owned(), text(value)));
    let mut puts = vec![put(&tables.brands, brand.into())?];
    for account in &ACCOUNTS {
        let hash = hasher.hash(&password, Salt::generate(&mut UnwrapErr(SysRng)))?;
        puts.push(put(table, item(account, &hash))?);
    }
    let request = client.transact_write_items();
    request.set_transact_items(Some(puts)).send().await?;
    Ok(())
}

fn put(table: &str, item: Item) -> Result<TransactWriteItem, Error> {
    let put = Put::builder().table_name(table).set_item(Some(item));
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

fn item(account: &Account, hash: &Secret) -> Item {
    let mut item: Item = [
        (
            "username",
            text(UsernameKey::new(account.username).as_str()),
        ),
        ("display_username", text(account.username)),
        ("id", number(account.id)),
        ("display_name", text(account.display_name)),
        ("email", text(account.email)),
        ("email_key", text(&email_key(account.email))),
        ("brand", text(&brand_key(account.brand))),
        ("password_hash", text(hash.expose_secret())),
        ("version", number(1)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(role) = account.role {
        item.insert(
            "roles".to_owned(),
            AttributeValue::Ss(vec![role.to_owned()]),
        );
    }
    item
}
