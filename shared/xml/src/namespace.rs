//! Namespaces and their declarations (Namespaces in XML 1.0).

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use crate::error::ErrorKind;
use crate::names::check_name;

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
    /// The index of the first binding of the same namespace that is in scope.
    pub(crate) id: NamespaceId,
    /// The index of the binding of the same prefix that this one hides.
    hidden: Option<usize>,
}

/// The bindings in scope.
pub(crate) struct Bindings<'a> {
    /// All bindings, the innermost last.
    all: Vec<Binding<'a>>,
    /// The index of the innermost binding of each prefix. With many declarations, searching all
    /// bindings would make a name cost ten times as much.
    by_prefix: BTreeMap<&'a str, usize>,
    /// The index of the last binding that was found or added, which is the innermost of its prefix,
    /// or out of range. Most elements have the prefix of the one before.
    recent: Cell<usize>,
}

impl<'a> Bindings<'a> {
    /// The bindings outside the root element.
    pub(crate) fn new() -> Self {
        let mut bindings = Self {
            // Enough for most envelopes.
            all: Vec::with_capacity(8),
            by_prefix: BTreeMap::new(),
            recent: Cell::new(0),
        };
        for (prefix, name) in BUILT_IN {
            bindings.push(0, prefix, Namespace::Literal(name));
        }
        bindings
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
        if self.innermost(prefix).is_some_and(|b| b.depth == depth) {
            return Err(ErrorKind::DuplicateAttribute);
        }
        if self.all.len() == BUILT_IN.len() + MAX_NAMESPACES {
            return Err(ErrorKind::Limit);
        }
        self.push(depth, prefix, namespace);
        Ok(())
    }

    fn push(&mut self, depth: usize, prefix: &'a str, namespace: Namespace<'a>) {
        let index = self.all.len();
        let first = self.all.iter().position(|b| b.namespace == namespace);
        self.all.push(Binding {
            depth,
            prefix,
            namespace,
            id: NamespaceId(first.unwrap_or(index)),
            hidden: self.by_prefix.insert(prefix, index),
        });
        self.recent.set(index);
    }

    fn innermost(&self, prefix: &str) -> Option<&Binding<'a>> {
        let recent = self.all.get(self.recent.get());
        recent.filter(|b| b.prefix == prefix).or_else(|| {
            let index = *self.by_prefix.get(prefix)?;
            self.recent.set(index);
            self.all.get(index)
        })
    }

    /// The innermost binding of `prefix`. Without one, `prefix` need not even be a legal name.
    pub(crate) fn resolve(&self, prefix: &str) -> Result<&Binding<'a>, ErrorKind> {
        if let Some(binding) = self.innermost(prefix) {
            return Ok(binding);
        }
        check_name(prefix)?;
        Err(ErrorKind::UndeclaredPrefix(prefix.to_owned()))
    }

    /// Removes the bindings of the element at `depth`, which has ended.
    pub(crate) fn unbind(&mut self, depth: usize) {
        while let Some(ended) = self.all.pop_if(|binding| binding.depth == depth) {
            match ended.hidden {
                Some(index) => self.by_prefix.insert(ended.prefix, index),
                None => self.by_prefix.remove(ended.prefix),
            };
        }
    }
}

/// Whether declarations are forbidden to bind `prefix` to `namespace` (sections 2.2, 3 and 5).
fn is_reserved(prefix: &str, namespace: &str) -> bool {
    namespace == XMLNS_NAMESPACE
        || (namespace == XML_NAMESPACE) != (prefix == "xml")
        || prefix == "xmlns"
        || (namespace.is_empty() && !prefix.is_empty())
}
