//! Both functions on one backend, as Lambda runs them.

use std::sync::Arc;

use password::Cost;
use shared::clock::Clock;
use shared::config::{ConfigError, Env};
use shared::lambda::Handler;

use crate::backend::Backend;
use crate::hasher::hasher;
use crate::tables::TableNames;

/// Both functions.
#[derive(Debug, Clone)]
pub struct Functions {
    /// `ResetUserPassword`
    pub reset_user_password: Arc<dyn Handler>,
    /// `UpdateUserRegistrationPassword`
    pub update_user_registration_password: Arc<dyn Handler>,
}

/// The configurations of both functions.
#[derive(Debug, Clone)]
pub struct Configs {
    /// The configuration of `ResetUserPassword`.
    pub reset: reset_user_password::Config,
    /// The configuration of `UpdateUserRegistrationPassword`.
    pub update: update_user_registration_password::Config,
}

impl Configs {
    /// Reads both configurations from `variables`.
    pub fn read(variables: Env<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            reset: reset_user_password::Config::read(variables)?,
            update: update_user_registration_password::Config::read(variables)?,
        })
    }

    /// Sets the cost of new hashes of both functions.
    #[must_use]
    pub fn with_password_cost(mut self, cost: Cost) -> Self {
        self.reset.shared.password_cost = cost;
        self.update.shared.password_cost = cost;
        self
    }
}

impl Functions {
    /// Makes both functions for this backend.
    #[must_use]
    pub fn new(backend: &Backend, Configs { reset, update }: Configs, clock: &Clock) -> Self {
        let [reset_hasher, update_hasher] =
            [&reset.shared, &update.shared].map(|shared| hasher(shared.password_cost));
        let clients = &backend.clients;
        Self {
            reset_user_password: Arc::new(reset_user_password::Service::new(
                reset,
                reset_hasher,
                clients.clone(),
                clock.clone(),
            )),
            update_user_registration_password: Arc::new(
                update_user_registration_password::Service::new(
                    update,
                    update_hasher,
                    clients.clone(),
                    clock.clone(),
                ),
            ),
        }
    }
}

/// The default, on this machine, of a variable that has none on AWS.
#[must_use]
pub fn default_variable(name: &str) -> Option<String> {
    let value = match name {
        "PRODUCT_NAME" => "Pump Alarm",
        "MAIL_FROM" => "Pump Alarm <no-reply@pumpalarm.com>",
        "SUPPORT_CONTACT" => "support@pumpalarm.com",
        "LOGIN_URL" => "http://127.0.0.1:3000/",
        _ => return TableNames::default().variable(name),
    };
    Some(value.to_owned())
}
