//! Strict decoding of JSON bodies (RFC 8259).

use std::marker::PhantomData;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::body::{self, Unreadable, boolean};
use super::members::{Member, RequestDto};

/// Reads a request DTO.
pub(super) fn read<D: RequestDto>(body: &[u8]) -> Result<D, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(body::text(body)?);
    let dto = deserializer
        .deserialize_map(Members(PhantomData))
        .map_err(|_| Unreadable)?;
    deserializer.end().map_err(|_| Unreadable)?;
    Ok(dto)
}

/// A visitor of an object. The last of several members with the same name counts. Unknown members
/// are skipped.
struct Members<D>(PhantomData<D>);

impl<'de, D: RequestDto> Visitor<'de> for Members<D> {
    type Value = D;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<D, A::Error> {
        let mut dto = D::default();
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            if let Some(member) = D::member(&name) {
                set(member, &mut dto, value)
                    .map_err(|Unreadable| serde::de::Error::custom("a value does not fit"))?;
            }
        }
        Ok(dto)
    }
}

fn set<D>(member: &Member<D>, dto: &mut D, value: &RawValue) -> Result<(), Unreadable> {
    Ok(member.set(dto, text(value.get())?, boolean)?)
}

/// The text of a string, a number or a boolean. `None` for null.
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
    use crate::operation::Input;

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
            let input = read::<Input>(format!("{{\"Email\":{value}}}").as_bytes());
            let email = input.map(|input| input.email);
            assert_eq!(
                email,
                expected.map(|text| text.map(str::to_owned)),
                "{value}"
            );
        }
    }
}
