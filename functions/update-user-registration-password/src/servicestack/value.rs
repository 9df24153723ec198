//! The values of DTOs, and encoding them in JSON, JSV and CSV, with members in the order of their
//! declaration. Null members are left out, except in CSV and, if the caller asks for them, in JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The options of JSON and JSV, from `?jsconfig=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonStyle {
    /// `eccn`: names of members are in camel case.
    pub camel_case: bool,
    /// `inv`: null members are written as `null`, in JSON.
    pub with_nulls: bool,
}

/// A value of a DTO or of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object: members by name.
    Object(Vec<(&'static str, Value)>),
    /// A dictionary: entries by key. Keys keep their case under [`JsonStyle::camel_case`].
    Dictionary(Vec<(&'static str, Value)>),
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Writes JSON without white space.
    pub(super) fn json(&self, style: JsonStyle) -> String {
        let mut out = String::new();
        self.write_json(style, &mut out);
        out
    }

    fn write_json(&self, style: JsonStyle, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => push_number(*value, out),
            Self::Text(text) => write_json_text(text, out),
            Self::List(items) => {
                out.push('[');
                separated(items, out, |item, out| item.write_json(style, out));
                out.push(']');
            }
            Self::Object(members) | Self::Dictionary(members) => {
                let members = members
                    .iter()
                    .filter(|(_, value)| style.with_nulls || *value != Self::Null);
                out.push('{');
                separated(members, out, |(name, value), out| {
                    write_json_text(&self.member_name(name, style), out);
                    out.push(':');
                    value.write_json(style, out);
                });
                out.push('}');
            }
        }
    }

    /// Writes JSV: JSON that quotes a string only if needed, and spells booleans as .NET does.
    pub(super) fn jsv(&self, style: JsonStyle) -> String {
        let mut out = String::new();
        self.write_jsv(style, &mut out);
        out
    }

    fn write_jsv(&self, style: JsonStyle, out: &mut String) {
        match self {
            Self::Null => {}
            Self::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
            Self::Number(value) => push_number(*value, out),
            Self::Text(text) if text.is_empty() => out.push_str("\"\""),
            Self::Text(text) => {
                write_quoted(text, &[',', '{', '}', '[', ']', '"', '\r', '\n'], out);
            }
            Self::List(items) => {
                out.push('[');
                separated(items, out, |item, out| item.write_jsv(style, out));
                out.push(']');
            }
            Self::Object(members) | Self::Dictionary(members) => {
                out.push('{');
                separated(present(members), out, |(name, value), out| {
                    out.push_str(&self.member_name(name, style));
                    out.push(':');
                    value.write_jsv(style, out);
                });
                out.push('}');
            }
        }
    }

    /// The name of a member of this value. The keys of a dictionary are not member names.
    fn member_name(&self, name: &'static str, style: JsonStyle) -> Cow<'static, str> {
        match self {
            Self::Object(_) if style.camel_case => Cow::Owned(camel(name)),
            _ => Cow::Borrowed(name),
        }
    }

    /// The members that are not null, for an HTML page: strings unchanged, everything else as JSON.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let Self::Object(members) = self else {
            return Vec::new();
        };
        let value = |value: &Self| match value {
            Self::Text(text) => text.clone(),
            value => value.json(JsonStyle::default()),
        };
        present(members)
            .map(|(name, member)| (*name, value(member)))
            .collect()
    }

    /// Writes a header and one row of CSV (RFC 4180). A list or an object is one field, in JSV.
    pub(super) fn csv(&self) -> String {
        let Self::Object(members) = self else {
            return String::new();
        };
        let mut out = String::new();
        separated(members, &mut out, |(name, _), out| out.push_str(name));
        out.push_str("\r\n");
        separated(members, &mut out, |(_, value), out| {
            let field = match value {
                Self::Text(text) => text.clone(),
                value => value.jsv(JsonStyle::default()),
            };
            write_quoted(&field, &[',', '"', '\r', '\n'], out);
        });
        out.push_str("\r\n");
        out
    }
}

fn present<'a>(
    members: &'a [(&'static str, Value)],
) -> impl Iterator<Item = &'a (&'static str, Value)> {
    members.iter().filter(|(_, value)| *value != Value::Null)
}

fn separated<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(item, out);
    }
}

fn camel(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

fn push_number(value: u64, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// Escapes only what JSON requires. Characters beyond ASCII are not escaped.
fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_quoted(text: &str, special: &[char], out: &mut String) {
    if text.contains(special) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::Object(vec![
            ("None", Value::Null),
            ("DisplayName", Value::text("Döe, \"J\"\u{1}\\\n")),
            ("Id", Value::Number(7)),
            ("Sent", Value::Bool(true)),
            (
                "Errors",
                Value::List(vec![Value::Dictionary(vec![("Key", Value::text("v"))])]),
            ),
        ])
    }

    #[test]
    fn json() {
        assert_eq!(
            sample().json(JsonStyle::default()),
            r#"{"DisplayName":"Döe, \"J\"\u0001\\\n","Id":7,"Sent":true,"Errors":[{"Key":"v"}]}"#
        );
        let camel_case = JsonStyle {
            camel_case: true,
            with_nulls: false,
        };
        assert_eq!(
            sample().json(camel_case),
            r#"{"displayName":"Döe, \"J\"\u0001\\\n","id":7,"sent":true,"errors":[{"Key":"v"}]}"#
        );
        let with_nulls = JsonStyle {
            camel_case: true,
            with_nulls: true,
        };
        assert!(
            sample()
                .json(with_nulls)
                .starts_with(r#"{"none":null,"displayName":"#)
        );
    }

    #[test]
    fn jsv_and_csv() {
        assert_eq!(
            sample().jsv(JsonStyle::default()),
            "{DisplayName:\"Döe, \"\"J\"\"\u{1}\\\n\",Id:7,Sent:True,Errors:[{Key:v}]}"
        );
        assert_eq!(
            sample().csv(),
            "None,DisplayName,Id,Sent,Errors\r\n,\"Döe, \"\"J\"\"\u{1}\\\n\",7,True,[{Key:v}]\r\n"
        );
    }

    #[test]
    fn an_empty_text_is_not_null_in_jsv() {
        let name = Value::Object(vec![("Name", Value::text("")), ("None", Value::Null)]);
        assert_eq!(name.jsv(JsonStyle::default()), "{Name:\"\"}");
    }

    #[test]
    fn rows_are_the_members_that_are_not_null() {
        let value = Value::Object(vec![
            ("Id", Value::Number(42)),
            ("Name", Value::Text("a \"b\"".to_owned())),
            ("Sent", Value::Bool(true)),
            ("Other", Value::Null),
        ]);
        let expected = [("Id", "42"), ("Name", "a \"b\""), ("Sent", "true")];
        let expected = expected.map(|(name, text)| (name, text.to_owned()));
        assert_eq!(value.rows(), expected);
        assert_eq!(Value::Number(42).rows(), []);
    }
}
