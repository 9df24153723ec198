//! Both functions on their own in-memory backend, for tests.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use http::{Request, Response};
use password::Cost;
use serde_json::Value;
use shared::clock::Clock;
use shared::config::Env;

use crate::watch::{Watch, logged_elsewhere};
use local::attribute::{Item, text};
use local::ses::Mail;
use local::{Backend, Configs, Error, Functions, gateway};

/// The variables that are 0 by default in tests, so that they do not wait for the floor and have no
/// limits.
const OFF: [&str; 5] = [
    "RESPONSE_FLOOR_MS",
    "RESET_PER_MINUTE",
    "RESET_PER_HOUR",
    "SOURCE_PER_MINUTE",
    "LOGIN_FAILURES_PER_MINUTE",
];

/// Adds the variables of the default cost of a hash, for tests that depend on it.
#[must_use]
pub fn with_default_cost<'a>(variables: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let cost = [("ARGON2_MEMORY_KIB", "19456"), ("ARGON2_ITERATIONS", "2")];
    [variables, &cost].concat()
}

/// Both functions, without the response floor and without limits. Hashes have a negligible cost
/// unless a variable sets it. When the sandbox is dropped, the test fails if a secret has appeared
/// in an answer or in a log.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The tables and emails.
    pub backend: Backend,
    /// The functions.
    pub functions: Functions,
    watch: Arc<Watch>,
}

impl Sandbox {
    /// Starts a sandbox with the demo data and these additional variables.
    pub async fn start(variables: &[(&str, &str)]) -> Result<Self, Error> {
        Self::on(crate::backend().await, variables)
    }

    /// Makes a sandbox on this backend, with these variables.
    pub fn on(backend: Backend, variables: &[(&str, &str)]) -> Result<Self, Error> {
        Self::at(&Clock::system(), backend, variables)
    }

    /// Makes a sandbox as [`Sandbox::on`] does, with this clock.
    pub fn at(clock: &Clock, backend: Backend, variables: &[(&str, &str)]) -> Result<Self, Error> {
        let lookup = |name: &str| {
            let given = variables.iter().find(|(n, _)| *n == name);
            let given = given.or(OFF.contains(&name).then_some(&("", "0")));
            given
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| backend.tables.variable(name))
                .or_else(|| local::default_variable(name))
        };
        let mut configs = Configs::read(Env::new(&lookup))?;
        if !variables
            .iter()
            .any(|(name, _)| name.starts_with("ARGON2_"))
        {
            configs = configs.with_password_cost(Cost::NEGLIGIBLE);
        }
        let functions = Functions::new(&backend, configs, clock);
        let watch = Watch::start(functions.clone(), backend.outbox.clone(), String::new());
        Ok(Self {
            backend,
            functions,
            watch: Arc::new(watch),
        })
    }

    /// Sends a request from 192.0.2.1 through the gateway and Lambda, and returns the answer.
    pub async fn send(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.send_from([192, 0, 2, 1], request).await
    }

    /// Sends a request as [`Sandbox::send`] does, from this address.
    pub async fn send_from(
        &self,
        source: impl Into<IpAddr>,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        self.watch.see(request);
        let peer = (source.into(), 50_000).into();
        let answer = gateway::call(&self.functions, request, peer);
        let response = self.watch.run(answer).await;
        self.watch.see_answer(&response);
        Watch::check(request, &response);
        response
    }

    /// The log of its requests, one JSON object per line.
    #[must_use]
    pub fn logged(&self) -> String {
        self.watch.logged()
    }

    /// Checks that the log of its requests and that of the rest of this process contain only
    /// events, and none of these texts.
    ///
    /// # Panics
    /// If the check fails.
    pub fn assert_not_logged(&self, texts: &[&str]) {
        for line in (self.logged() + &logged_elsewhere()).lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            assert!(event.get("level").is_some_and(Value::is_string), "{line}");
            assert!(!texts.iter().any(|text| line.contains(text)), "{line}");
        }
    }

    /// The item of an account.
    pub async fn user(&self, username: &str) -> Result<Item, Error> {
        let dynamodb = &self.backend.clients.dynamodb;
        let request = dynamodb
            .get_item()
            .table_name(&self.backend.tables.users)
            .consistent_read(true);
        let output = request.key("username", text(username)).send().await?;
        output
            .item
            .ok_or_else(|| format!("there is no user {username}").into())
    }

    /// Writes an account, replacing any account with the same name.
    pub async fn put_user(&self, item: Item) -> Result<(), Error> {
        self.put(&self.backend.tables.users, item).await
    }

    /// Adds a copy of an account with this name and these changes.
    pub async fn copy_user(
        &self,
        of: &str,
        username: &str,
        change: impl FnOnce(&mut Item),
    ) -> Result<(), Error> {
        let mut item = self.user(of).await?;
        item.insert("username".to_owned(), text(username));
        change(&mut item);
        self.put_user(item).await
    }

    /// Takes the only email out of the outbox.
    ///
    /// # Panics
    /// If there is none or more than one.
    #[must_use]
    pub fn take_mail(&self) -> Mail {
        let mut mails = self.backend.outbox.mails();
        self.backend.outbox.clear();
        assert_eq!(mails.len(), 1, "mails");
        mails.remove(0)
    }

    /// Writes a row of the Brands table with these attributes, replacing any row with the same key.
    pub async fn put_brand(&self, attributes: &[(&str, &str)]) -> Result<(), Error> {
        let row = attributes.iter();
        let row = row.map(|(name, value)| ((*name).to_owned(), text(value)));
        self.put(&self.backend.tables.brands, row.collect()).await
    }

    async fn put(&self, table: &str, item: Item) -> Result<(), Error> {
        let request = self.backend.clients.dynamodb.put_item();
        let request = request.table_name(table).set_item(Some(item));
        request.send().await?;
        Ok(())
    }

    /// Sets string attributes of an account.
    pub async fn change_user(&self, username: &str, texts: &[(&str, &str)]) -> Result<(), Error> {
        let mut item = self.user(username).await?;
        item.extend(
            texts
                .iter()
                .map(|(name, value)| ((*name).to_owned(), text(value))),
        );
        self.put_user(item).await
    }

    /// The audit rows of an account, oldest first.
    pub async fn audit(&self, username: &str) -> Result<Vec<Item>, Error> {
        let query = self
            .backend
            .clients
            .dynamodb
            .query()
            .table_name(&self.backend.tables.audit);
        let output = query
            .key_condition_expression("username = :username")
            .expression_attribute_values(":username", text(username))
            .send()
            .await?;
        Ok(output.items.unwrap_or_default())
    }
}
