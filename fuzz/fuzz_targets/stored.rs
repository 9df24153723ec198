//! Fuzzes values that operators and imports store: normalising a key twice changes nothing, an
//! address has one key in both spellings of its domain, and a hash is read or refused.

#![no_main]

use password::{Secret, Stored};
use shared::mail::{normalise_address, recipient};
use shared::users::{UsernameKey, brand_key, email_key};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let key = UsernameKey::new(text);
    assert_eq!(UsernameKey::new(key.as_str()).as_str(), key.as_str());
    let brand = brand_key(Some(text));
    assert_eq!(brand_key(Some(&brand)), brand);
    let email = email_key(text);
    assert_eq!(email_key(&email), email);
    if let Ok(address) = normalise_address(text) {
        assert!(address.is_ascii());
        assert_eq!(normalise_address(&address).as_ref(), Ok(&address));
        assert_eq!(recipient(&address).as_deref(), Some(&*address));
        assert_eq!(email_key(&address), email_key(text));
    }
    if let Ok(stored) = Stored::parse(&Secret::from(text.to_owned())) {
        assert!(!stored.algorithm().is_empty());
    }
});
