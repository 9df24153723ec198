//! In whose name mails go out: the Brands table and, for all it does not say, the default brand of
//! the configuration.
//!
//! Nothing fails for want of a brand. A table that cannot be read or a value that cannot be used is
//! logged, and the default brand's value takes its place.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::{Client, Config};

use crate::clock::Timestamp;
use crate::mail::brand::{
    Brand, Check, check_configuration_set, check_line, check_sender, check_url,
};
use crate::users::{MAX_NAME_LENGTH, NO_BRAND, brand_key};

/// How long a row is believed without looking again.
const CACHE_SECONDS: u64 = 300;

type Row = HashMap<String, AttributeValue>;

/// The Brands table: key `brand`, in the form of [`brand_key`].
pub struct Brands {
    client: Client,
    table: String,
    default: Arc<Brand>,
    cache: Mutex<HashMap<String, Cached>>,
}

struct Cached {
    brand: Arc<Brand>,
    until: Timestamp,
}

impl fmt::Debug for Brands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brands")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Brands {
    /// The table of this name, and the brand of whoever has none.
    #[must_use]
    pub fn new(client: Client, table: String, default: Brand) -> Self {
        Self {
            client,
            table,
            default: Arc::new(default),
            cache: Mutex::default(),
        }
    }

    /// The brand of this name, in any spelling: as its row says, or said within the last five
    /// minutes; the default brand when there is no name or no row, or when the table cannot be read.
    /// At most one call, which is not repeated: a mail does not wait for a brand.
    pub async fn find(&self, name: Option<&str>, request_id: &str, now: Timestamp) -> Arc<Brand> {
        let key = brand_key(name);
        if key == NO_BRAND || key.len() > MAX_NAME_LENGTH {
            return Arc::clone(&self.default);
        }
        if let Some(cached) = self.cache().get(&key).filter(|cached| now < cached.until) {
            return Arc::clone(&cached.brand);
        }
        let brand = match self.read(&key).await {
            Ok(Some(row)) => Arc::new(from_row(&row, &key, &self.default, request_id)),
            Ok(None) => Arc::clone(&self.default),
            Err(error) => {
                let error = error.code().unwrap_or("no answer");
                tracing::warn!(%request_id, error, event = "brand.failed", "default brand");
                return Arc::clone(&self.default);
            }
        };
        self.remember(key, &brand, now);
        brand
    }

    async fn read(&self, key: &str) -> Result<Option<Row>, SdkError<GetItemError>> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let request = self.client.get_item().table_name(&self.table);
        let request = request.key("brand", AttributeValue::S(key.to_owned()));
        let output = request.customize().config_override(once).send().await?;
        Ok(output.item)
    }

    /// Forgets what is too old as well: names come from outside too.
    fn remember(&self, key: String, brand: &Arc<Brand>, now: Timestamp) {
        let mut cache = self.cache();
        cache.retain(|_, cached| now < cached.until);
        let cached = Cached {
            brand: Arc::clone(brand),
            until: now.plus_seconds(CACHE_SECONDS),
        };
        cache.insert(key, cached);
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<String, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row, with the default's value for each attribute that it lacks or that cannot be used.
fn from_row(row: &Row, key: &str, default: &Brand, request_id: &str) -> Brand {
    let value = |attribute: &str, check: Check| match text(row.get(attribute)?, check) {
        Ok(text) => text,
        Err(reason) => {
            let event = "brand.invalid";
            tracing::warn!(%request_id, brand = key, attribute, reason, event, "default value");
            None
        }
    };
    let or = |value: Option<String>, default: &String| value.unwrap_or_else(|| default.clone());
    Brand {
        product_name: or(value("product_name", check_line), &default.product_name),
        from: or(value("from_address", check_sender), &default.from),
        support_contact: or(
            value("support_contact", check_line),
            &default.support_contact,
        ),
        login_url: or(value("login_url", check_url), &default.login_url),
        configuration_set: value("configuration_set", check_configuration_set)
            .or_else(|| default.configuration_set.clone()),
    }
}

/// The trimmed text of an attribute, if it has one: an empty value counts as none, as in the
/// environment.
fn text(value: &AttributeValue, check: Check) -> Result<Option<String>, &'static str> {
    let text = value.as_s().map_err(|_| "must be a string")?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    check(text).map(|()| Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> Brand {
        Brand {
            product_name: "Pump Alarm".to_owned(),
            from: "no-reply@example.com".to_owned(),
            support_contact: "support@example.com".to_owned(),
            login_url: "https://example.com/".to_owned(),
            configuration_set: Some("default".to_owned()),
        }
    }

    const VALUES: [(&str, &str); 5] = [
        ("product_name", "Acme"),
        ("from_address", "\"Acme, Inc.\" <acme@example.org>"),
        ("support_contact", "+1 555 0100"),
        ("login_url", "https://acme.example.org/"),
        ("configuration_set", "acme"),
    ];

    /// All values but those in `changes`; an attribute of no value is missing.
    fn brand(changes: &[(&str, Option<&str>)]) -> Brand {
        let mut row: Row = VALUES
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into();
        for (name, value) in changes {
            row.remove(*name);
            row.extend(value.map(|value| ((*name).to_owned(), AttributeValue::S(value.into()))));
        }
        from_row(&row, "acme", &default(), "r-1")
    }

    /// The values of a brand, in the order of [`VALUES`].
    fn values(brand: &Brand) -> [&str; 5] {
        [
            &brand.product_name,
            &brand.from,
            &brand.support_contact,
            &brand.login_url,
            brand.configuration_set.as_deref().unwrap_or_default(),
        ]
    }

    #[test]
    fn a_row_says_all_there_is_to_a_brand() {
        assert_eq!(values(&brand(&[])), VALUES.map(|(_, value)| value));
    }

    #[test]
    fn attributes_that_are_missing_or_wrong_are_the_defaults_one_by_one() {
        let unusable: [&[&str]; 5] = [
            &["Ac\nme", "Ac\u{85}me"],
            &["acme", "acme@", "Äcme <a@example.org>", "a@example.org, b"],
            &["+1\r\nBcc: x@example.com"],
            &["acme.example.org", "ftp://example.org/", "https://a b/"],
            &["a b", "ä"],
        ];
        let default = default();
        for (index, ((name, _), unusable)) in VALUES.iter().zip(unusable).enumerate() {
            let mut expected = VALUES.map(|(_, value)| value);
            expected[index] = values(&default)[index];
            for value in unusable.iter().chain(&["", " "]) {
                let brand = brand(&[(name, Some(value))]);
                assert_eq!(values(&brand), expected, "{name}: {value:?}");
            }
            assert_eq!(values(&brand(&[(name, None)])), expected, "{name}");
        }
    }

    #[test]
    fn an_attribute_of_another_type_is_the_default_too() {
        let row = Row::from([("login_url".to_owned(), AttributeValue::N("1".to_owned()))]);
        assert_eq!(from_row(&row, "acme", &default(), "r-1"), default());
    }
}
