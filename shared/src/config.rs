//! Configuration from environment variables. All are read and checked once, at the start; an error
//! names its variable.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::front_door::{FrontDoor, MIN_SECRET_LENGTH};
use crate::mail::brand::{self, Attribute, Brand};
use crate::users::ResetMode;
use password::{Cost, Secret};

/// An error in an environment variable.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A value is invalid.
    #[error("{name}: {reason}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Why the value is invalid. Usually it says which values are valid.
        reason: String,
    },
}

impl std::fmt::Debug for ConfigError {
    /// Writes the message, because a process prints this when its `main` fails.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, f)
    }
}

impl ConfigError {
    /// Makes the error for a variable with an invalid value.
    pub fn invalid(name: &'static str, reason: impl Display) -> Self {
        Self::Invalid {
            name,
            reason: reason.to_string(),
        }
    }
}

/// Environment variables. An empty value counts as unset: SAM passes an unset parameter that way.
#[derive(Clone, Copy)]
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Env<'a> {
    /// Makes an environment from a look-up by name.
    #[must_use]
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Env<'static> {
        Env(&|name| {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads them")]
            std::env::var(name).ok()
        })
    }

    /// The value of `name`, trimmed; `None` if it is unset.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// The value of `name`, trimmed.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// The default brand's value of `attribute`. `None` if it is unset.
    pub fn default_brand(&self, attribute: &Attribute) -> Result<Option<String>, ConfigError> {
        let Some(variable) = attribute.variable else {
            return Ok(None);
        };
        let value = self.optional(variable).unwrap_or_default();
        let usable = attribute.parse(&value);
        usable
            .map(|text| text.map(str::to_owned))
            .map_err(|reason| ConfigError::invalid(variable, reason))
    }

    /// The limit `name`, from 0 to 1000, where 0 means no limit. Returns `default` if it is unset.
    pub fn limit(&self, name: &'static str, default: u32) -> Result<u32, ConfigError> {
        // The tests of `Quota` cover limits up to this one.
        self.number(name, default, 0..=1_000)
    }

    /// The value of `name` as a whole number in `range`. Returns `default` if it is unset.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        let Some(value) = self.optional(name) else {
            return Ok(default);
        };
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            ConfigError::invalid(
                name,
                format!("must be a whole number from {least} to {most}"),
            )
        })
    }
}

impl std::fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}

/// The configuration that both functions share.
#[derive(Debug, Clone)]
pub struct Config {
    /// `USERS_TABLE`
    pub users_table: String,
    /// `LIMITS_TABLE`
    pub limits_table: String,
    /// `RESET_MODE`: `replace`, or `dual` to keep the old password valid until the mailed one is
    /// used.
    pub reset_mode: ResetMode,
    /// `RESPONSE_FLOOR_MS`: resets and failed logins are answered at multiples of this time, 500 ms
    /// by default. 0 means at once.
    pub response_floor: Duration,
    /// `AUDIT_TABLE`
    pub audit_table: String,
    /// `AUDIT_DAYS`: how long audit rows are kept, 400 days by default.
    pub audit_days: u64,
    /// `BRANDS_TABLE`
    pub brands_table: String,
    /// The default brand: `PRODUCT_NAME`, `MAIL_FROM`, `SUPPORT_CONTACT`, `LOGIN_URL`,
    /// `CONFIGURATION_SET`, `REPLY_TO`, `MAIL_LANGUAGE`
    pub brand: Brand,
    /// `ARGON2_MEMORY_KIB`, `ARGON2_ITERATIONS`
    pub password_cost: Cost,
    /// `PASSWORD_MIN_LENGTH`: the minimum length of a chosen password in code points, 8 by default.
    pub password_min_length: usize,
    /// `FRONT_DOOR`: `NONE` (the default) or `CLOUDFRONT`. CloudFront sends `FRONT_DOOR_SECRET` or,
    /// while the secret is being changed, `FRONT_DOOR_OTHER_SECRET`.
    pub front_door: FrontDoor,
}

impl Config {
    /// Reads and checks all variables.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            users_table: env.required("USERS_TABLE")?,
            limits_table: env.required("LIMITS_TABLE")?,
            reset_mode: reset_mode(env)?,
            response_floor: response_floor(env)?,
            audit_table: env.required("AUDIT_TABLE")?,
            audit_days: audit_days(env)?,
            brands_table: env.required("BRANDS_TABLE")?,
            brand: brand(env)?,
            password_cost: password_cost(env)?,
            password_min_length: password_min_length(env)?,
            front_door: front_door(env)?,
        })
    }
}

fn reset_mode(env: Env<'_>) -> Result<ResetMode, ConfigError> {
    match env.optional("RESET_MODE").as_deref() {
        None | Some("replace") => Ok(ResetMode::Replace),
        Some("dual") => Ok(ResetMode::Dual),
        Some(_) => Err(ConfigError::invalid(
            "RESET_MODE",
            "must be `replace` or `dual`",
        )),
    }
}

fn response_floor(env: Env<'_>) -> Result<Duration, ConfigError> {
    let ms = env.number("RESPONSE_FLOOR_MS", 500, 0..=5_000)?;
    Ok(Duration::from_millis(ms))
}

/// Reads `AUDIT_DAYS`, from 1 to 3653.
pub fn audit_days(env: Env<'_>) -> Result<u64, ConfigError> {
    env.number("AUDIT_DAYS", 400, 1..=3_653)
}

/// Reads the default brand.
pub fn brand(env: Env<'_>) -> Result<Brand, ConfigError> {
    let required = |attribute: Attribute| {
        let value = env.default_brand(&attribute)?;
        value.ok_or(ConfigError::Missing(attribute.variable.unwrap_or_default()))
    };
    Ok(Brand {
        product_name: required(brand::PRODUCT_NAME)?,
        from: required(brand::FROM_ADDRESS)?,
        support_contact: required(brand::SUPPORT_CONTACT)?,
        login_url: required(brand::LOGIN_URL)?,
        configuration_set: env.default_brand(&brand::CONFIGURATION_SET)?,
        reply_to: env.default_brand(&brand::REPLY_TO)?,
        language: env
            .default_brand(&brand::LANGUAGE)?
            .or(Some("en".to_owned())),
        closings: BTreeMap::new(),
    })
}

/// Reads `ARGON2_MEMORY_KIB` and `ARGON2_ITERATIONS`. [`Cost::new`] says which values are valid.
pub fn password_cost(env: Env<'_>) -> Result<Cost, ConfigError> {
    let default = Cost::DEFAULT;
    let memory_kib = env.number("ARGON2_MEMORY_KIB", default.memory_kib(), Cost::MEMORY_KIB)?;
    let iterations = env.number("ARGON2_ITERATIONS", default.iterations(), Cost::ITERATIONS)?;
    Cost::new(memory_kib, iterations).map_err(|error| {
        let is_iterations = iterations == 1 && memory_kib >= 19_456;
        let name = if is_iterations {
            "ARGON2_ITERATIONS"
        } else {
            "ARGON2_MEMORY_KIB"
        };
        ConfigError::invalid(name, error)
    })
}

/// When a customer is told by email that an administrator set their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// The caller asks for it with `SendResetEmail`, as in the old service.
    Asked,
    /// Every change causes an email (ASVS 5.0 6.3.7).
    Always,
}

/// Reads `NOTIFY_PASSWORD_SET`: `asked`, the default, or `always`.
pub fn notify(env: Env<'_>) -> Result<Notify, ConfigError> {
    match env.optional("NOTIFY_PASSWORD_SET").as_deref() {
        None | Some("asked") => Ok(Notify::Asked),
        Some("always") => Ok(Notify::Always),
        Some(_) => Err(ConfigError::invalid(
            "NOTIFY_PASSWORD_SET",
            "must be `asked` or `always`",
        )),
    }
}

/// Reads `PASSWORD_MIN_LENGTH`, from [`password::MIN_LENGTH`] to [`password::MAX_LENGTH`].
pub fn password_min_length(env: Env<'_>) -> Result<usize, ConfigError> {
    let allowed = password::MIN_LENGTH..=password::MAX_LENGTH;
    env.number("PASSWORD_MIN_LENGTH", password::MIN_LENGTH, allowed)
}

/// Reads `FRONT_DOOR`, `FRONT_DOOR_SECRET` and `FRONT_DOOR_OTHER_SECRET`. A secret must be visible
/// ASCII, which a header can carry unchanged.
fn front_door(env: Env<'_>) -> Result<FrontDoor, ConfigError> {
    let secret = |name| {
        let is_usable = |value: &str| {
            value.len() >= MIN_SECRET_LENGTH && value.bytes().all(|b| b.is_ascii_graphic())
        };
        match env.optional(name) {
            Some(value) if !is_usable(&value) => Err(ConfigError::invalid(
                name,
                format!("must be {MIN_SECRET_LENGTH} or more visible ASCII characters"),
            )),
            value => Ok(value.map(Secret::from)),
        }
    };
    let own = secret("FRONT_DOOR_SECRET")?;
    let other = secret("FRONT_DOOR_OTHER_SECRET")?;
    match env.optional("FRONT_DOOR").as_deref() {
        None | Some("NONE") => Ok(FrontDoor::None),
        Some("CLOUDFRONT") => {
            let own = own.ok_or(ConfigError::Missing("FRONT_DOOR_SECRET"))?;
            Ok(FrontDoor::CloudFront(
                [Some(own), other].into_iter().flatten().collect(),
            ))
        }
        Some(_) => Err(ConfigError::invalid(
            "FRONT_DOOR",
            "must be NONE or CLOUDFRONT",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 8] = [
        ("USERS_TABLE", "Users"),
        ("LIMITS_TABLE", "Limits"),
        ("AUDIT_TABLE", "Audit"),
        ("BRANDS_TABLE", "Brands"),
        ("PRODUCT_NAME", "Pump Alarm"),
        ("MAIL_FROM", "Pump Alarm <no-reply@example.com>"),
        ("SUPPORT_CONTACT", "support@example.com"),
        ("LOGIN_URL", "https://example.com/login"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let lookup = |name: &str| {
            let pairs = changes.iter().chain(&REQUIRED);
            pairs
                .clone()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::read(Env::new(&lookup))
    }

    #[test]
    fn optional_variables_have_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!(config.password_cost, Cost::DEFAULT);
        assert_eq!(config.password_min_length, 8);
        assert_eq!(config.audit_days, 400);
        assert_eq!(config.brand.configuration_set, None);
    }

    #[test]
    fn missing_variables_are_named() {
        for (name, _) in REQUIRED {
            assert_eq!(
                read(&[(name, " ")]).unwrap_err(),
                ConfigError::Missing(name)
            );
        }
    }

    #[test]
    fn invalid_variables_are_named() {
        for (name, value) in [
            ("AUDIT_DAYS", "many"),
            ("AUDIT_DAYS", "-1"),
            ("AUDIT_DAYS", "0"),
            ("AUDIT_DAYS", "18446744073709551615"),
            ("PRODUCT_NAME", "Pump\r\nAlarm"),
            ("ARGON2_MEMORY_KIB", "9999999"),
            ("ARGON2_ITERATIONS", "0"),
            ("MAIL_FROM", "nobody"),
            ("MAIL_FROM", "nobody@"),
            ("MAIL_FROM", "Somebody <@example.com>"),
            ("SUPPORT_CONTACT", "a\nb"),
            ("CONFIGURATION_SET", "x y"),
            ("LOGIN_URL", "javascript:alert(1)"),
            ("ARGON2_MEMORY_KIB", "1024"),
            ("ARGON2_ITERATIONS", "1"),
            ("RESET_MODE", "both"),
            ("RESPONSE_FLOOR_MS", "5001"),
            ("PASSWORD_MIN_LENGTH", "7"),
            ("PASSWORD_MIN_LENGTH", "129"),
            ("FRONT_DOOR", "cloudfront"),
            ("FRONT_DOOR_SECRET", "0123456789abcdef0123456789abcde"),
            ("FRONT_DOOR_SECRET", "0123456789abcdef 0123456789abcdef"),
            ("FRONT_DOOR_OTHER_SECRET", "0123456789abcdef0123456789abcdé"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
        }
    }

    #[test]
    fn an_invalid_number_is_answered_with_the_range() {
        let error = read(&[("ARGON2_MEMORY_KIB", "19MiB")]).unwrap_err();
        let expected = "ARGON2_MEMORY_KIB: must be a whole number from 12288 to 1048576";
        assert_eq!(error.to_string(), expected);
        for value in ["many", "0", "3654", "18446744073709551616"] {
            let error = read(&[("AUDIT_DAYS", value)]).unwrap_err().to_string();
            let expected = "AUDIT_DAYS: must be a whole number from 1 to 3653";
            assert_eq!(error, expected, "{value}");
        }
    }

    #[test]
    fn a_front_door_has_one_or_two_secrets() {
        let on = ("FRONT_DOOR", "CLOUDFRONT");
        let own = ("FRONT_DOOR_SECRET", "0123456789abcdef0123456789abcdef");
        let other = (
            "FRONT_DOOR_OTHER_SECRET",
            "fedcba9876543210fedcba9876543210",
        );
        let secrets = |variables: &[_]| match read(variables).map(|config| config.front_door) {
            Ok(FrontDoor::CloudFront(secrets)) => Ok(secrets.len()),
            Ok(FrontDoor::None) => Ok(0),
            Err(error) => Err(error),
        };
        assert_eq!(secrets(&[]), Ok(0));
        assert_eq!(secrets(&[own, other, ("FRONT_DOOR", "NONE")]), Ok(0));
        assert_eq!(secrets(&[on, own]), Ok(1));
        assert_eq!(secrets(&[on, own, other]), Ok(2));
        let missing = ConfigError::Missing("FRONT_DOOR_SECRET");
        assert_eq!(secrets(&[on]), Err(missing.clone()));
        assert_eq!(secrets(&[on, other]), Err(missing));
    }

    #[test]
    fn an_error_does_not_show_the_secret() {
        let error = read(&[("FRONT_DOOR_SECRET", "short-secret")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("short-secret"));
    }

    #[test]
    fn stronger_settings_are_accepted() {
        let config = read(&[("ARGON2_MEMORY_KIB", "47104"), ("ARGON2_ITERATIONS", "1")]).unwrap();
        assert_eq!(config.password_cost, Cost::new(47_104, 1).unwrap());
        assert_eq!(
            read(&[("PASSWORD_MIN_LENGTH", "15")])
                .unwrap()
                .password_min_length,
            15
        );
    }
}
