//! JSON, and nothing that only resembles it.

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Unreadable, assign};
use crate::operation::Input;

/// Reads a request DTO. Bytes are UTF-8 whatever the content type says, with or without a byte
/// order mark.
pub(super) fn read(body: &[u8]) -> Result<Input, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let input = deserializer
        .deserialize_map(Members)
        .map_err(|_| Unreadable)?;
    deserializer.end().map_err(|_| Unreadable)?;
    Ok(input)
}

/// The members of an object: the last of several counts, unknown ones are skipped.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Input;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let mut input = Input::default();
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            assign(&mut input, &name, || text(value.get()))
                .map_err(|Unreadable| serde::de::Error::custom("a value does not fit"))?;
        }
        Ok(input)
    }
}

/// A string; a number or a boolean as it is written; or null.
fn text(raw: &str) -> Result<Option<String>, Unreadable> {
    match raw.chars().next() {
        Some('"') => serde_json::from_str(raw).map(Some).map_err(|_| Unreadable),
        Some('{' | '[') | None => Err(Unreadable),
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(raw.to_owned())),
    }
}
