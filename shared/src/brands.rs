//! The brand of an email: a row of the Brands table, with the configuration's default brand for
//! missing attributes.
//!
//! A missing brand never fails a request. If the table cannot be read or a value cannot be used,
//! the failure is logged and the default brand's value is used.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::{Client, Config};

use crate::clock::Timestamp;
use crate::context::RequestContext;
use crate::dynamodb::{Item, text};
use crate::mail::brand::{self, Attribute, Brand};
use crate::users::{MAX_NAME_LENGTH, NO_BRAND, brand_key};

/// The time for which a row, or its absence, is cached, in seconds.
pub const CACHE_SECONDS: u64 = 300;

/// The Brands table. Its key is `brand`, in the form that [`row_key`] returns.
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
    /// Uses the table with this name, and `default` for brands without a row.
    #[must_use]
    pub fn new(client: Client, table: String, default: Brand) -> Self {
        Self {
            client,
            table,
            default: Arc::new(default),
            cache: Mutex::default(),
        }
    }

    /// Finds the brand with this name, in any spelling. The result is at most five minutes old.
    /// Returns the default brand if there is no name or no row, or if the table cannot be read.
    /// Makes at most one call, without retries, so that an email does not wait for its brand.
    pub async fn find(&self, name: Option<&str>, ctx: &RequestContext<'_>) -> Arc<Brand> {
        let RequestContext {
            request_id, now, ..
        } = *ctx;
        let Some(key) = row_key(name) else {
            return Arc::clone(&self.default);
        };
        if let Some(cached) = self.cache().get(&key).filter(|cached| now < cached.until) {
            return Arc::clone(&cached.brand);
        }
        let brand = match self.read(&key).await {
            Ok(Some(row)) => Arc::new(from_row(&row, &key, &self.default, request_id)),
            Ok(None) => Arc::clone(&self.default),
            Err(error) => {
                let error = error.code().unwrap_or("no answer");
                tracing::warn!(%request_id, error, event = "brand.failed", "default brand used");
                return Arc::clone(&self.default);
            }
        };
        self.remember(key, &brand, now);
        brand
    }

    async fn read(&self, key: &str) -> Result<Option<Item>, SdkError<GetItemError>> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let request = self.client.get_item().table_name(&self.table);
        let request = request.key("brand", text(key));
        let output = request.customize().config_override(once).send().await?;
        Ok(output.item)
    }

    /// Caches a brand, and drops expired entries: names come from callers, so their number has no
    /// limit.
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

/// The key of a brand's row. `None` if a brand with this name cannot have a row.
#[must_use]
pub fn row_key(brand: Option<&str>) -> Option<String> {
    Some(brand_key(brand)).filter(|key| key != NO_BRAND && key.len() <= MAX_NAME_LENGTH)
}

/// The value of an attribute of a row. An empty value counts as missing, as in the environment. The
/// error says which values are valid.
pub fn value<'r>(row: &'r Item, attribute: &Attribute) -> Result<Option<&'r str>, &'static str> {
    let Some(value) = row.get(attribute.name) else {
        return Ok(None);
    };
    attribute.parse(value.as_s().map_err(|_| "must be a string")?)
}

/// Makes the brand of a row. Attributes that are missing or invalid get the default brand's value.
#[must_use]
pub fn from_row(row: &Item, key: &str, default: &Brand, request_id: &str) -> Brand {
    let value = |attribute: Attribute| match value(row, &attribute) {
        Ok(text) => text,
        Err(reason) => {
            let (attribute, event) = (attribute.name, "brand.invalid");
            tracing::warn!(%request_id, brand = key, attribute, reason, event, "default value used");
            None
        }
    };
    let or = |attribute, default: &str| value(attribute).unwrap_or(default).to_owned();
    let or_none = |attribute, default: &Option<String>| {
        value(attribute).or(default.as_deref()).map(str::to_owned)
    };
    let closings = brand::CLOSINGS.into_iter();
    let closings = closings.filter_map(|closing| Some((closing.name, value(closing)?.to_owned())));
    Brand {
        product_name: or(brand::PRODUCT_NAME, &default.product_name),
        from: or(brand::FROM_ADDRESS, &default.from),
        support_contact: or(brand::SUPPORT_CONTACT, &default.support_contact),
        login_url: or(brand::LOGIN_URL, &default.login_url),
        configuration_set: or_none(brand::CONFIGURATION_SET, &default.configuration_set),
        reply_to: or_none(brand::REPLY_TO, &default.reply_to),
        language: or_none(brand::LANGUAGE, &default.language),
        closings: closings.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::aws::{AwsConfig, Clients, Credentials, SharedCredentialsProvider, Timeouts};

    fn default() -> Brand {
        Brand {
            product_name: "Pump Alarm".to_owned(),
            from: "no-reply@example.com".to_owned(),
            support_contact: "support@example.com".to_owned(),
            login_url: "https://example.com/".to_owned(),
            configuration_set: Some("default".to_owned()),
            reply_to: Some("support@example.com".to_owned()),
            language: Some("fr".to_owned()),
            closings: BTreeMap::new(),
        }
    }

    const VALUES: [(&str, &str); 7] = [
        ("product_name", "Acme"),
        ("from_address", "\"Acme, Inc.\" <acme@example.org>"),
        ("support_contact", "+1 555 0100"),
        ("login_url", "https://acme.example.org/"),
        ("configuration_set", "acme"),
        ("reply_to", "help@example.org"),
        ("language", "de"),
    ];

    /// A brand with `VALUES`, except for `changes`. `None` removes an attribute.
    fn brand(changes: &[(&str, Option<&str>)]) -> Brand {
        let mut row: Item = VALUES
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into();
        for (name, value) in changes {
            row.remove(*name);
            row.extend(value.map(|value| ((*name).to_owned(), AttributeValue::S(value.into()))));
        }
        from_row(&row, "acme", &default(), "r-1")
    }

    /// The values of a brand, in the order of [`VALUES`].
    fn values(brand: &Brand) -> [&str; 7] {
        [
            &brand.product_name,
            &brand.from,
            &brand.support_contact,
            &brand.login_url,
            brand.configuration_set.as_deref().unwrap_or_default(),
            brand.reply_to.as_deref().unwrap_or_default(),
            brand.language.as_deref().unwrap_or_default(),
        ]
    }

    /// Names come from callers, who must not be able to fill the memory.
    #[test]
    fn brands_that_are_too_old_leave_the_cache() {
        let config = AwsConfig {
            region: "eu-west-1".to_owned(),
            credentials: SharedCredentialsProvider::new(Credentials::new(
                "k", "s", None, None, "test",
            )),
            dynamodb_url: None,
            ses_url: None,
            timeouts: Timeouts::default(),
        };
        let client = Clients::new(config).unwrap().dynamodb;
        let brands = Brands::new(client, "Brands".to_owned(), default());
        let remember = |key: &str, now| {
            brands.remember(key.to_owned(), &brands.default, Timestamp(now));
            let mut keys: Vec<_> = brands.cache().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(remember("a", 0), ["a"]);
        assert_eq!(remember("b", CACHE_SECONDS - 1), ["a", "b"]);
        assert_eq!(remember("c", CACHE_SECONDS), ["b", "c"]);
    }

    #[test]
    fn a_row_sets_every_value_of_a_brand() {
        assert_eq!(values(&brand(&[])), VALUES.map(|(_, value)| value));
    }

    #[test]
    fn missing_and_invalid_attributes_get_the_default() {
        let unusable: [&[&str]; 7] = [
            &["Ac\nme", "Ac\u{85}me"],
            &["acme", "acme@", "Äcme <a@example.org>", "a@example.org, b"],
            &["+1\r\nBcc: x@example.com"],
            &["acme.example.org", "ftp://example.org/", "https://a b/"],
            &["a b", "ä"],
            &["help", "help@example.org, b@example.org"],
            &["sv"],
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
    fn an_invalid_closing_is_left_out() {
        let row = [
            ("closing_en", "Bye"),
            ("closing_de", "Bis\nbald"),
            ("closing_sv", "Hej"),
        ]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        let brand = from_row(&row.into(), "acme", &default(), "r-1");
        assert_eq!(brand.closings, [("closing_en", "Bye".to_owned())].into());
    }

    #[test]
    fn an_attribute_of_another_type_gets_the_default() {
        let row = Item::from([("login_url".to_owned(), AttributeValue::N("1".to_owned()))]);
        assert_eq!(from_row(&row, "acme", &default(), "r-1"), default());
    }
}
