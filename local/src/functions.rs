//! Both functions on one backend, as Lambda runs them.

use std::sync::Arc;

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

impl Functions {
    /// Makes both functions for this backend, configured by `variables`.
    pub fn new(backend: &Backend, variables: Env<'_>, clock: &Clock) -> Result<Self, ConfigError> {
        let reset = reset_user_password::Config::read(variables)?;
        let update = update_user_registration_password::Config::read(variables)?;
        let [reset_hasher, update_hasher] =
            [&reset.shared, &update.shared].map(|shared| hasher(shared.password_cost));
        Ok(Self {
            reset_user_password: Arc::new(reset_user_password::Service::new(
                reset,
                reset_hasher,
                backend.clients.clone(),
                clock.clone(),
            )),
            update_user_registration_password: Arc::new(
                update_user_registration_password::Service::new(
                    update,
                    update_hasher,
                    backend.clients.clone(),
                    clock.clone(),
                ),
            ),
        })
    }
}

/// The value of a variable that has no default on AWS.
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
