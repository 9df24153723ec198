//! Configuration of the function, from its environment.

use shared::config::{ConfigError, Env};

/// Configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Configuration that both functions have.
    pub shared: shared::config::Config,
    /// `LOGIN_FAILURES_PER_MINUTE`: failed logins of one name from one address in any minute, 10
    /// by default; 0 for any number.
    pub login_failures_per_minute: u32,
    /// `CREDENTIAL_CACHE_SECONDS`: how long a credential that was verified is not hashed again, 300
    /// by default, which is also the most; 0 for every time.
    pub credential_cache_seconds: u64,
    /// `NOTIFY_PASSWORD_SET`: `asked`, the default, or `always`.
    pub notify: Notify,
}

/// When a customer is told that an administrator set their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// When the caller asks for it with `SendResetEmail`, as the old service did.
    Asked,
    /// After every change (ASVS 5.0 6.3.7).
    Always,
}

impl Config {
    /// Reads and checks the environment. Fails on the first variable that is missing or invalid.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        let credential_cache_seconds = env.number("CREDENTIAL_CACHE_SECONDS", 300)?;
        if credential_cache_seconds > 300 {
            return Err(ConfigError::invalid(
                "CREDENTIAL_CACHE_SECONDS",
                "must be 0 to 300",
            ));
        }
        Ok(Self {
            shared: shared::config::Config::read(env)?,
            credential_cache_seconds,
            login_failures_per_minute: env.limit("LOGIN_FAILURES_PER_MINUTE", 10)?,
            notify: notify(env)?,
        })
    }
}

fn notify(env: Env<'_>) -> Result<Notify, ConfigError> {
    match env.optional("NOTIFY_PASSWORD_SET").as_deref() {
        None | Some("asked") => Ok(Notify::Asked),
        Some("always") => Ok(Notify::Always),
        Some(_) => Err(ConfigError::invalid(
            "NOTIFY_PASSWORD_SET",
            "must be asked or always",
        )),
    }
}
