//! The configuration of the function, from its environment.

use shared::config::{ConfigError, Env, Notify};

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The configuration that both functions share.
    pub shared: shared::config::Config,
    /// `LOGIN_FAILURES_PER_MINUTE`: the maximum number of failed logins with one name from one
    /// IP address per minute, 10 by default. 0 means no limit.
    pub login_failures_per_minute: u32,
    /// `CREDENTIAL_CACHE_SECONDS`: the time for which a verified credential is not hashed again,
    /// 300 by default, which is also the maximum. 0 disables the cache.
    pub credential_cache_seconds: u64,
    /// The configuration of sessions. `None` if `SESSION_HOURS=0`.
    pub sessions: Option<SessionConfig>,
    /// `NOTIFY_PASSWORD_SET`: `asked`, the default, or `always`.
    pub notify: Notify,
}

/// The configuration of sessions.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// `SESSIONS_TABLE`
    pub table: String,
    /// `SESSION_HOURS`: the lifetime of a session, 12 hours by default, at most
    /// [`Self::PERMANENT_HOURS`].
    pub hours: u64,
}

impl SessionConfig {
    /// The lifetime of a session whose user asked to be remembered: the two weeks of ServiceStack's
    /// `SessionFeature`.
    pub const PERMANENT_HOURS: u64 = 14 * 24;

    fn read(env: Env<'_>) -> Result<Option<Self>, ConfigError> {
        match env.number("SESSION_HOURS", 12, 0..=Self::PERMANENT_HOURS)? {
            0 => Ok(None),
            hours => Ok(Some(Self {
                table: env.required("SESSIONS_TABLE")?,
                hours,
            })),
        }
    }
}

impl Config {
    /// Reads and checks the environment. Fails on the first variable that is missing or invalid.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        let credential_cache_seconds = env.number("CREDENTIAL_CACHE_SECONDS", 300, 0..=300)?;
        Ok(Self {
            shared: shared::config::Config::read(env)?,
            credential_cache_seconds,
            sessions: SessionConfig::read(env)?,
            login_failures_per_minute: env.limit("LOGIN_FAILURES_PER_MINUTE", 10)?,
            notify: shared::config::notify(env)?,
        })
    }
}
