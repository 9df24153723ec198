//! Namespaces and their declarations (Namespaces in XML 1.0).

use std::borrow::Cow;
use std::ops::Deref;
use std::rc::Rc;

use crate::error::ErrorKind;

/// The maximum number of namespace declarations in scope at one place. Each name is looked up among
/// them.
pub const MAX_NAMESPACES: usize = 256;
/// The namespace of `xsi:nil` and `xsi:type`.
pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";
/// The bindings that need no declaration (sections 3 and 6.2).
const BUILT_IN: [(&str, &str); 2] = [("", ""), ("xml", XML_NAMESPACE)];

/// The name of a namespace.
///
/// A name that contains references is shared by all elements and attributes in the namespace, so
/// that a long name is not copied for each of many short elements.
#[derive(Clone, Eq)]
pub(crate) enum Namespace<'a> {
    Literal(&'a str),
    Normalised(Rc<str>),
}

impl PartialEq for Namespace<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Deref for Namespace<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Literal(name) => name,
            Self::Normalised(name) => name,
        }
    }
}

impl<'a> From<Cow<'a, str>> for Namespace<'a> {
    fn from(name: Cow<'a, str>) -> Self {
        match name {
            Cow::Borrowed(name) => Self::Literal(name),
            Cow::Owned(name) => Self::Normalised(name.into()),
        }
    }
}

/// The identity of a namespace among the bindings in scope. Comparing it takes the same time for
/// long names as for short ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamespaceId(usize);

impl NamespaceId {
    /// The identity of no namespace.
    pub(crate) const NONE: Self = Self(0);
}

/// A prefix (`""` for the default namespace) bound by the element at `depth`.
pub(crate) struct Binding<'a> {
    depth: usize,
    prefix: &'a str,
    pub(crate) namespace: Namespace<'a>,
    /// The index of the first binding in scope of the same namespace.
    pub(crate) id: NamespaceId,
}

/// The bindings in scope, the innermost last.
pub(crate) struct Bindings<'a>(Vec<Binding<'a>>);

impl<'a> Bindings<'a> {
    /// The bindings outside the root element.
    pub(crate) fn new() -> Self {
        // Enough for most envelopes.
        let mut bindings = Vec::with_capacity(8);
        for (index, (prefix, name)) in BUILT_IN.into_iter().enumerate() {
            bindings.push(Binding {
                depth: 0,
                prefix,
                namespace: Namespace::Literal(name),
                id: NamespaceId(index),
            });
        }
        Self(bindings)
    }

    /// Binds `prefix` inside the element at `depth`.
    pub(crate) fn bind(
        &mut self,
        depth: usize,
        prefix: &'a str,
        namespace: Namespace<'a>,
    ) -> Result<(), ErrorKind> {
        if is_reserved(prefix, &namespace) {
            return Err(ErrorKind::NamespaceDeclaration);
        }
        let of_this_element = |binding: &&Binding<'_>| binding.depth == depth;
        if self
            .0
            .iter()
            .rev()
            .take_while(of_this_element)
            .any(|binding| binding.prefix == prefix)
        {
            return Err(ErrorKind::DuplicateAttribute);
        }
        let index = self.0.len();
        if index == BUILT_IN.len() + MAX_NAMESPACES {
            return Err(ErrorKind::Limit);
        }
        let first = self
            .0
            .iter()
            .position(|binding| binding.namespace == namespace);
        self.0.push(Binding {
            depth,
            prefix,
            namespace,
            id: NamespaceId(first.unwrap_or(index)),
        });
        Ok(())
    }

    /// The innermost binding of `prefix`.
    pub(crate) fn resolve(&self, prefix: &str) -> Result<&Binding<'a>, ErrorKind> {
        self.0
            .iter()
            .rev()
            .find(|binding| binding.prefix == prefix)
            .ok_or_else(|| ErrorKind::UndeclaredPrefix(prefix.to_owned()))
    }

    /// Removes the bindings of the element at `depth`, which has ended.
    pub(crate) fn unbind(&mut self, depth: usize) {
        while self.0.pop_if(|binding| binding.depth == depth).is_some() {}
    }
}

/// Whether declarations are forbidden to bind `prefix` to `namespace` (sections 2.2, 3 and 5).
fn is_reserved(prefix: &str, namespace: &str) -> bool {
    namespace == XMLNS_NAMESPACE
        || (namespace == XML_NAMESPACE) != (prefix == "xml")
        || prefix == "xmlns"
        || (namespace.is_empty() && !prefix.is_empty())
}
