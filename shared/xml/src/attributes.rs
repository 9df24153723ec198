//! Attributes (XML 1.0 sections 3.1 and 3.3.3, Namespaces in XML 1.0 section 6.3).

use std::borrow::Cow;

use crate::chars::{check_legal, is_plain_in_value, is_space, normalise_line_ends, split_once};
use crate::error::ErrorKind;
use crate::names::qualified_name;
use crate::namespace::{Bindings, Namespace, NamespaceId};
use crate::reference;

/// The maximum number of attributes of an element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 64;

/// An attribute other than a namespace declaration.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) namespace: Namespace<'a>,
    id: NamespaceId,
    pub(crate) local: &'a str,
    pub(crate) value: Cow<'a, str>,
}

/// Resolves the names of the attributes of one element and normalises their values.
pub(crate) fn resolve<'a>(
    raw: &[(&'a str, &'a str)],
    bindings: &Bindings<'a>,
) -> Result<Vec<Attribute<'a>>, ErrorKind> {
    let mut attributes: Vec<Attribute<'a>> = Vec::with_capacity(raw.len());
    for (name, value) in raw {
        let (prefix, local) = qualified_name(name)?;
        let (namespace, id) = if prefix.is_empty() {
            // An attribute without a prefix is in no namespace, whatever the default is.
            (Namespace::Literal(""), NamespaceId::NONE)
        } else {
            let binding = bindings.resolve(prefix)?;
            (binding.namespace.clone(), binding.id)
        };
        if attributes.iter().any(|a| a.id == id && a.local == local) {
            return Err(ErrorKind::DuplicateAttribute);
        }
        attributes.push(Attribute {
            namespace,
            id,
            local,
            value: normalise_value(value)?,
        });
    }
    Ok(attributes)
}

/// The attributes of a tag or a declaration as names and raw values, in the order of the text (XML
/// 1.0 productions 40 and 41).
pub(crate) struct RawAttributes<'a> {
    rest: &'a str,
    count: usize,
}

impl<'a> RawAttributes<'a> {
    /// Starts at `rest`, the part of the tag after its name.
    pub(crate) fn new(rest: &'a str) -> Self {
        Self { rest, count: 0 }
    }
}

impl<'a> Iterator for RawAttributes<'a> {
    type Item = Result<(&'a str, &'a str), ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        let trimmed = self.rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return None;
        }
        if trimmed.len() == self.rest.len() {
            return Some(Err(ErrorKind::Attribute));
        }
        if self.count == MAX_ATTRIBUTES {
            return Some(Err(ErrorKind::Limit));
        }
        self.count += 1;
        let Some((attribute, rest)) = raw_attribute(trimmed) else {
            return Some(Err(ErrorKind::Attribute));
        };
        self.rest = rest;
        Some(Ok(attribute))
    }
}

fn raw_attribute(text: &str) -> Option<((&str, &str), &str)> {
    let (name, after) = split_once(text, b'=')?;
    let after = after.trim_start_matches(is_space);
    let quote = *after
        .as_bytes()
        .first()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let (value, after) = split_once(after.get(1..)?, quote)?;
    Some(((name.trim_end_matches(is_space), value), after))
}

/// Normalises the value of an attribute of type CDATA (XML 1.0 section 3.3.3).
pub(crate) fn normalise_value(raw: &str) -> Result<Cow<'_, str>, ErrorKind> {
    if raw.bytes().all(is_plain_in_value) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(ErrorKind::Attribute);
    }
    check_legal(raw)?;
    if !raw.contains(['&', '\t', '\r', '\n']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (literal, reference) = rest.split_at(at);
        push_literal(literal, &mut value);
        let (name, after) = reference
            .get(1..)
            .and_then(|r| r.split_once(';'))
            .ok_or(ErrorKind::Reference)?;
        value.push(reference::resolve(name)?);
        rest = after;
    }
    push_literal(rest, &mut value);
    Ok(Cow::Owned(value))
}

fn push_literal(literal: &str, value: &mut String) {
    value.extend(
        normalise_line_ends(literal)
            .chars()
            .map(|c| if is_space(c) { ' ' } else { c }),
    );
}
