//! Accounts of one test, on a backend that many tests share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Response};
use password::{Cost, ExposeSecret as _, Secret};
use serde_json::{Value, json};
use shared::clock::{Clock, Timestamp};
use shared::config::Env;
use shared::lambda;
use shared::users::{self, Account, LoginOutcome, ResetMode, UsernameKey, Users};

use super::Proxy;
use crate::watch::Watch;
use local::attribute::{Item, text};
use local::ses::Mail;
use local::tables::{self, TableNames};
use local::{Backend, Configs, Error, Functions, gateway};

/// The initial time of every world.
const BEGIN: u64 = 1_800_000_000;
/// A time longer than the longest pause between two attempts of the sweep.
const STEP_SECONDS: u64 = 1_000;
/// A number of events greater than a reset can need.
const EVENTS: usize = 8;

static WORLDS: AtomicU64 = AtomicU64::new(0);

/// Both functions with their own proxy, clock and tables, because a sweep finishes all resets that
/// it finds, and all worlds call from the same address. As in a sandbox, secrets must not appear
/// anywhere.
#[derive(Debug)]
pub struct World {
    /// The proxy in front of DynamoDB and SES.
    pub proxy: Proxy,
    /// The number of this world, for unique names.
    pub number: u64,
    backend: Backend,
    users: Users,
    table: String,
    functions: Functions,
    mode: ResetMode,
    clock: Arc<AtomicU64>,
    watch: Watch,
}

impl World {
    /// Makes an empty world, with these variables in addition to the defaults. Answers do not wait
    /// for the floor.
    pub async fn new(backend: &Backend, variables: &[(&str, &str)]) -> Result<Self, Error> {
        let _permit = super::work_permit().await;
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let proxy = Proxy::start(backend)?;
        let names = TableNames {
            users: format!("{}.{number}", backend.tables.users),
            limits: format!("{}.{number}", backend.tables.limits),
            ..backend.tables.clone()
        };
        // If a call hangs, work with a deadline must end before the call times out.
        let floor = variable(variables, &names, "RESPONSE_FLOOR_MS");
        let floor = floor.and_then(|floor| floor.parse().ok());
        proxy
            .relays
            .set_patience(2 * Duration::from_millis(floor.unwrap_or_default()));
        // The world has its own Users and Limits tables; the others are the backend's.
        let dynamodb = &backend.clients.dynamodb;
        tables::create_users(dynamodb, &names.users).await?;
        tables::create_limits(dynamodb, &names.limits).await?;
        let clock = Arc::new(AtomicU64::new(BEGIN));
        let now = Arc::clone(&clock);
        let configs = Configs::read(Env::new(&|name| variable(variables, &names, name)))?;
        let functions = Functions::new(
            &proxy.relays.backend,
            configs.with_password_cost(Cost::NEGLIGIBLE),
            &Clock::new(move || Timestamp(now.load(Ordering::Relaxed))),
        );
        Ok(Self {
            watch: Watch::start(
                functions.clone(),
                backend.outbox.clone(),
                format!("-{number}@example.com"),
            ),
            functions,
            users: Users::new(backend.clients.dynamodb.clone(), names.users.clone()),
            backend: backend.clone(),
            mode: mode(variables),
            proxy,
            number,
            table: names.users,
            clock,
        })
    }

    /// The time of this world.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    /// Returns a copy of a demo account with a name and an address that are unique to this world.
    pub async fn copy_of(&self, demo: &str) -> Result<Item, Error> {
        let mut item = self.read(&self.backend.tables.users, demo).await?;
        let name = format!("{demo}-{}", self.number);
        let email = format!("{name}@example.com");
        for (attribute, value) in [
            ("username", &name),
            ("email", &email),
            ("email_key", &email),
        ] {
            item.insert(attribute.to_owned(), text(value));
        }
        Ok(item)
    }

    /// Writes an account.
    pub async fn put(&self, item: &Item) -> Result<(), Error> {
        let request = self.backend.clients.dynamodb.put_item();
        let request = request.table_name(&self.table);
        request.set_item(Some(item.clone())).send().await?;
        Ok(())
    }

    /// The item of an account.
    pub async fn item(&self, username: &str) -> Result<Item, Error> {
        self.read(&self.table, username).await
    }

    async fn read(&self, table: &str, username: &str) -> Result<Item, Error> {
        let request = self.backend.clients.dynamodb.get_item().table_name(table);
        let request = request
            .key("username", text(username))
            .consistent_read(true);
        let item = request.send().await?.item;
        item.ok_or_else(|| "there is no such account".into())
    }

    /// The account as read by the functions.
    pub async fn user(&self, username: &str) -> Result<Account, Error> {
        let user = self.users.find(&UsernameKey::new(username)).await?;
        user.ok_or_else(|| "there is no such account".into())
    }

    /// Whether a login with this password is valid.
    pub async fn can_log_in(&self, username: &str, password: &str) -> Result<bool, Error> {
        let user = self.user(username).await?;
        let attempt = users::Attempt {
            password: Secret::from(password.to_owned()),
            mode: self.mode,
            now: self.now(),
        };
        let login = Attempt::new(&user, password);
        if let Some(is_valid) = login.known() {
            return Ok(is_valid);
        }
        let verified = tokio::task::spawn_blocking(move || {
            users::verify(&local::hasher(Cost::NEGLIGIBLE), Some(&user), &attempt)
        });
        let outcome = verified.await??.outcome;
        let is_valid = matches!(outcome, LoginOutcome::Valid | LoginOutcome::MustChange);
        login.learn(is_valid);
        Ok(is_valid)
    }

    /// The emails to the account of this name, oldest first.
    #[must_use]
    pub fn mails(&self, username: &str) -> Vec<Mail> {
        let address = format!("{username}@example.com");
        self.backend.outbox.mails_to(|to| to == address)
    }

    /// The log of its requests and events, one JSON object per line.
    #[must_use]
    pub fn logged(&self) -> String {
        self.watch.logged()
    }

    /// The audit rows of an account, oldest first.
    pub async fn audit(&self, username: &str) -> Result<Vec<Item>, Error> {
        let query = self.backend.clients.dynamodb.query();
        let query = query
            .table_name(&self.backend.tables.audit)
            .key_condition_expression("username = :username")
            .expression_attribute_values(":username", text(username));
        Ok(query.send().await?.items.unwrap_or_default())
    }

    /// Sends a request through the gateway and Lambda, and returns the answer.
    pub async fn send(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.watch.see(request);
        let peer = ([192, 0, 2, 1], 50_000).into();
        let answer = gateway::call(&self.functions, request, peer);
        let response = self.watch.run(answer).await;
        Watch::check(request, &response);
        response
    }

    /// Sends an event to `ResetUserPassword`, and returns the result.
    pub async fn event(&self, event: &Value) -> Result<Value, Error> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let function = &self.functions.reset_user_password;
        let event = event.to_string();
        let invocation = lambda::invoke(function, &event, request_id);
        self.watch.run(invocation).await
    }

    /// Runs a sweep.
    pub async fn sweep(&self) -> Result<Value, Error> {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        self.event(&event).await
    }

    /// Advances the time so that all pending resets are due.
    pub fn wait(&self) {
        self.wait_seconds(STEP_SECONDS);
    }

    /// Advances the time.
    pub fn wait_seconds(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Advances the time and runs sweeps until no reset is pending.
    pub async fn sweep_until_done(&self) -> Result<(), Error> {
        for _ in 0..EVENTS {
            if !self.has_pending().await? {
                return Ok(());
            }
            self.wait();
            self.sweep().await?;
        }
        Err(format!("a reset is still pending after {EVENTS} sweeps").into())
    }

    /// Whether a sweep would find a reset, now or later. Makes one call instead of one for each
    /// partition.
    async fn has_pending(&self) -> Result<bool, Error> {
        let scan = self.backend.clients.dynamodb.scan();
        let scan = scan
            .table_name(&self.table)
            .filter_expression("attribute_exists(reset_queue)")
            .consistent_read(true);
        Ok(scan.send().await?.count > 0)
    }

    /// Runs an operation. Returns `None` if the process ends first. Waits until no calls are in
    /// progress.
    pub async fn run<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            done = operation => Some(done),
            () = self.proxy.killed() => None,
        };
        self.proxy.settled().await;
        done
    }
}

/// The hashes of an account, and a password. The results of attempts are cached, because hashing
/// dominates the time of these tests, and the same attempts are made many times. Nothing expires
/// during the lifetime of a world.
#[derive(PartialEq, Eq, Hash)]
struct Attempt {
    hashes: [Option<String>; 2],
    password: String,
}

static KNOWN: LazyLock<Mutex<HashMap<Attempt, bool>>> = LazyLock::new(Mutex::default);

impl Attempt {
    fn new(user: &Account, password: &str) -> Self {
        let temporary = user.temporary.as_ref().map(|temporary| &temporary.hash);
        let hashes = [user.password_hash.as_ref(), temporary];
        Self {
            hashes: hashes.map(|hash| hash.map(|hash| hash.expose_secret().to_owned())),
            password: password.to_owned(),
        }
    }

    fn known(&self) -> Option<bool> {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(self).copied()
    }

    fn learn(self, is_valid: bool) {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(self, is_valid);
    }
}

fn variable(given: &[(&str, &str)], names: &TableNames, name: &str) -> Option<String> {
    let given = given.iter().find(|(n, _)| *n == name);
    match (given, name) {
        (Some((_, value)), _) => Some((*value).to_owned()),
        (None, "RESPONSE_FLOOR_MS") => Some("0".to_owned()),
        (None, _) => names
            .variable(name)
            .or_else(|| local::default_variable(name)),
    }
}

fn mode(variables: &[(&str, &str)]) -> ResetMode {
    if variables.contains(&("RESET_MODE", "dual")) {
        ResetMode::Dual
    } else {
        ResetMode::Replace
    }
}
