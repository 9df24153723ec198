//! Nodes, the pieces in which a document is read.

use std::borrow::Cow;
use std::fmt;

use crate::attributes::Attribute;
use crate::namespace::{Namespace, SCHEMA_INSTANCE};

/// A piece of a document.
#[derive(Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// A start tag. An empty-element tag is a start and an end.
    Start(Element<'a>),
    /// An end tag.
    End,
    /// Characters, the content of a CDATA section, or the character that a reference stands for.
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

    /// The value of the attribute `local` of `namespace`, normalised for type CDATA (XML 1.0 section
    /// 3.3.3).
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
