//! A DTO as plain data, and its JSON and JSV: members in the order of their declaration, without
//! those that are null.

use std::fmt::Write as _;

/// What `?jsconfig=` changes about JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonStyle {
    /// `eccn`: names of members in camel case.
    pub camel_case: bool,
    /// `inv`: members that are null stand there too.
    pub with_nulls: bool,
}

/// A value of a DTO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Data>),
    /// Members by name.
    Object(Vec<(&'static str, Data)>),
    /// Entries by key; keys keep their case whatever members do.
    Dictionary(Vec<(&'static str, Data)>),
}

impl Data {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// JSON, without white space.
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
                let camel_case_here = style.camel_case && matches!(self, Self::Object(_));
                let members = members
                    .iter()
                    .filter(|(_, value)| style.with_nulls || *value != Self::Null);
                out.push('{');
                separated(members, out, |(name, value), out| {
                    let name = if camel_case_here { &camel(name) } else { *name };
                    write_json_text(name, out);
                    out.push(':');
                    value.write_json(style, out);
                });
                out.push('}');
            }
        }
    }

    /// JSV: JSON without quotation marks where none are needed, booleans as .NET spells them.
    pub(super) fn jsv(&self) -> String {
        let mut out = String::new();
        self.write_jsv(&mut out);
        out
    }

    fn write_jsv(&self, out: &mut String) {
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
                separated(items, out, Self::write_jsv);
                out.push(']');
            }
            Self::Object(members) | Self::Dictionary(members) => {
                out.push('{');
                separated(present(members), out, |(name, value), out| {
                    out.push_str(name);
                    out.push(':');
                    value.write_jsv(out);
                });
                out.push('}');
            }
        }
    }

    /// The members that are not null, as people read them; what has parts is JSON.
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

    /// One row of CSV with its header; what has parts stands in one field, as JSV.
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
                value => value.jsv(),
            };
            write_quoted(&field, &[',', '"', '\r', '\n'], out);
        });
        out.push_str("\r\n");
        out
    }
}

fn present<'a>(
    members: &'a [(&'static str, Data)],
) -> impl Iterator<Item = &'a (&'static str, Data)> {
    members.iter().filter(|(_, value)| *value != Data::Null)
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

/// Escapes what JSON requires and no more: everything above ASCII stays as it is.
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

    fn sample() -> Data {
        Data::Object(vec![
            ("None", Data::Null),
            ("DisplayName", Data::text("Döe, \"J\"\u{1}\\\n")),
            ("Id", Data::Number(7)),
            ("Sent", Data::Bool(true)),
            (
                "Errors",
                Data::List(vec![Data::Dictionary(vec![("Key", Data::text("v"))])]),
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
            sample().jsv(),
            "{DisplayName:\"Döe, \"\"J\"\"\u{1}\\\n\",Id:7,Sent:True,Errors:[{Key:v}]}"
        );
        assert_eq!(
            sample().csv(),
            "None,DisplayName,Id,Sent,Errors\r\n,\"Döe, \"\"J\"\"\u{1}\\\n\",7,True,[{Key:v}]\r\n"
        );
    }

    #[test]
    fn an_empty_text_is_not_null_in_jsv() {
        let name = Data::Object(vec![("Name", Data::text("")), ("None", Data::Null)]);
        assert_eq!(name.jsv(), "{Name:\"\"}");
    }
}
