//! Namespaces and their declarations (Namespaces in XML 1.0).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use crate::error::ErrorKind;
use crate::names::{check_name, qualified_name};

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
    /// The element name that was resolved last, unless a binding has been added or removed since.
    recent: Option<ElementName<'a>>,
}

/// The qualified name of an element, with its parts and its namespace.
struct ElementName<'a> {
    qualified: &'a str,
    prefix: &'a str,
    local: &'a str,
    namespace: Namespace<'a>,
}

impl<'a> Bindings<'a> {
    /// The bindings outside the root element.
    pub(crate) fn new() -> Self {
        let mut bindings = Self {
            // Enough for most envelopes.
            all: Vec::with_capacity(8),
            by_prefix: BTreeMap::new(),
            recent: None,
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
        self.recent = None;
    }

    fn innermost(&self, prefix: &str) -> Option<&Binding<'a>> {
        self.all.get(*self.by_prefix.get(prefix)?)
    }

    /// The namespace and the local part of the name of an element.
    ///
    /// Most elements of a long message have the same name as the one before, or at least the same
    /// prefix. `recent` saves checking and looking it up again.
    pub(crate) fn resolve_element(
        &mut self,
        qualified: &'a str,
    ) -> Result<(Namespace<'a>, &'a str), ErrorKind> {
        if let Some(recent) = &self.recent
            && recent.qualified == qualified
        {
            return Ok((recent.namespace.clone(), recent.local));
        }
        let (prefix, local) = qualified_name(qualified)?;
        let namespace = match &self.recent {
            Some(recent) if recent.prefix == prefix => recent.namespace.clone(),
            _ => self.resolve(prefix)?.namespace.clone(),
        };
        self.recent = Some(ElementName {
            qualified,
            prefix,
            local,
            namespace: namespace.clone(),
        });
        Ok((namespace, local))
    }

    /// The innermost binding of `prefix`. If there is none, the error says whether `prefix` is
    /// illegal or only undeclared.
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
            self.recent = None;
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
