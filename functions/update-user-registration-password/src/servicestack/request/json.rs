//! JSON bodies, read strictly (RFC 8259).

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::body::{self, Unreadable, boolean};
use super::members::Member;
use crate::operation::Input;

/// Reads a request DTO.
pub(super) fn read(body: &[u8]) -> Result<Input, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(body::text(body)?);
    let input = deserializer
        .deserialize_map(Members)
        .map_err(|_| Unreadable)?;
    deserializer.end().map_err(|_| Unreadable)?;
    Ok(input)
}

/// Visitor of an object. The last of several members of one name counts; unknown ones are skipped.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Input;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let mut input = Input::default();
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            if let Some(member) = Member::named(&name) {
                set(member, &mut input, value)
                    .map_err(|Unreadable| serde::de::Error::custom("a value does not fit"))?;
            }
        }
        Ok(input)
    }
}

fn set(member: Member, input: &mut Input, value: &RawValue) -> Result<(), Unreadable> {
    Ok(member.set(input, text(value.get())?, boolean)?)
}

/// Text of a string, a number or a boolean; `None` for null.
fn text(raw: &str) -> Result<Option<String>, Unreadable> {
    match raw.chars().next() {
        Some('"') => serde_json::from_str(raw).map(Some).map_err(|_| Unreadable),
        Some('{' | '[') | None => Err(Unreadable),
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(raw.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_are_texts_and_objects_and_lists_are_not() {
        for (value, expected) in [
            ("\"a\"", Ok(Some("a"))),
            ("\"\"", Ok(Some(""))),
            ("1.50", Ok(Some("1.50"))),
            ("true", Ok(Some("true"))),
            ("null", Ok(None)),
            ("{}", Err(Unreadable)),
            ("[\"a\"]", Err(Unreadable)),
        ] {
            let input = read(format!("{{\"Email\":{value}}}").as_bytes());
            let email = input.map(|input| input.email);
            assert_eq!(
                email,
                expected.map(|text| text.map(str::to_owned)),
                "{value}"
            );
        }
    }
}
