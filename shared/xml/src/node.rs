//! The nodes of a document, as the reader returns them.

use std::borrow::Cow;
use std::fmt;

use crate::attributes::Attribute;
use crate::namespace::{Namespace, SCHEMA_INSTANCE};

/// A node of a document.
#[derive(Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// A start tag. An empty-element tag is a start and an end.
    Start(Element<'a>),
    /// An end tag.
    End,
    /// Characters, the content of a CDATA section, or the character that a reference denotes.
    Text(Cow<'a, str>),
    /// A comment.
    Comment,
    /// A processing instruction.
    Instruction,
    /// The end of a well-formed document.
    Eof,
}

impl fmt::Debug for Node<'_> {
    /// Writes no text: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(element) => f.debug_tuple("Start").field(element).finish(),
            Self::End => f.write_str("End"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Comment => f.write_str("Comment"),
            Self::Instruction => f.write_str("Instruction"),
            Self::Eof => f.write_str("Eof"),
        }
    }
}

/// A start tag with its names resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct Element<'a> {
    pub(crate) namespace: Namespace<'a>,
    /// The name without its prefix.
    pub local: &'a str,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

impl fmt::Debug for Element<'_> {
    /// Writes only the name: values may be passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl Element<'_> {
    /// The namespace, empty for none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether this is the element `local` of `namespace`.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && *self.namespace == *namespace
    }

    /// The value of the attribute `local` of `namespace`, normalised for type CDATA (XML 1.0
    /// section 3.3.3).
    #[must_use]
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.local == local && *a.namespace == *namespace)
            .map(|a| a.value.as_ref())
    }

    /// The attributes as namespace, local name and value, without namespace declarations.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.attributes
            .iter()
            .map(|a| (&*a.namespace, a.local, a.value.as_ref()))
    }

    /// Whether `xsi:nil` is set: the element has no value (XML Schema part 1, section 2.6.2).
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(
            self.attribute(SCHEMA_INSTANCE, "nil").map(str::trim),
            Some("true" | "1")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reader;

    fn root(text: &str) -> Element<'_> {
        match Reader::new(text).next_tag() {
            Ok(Node::Start(element)) => element,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_element_is_identified_by_namespace_and_name() {
        let element = root("<p:a xmlns:p='u'/>");
        assert!(element.is("u", "a"));
        assert!(!element.is("u", "b"));
        assert!(!element.is("", "a"));
        assert_eq!((element.namespace(), element.local), ("u", "a"));
    }

    #[test]
    fn attributes_are_identified_by_namespace_and_name() {
        let element = root("<a xmlns='d' xmlns:p='u' p:b='1' b='2'/>");
        assert_eq!(element.attribute("u", "b"), Some("1"));
        assert_eq!(element.attribute("", "b"), Some("2"));
        assert_eq!(element.attribute("d", "b"), None);
        assert_eq!(element.attribute("u", "c"), None);
        let attributes: Vec<_> = element.attributes().collect();
        assert_eq!(attributes, [("u", "b", "1"), ("", "b", "2")]);
    }

    #[test]
    fn nil_is_an_xml_schema_boolean() {
        let with = |value: &str| format!("<a xmlns:i='{SCHEMA_INSTANCE}' i:nil='{value}'/>");
        for value in ["true", "1", " true ", "\t1\r\n"] {
            assert!(root(&with(value)).is_nil(), "{value:?}");
        }
        for value in ["false", "0", "", "TRUE", "yes", "11"] {
            assert!(!root(&with(value)).is_nil(), "{value:?}");
        }
        assert!(!root("<a nil='true'/>").is_nil());
        assert!(!root("<a/>").is_nil());
    }
}
