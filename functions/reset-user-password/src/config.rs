//! The configuration of the function, from its environment.

use shared::config::{ConfigError, Env};

use crate::asmx::Protocols;

/// The configuration of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The configuration that both functions share.
    pub shared: shared::config::Config,
    /// `TEMPORARY_PASSWORD_HOURS`: the lifetime of a mailed password, 24 by default. NIST SP
    /// 800-63B-4 section 4.2.1.2 allows no more for a secret sent by email.
    pub temporary_password_hours: u64,
    /// `RESET_PER_MINUTE`: the maximum number of resets of one user name per minute, 1 by
    /// default. 0 means no limit.
    pub reset_per_minute: u32,
    /// `RESET_PER_HOUR`: the maximum number of resets of one user name per hour, 5 by
    /// default. 0 means no limit.
    pub reset_per_hour: u32,
    /// `SOURCE_PER_MINUTE`: the maximum number of resets from one IP address per minute, 60 by
    /// default. 0 means no limit.
    pub source_per_minute: u32,
    /// `MAIL_RATE`: the maximum number of emails that a sweep sends per second, 12 by default. It
    /// is below the 14 that SES allows most accounts, so that requests can send emails at the same
    /// time.
    pub mail_rate: u32,
    /// `SELF_TEST_USERNAME`: the account that the self-test resets, `self-test` by default.
    pub self_test_username: String,
    /// `ASMX_PROTOCOLS`: which of `HttpGet,HttpPost,Soap,Soap12,Documentation` are enabled, all by
    /// default.
    pub protocols: Protocols,
}

impl Config {
    /// Reads and checks the environment. Fails on the first variable that is missing or invalid.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        let temporary_password_hours = env.number("TEMPORARY_PASSWORD_HOURS", 24, 1..=24)?;
        let protocols = match env.optional("ASMX_PROTOCOLS") {
            None => Protocols::ALL,
            Some(names) => names
                .parse()
                .map_err(|error| ConfigError::invalid("ASMX_PROTOCOLS", error))?,
        };
        let self_test_username = env.optional("SELF_TEST_USERNAME");
        Ok(Self {
            shared: shared::config::Config::read(env)?,
            self_test_username: self_test_username.unwrap_or_else(|| "self-test".to_owned()),
            temporary_password_hours,
            mail_rate: mail_rate(env)?,
            reset_per_minute: env.limit("RESET_PER_MINUTE", 1)?,
            reset_per_hour: env.limit("RESET_PER_HOUR", 5)?,
            source_per_minute: env.limit("SOURCE_PER_MINUTE", 60)?,
            protocols,
        })
    }
}

fn mail_rate(env: Env<'_>) -> Result<u32, ConfigError> {
    env.number("MAIL_RATE", 12, 1..=100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_mails_1_to_100_a_second() {
        let read = |rate: Option<&str>| {
            let rate = rate.map(str::to_owned);
            mail_rate(Env::new(&|_| rate.clone())).map_err(|error| error.to_string())
        };
        assert_eq!(read(None), Ok(12));
        assert_eq!(read(Some("1")), Ok(1));
        assert_eq!(read(Some("100")), Ok(100));
        for wrong in ["0", "101", "fast"] {
            assert!(read(Some(wrong)).unwrap_err().starts_with("MAIL_RATE: "));
        }
    }
}
