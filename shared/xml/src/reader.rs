//! The strict, namespace-aware pull reader.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use quick_xml::events::Event;

use super::SCHEMA_INSTANCE;

/// Elements may nest this deep.
pub const MAX_DEPTH: usize = 64;
/// An element may have this many attributes, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 64;
/// So many namespace declarations may be in force at one place: each name is looked up among them.
pub const MAX_NAMESPACES: usize = 256;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";
/// What is bound before the root (Namespaces in XML 1.0, sections 3 and 6.2).
const BUILT_IN: [(&str, &str); 2] = [("", ""), ("xml", XML_NAMESPACE)];
/// The place of the first of them.
const NO_NAMESPACE: usize = 0;

/// What a document does wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    /// The rule that is broken.
    pub kind: ErrorKind,
    /// Bytes before the place it was noticed.
    pub offset: usize,
}

impl Error {
    /// Line and column of the error, both counted from 1, the column in characters.
    #[must_use]
    pub fn line_and_column(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }
}

/// The rule of XML 1.0 or Namespaces in XML 1.0 that a document breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// Nothing but white space, comments and instructions.
    #[error("root element is missing")]
    NoRoot,
    /// Text, a second element or a reference outside the root.
    #[error("content outside the root element")]
    OutsideRoot,
    /// The document ends inside an element.
    #[error("unexpected end of the document")]
    Unclosed,
    /// A DOCTYPE, internal or external (never processed: XXE, entity expansion).
    #[error("DTD is prohibited")]
    Doctype,
    /// A declaration that is not the first thing, or not well-formed, or not of version 1.0.
    #[error("malformed or misplaced XML declaration")]
    Declaration,
    /// A prefix nobody declared.
    #[error("undeclared prefix {0:?}")]
    UndeclaredPrefix(String),
    /// A declaration of a reserved prefix or namespace, or of an empty one.
    #[error("illegal namespace declaration")]
    NamespaceDeclaration,
    /// Not a name where one must be.
    #[error("illegal name")]
    Name,
    /// A character XML does not allow, literally or by reference.
    #[error("illegal character")]
    Character,
    /// `&` that starts no known reference.
    #[error("unknown or malformed reference")]
    Reference,
    /// An attribute without a value, quotes, or space before it, or with `<` in it.
    #[error("malformed attribute")]
    Attribute,
    /// The same attribute twice.
    #[error("duplicate attribute")]
    DuplicateAttribute,
    /// Any other markup that is not XML's.
    #[error("malformed markup")]
    Markup,
    /// Deeper than [`MAX_DEPTH`], or more than [`MAX_ATTRIBUTES`] or [`MAX_NAMESPACES`].
    #[error("the document exceeds a limit of this reader")]
    Limit,
    /// A comment, an instruction or an element where only text may be.
    #[error("only text is allowed here")]
    NotText,
}

/// The next piece of a document.
#[derive(Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// A start tag. An empty-element tag gives a start and an end.
    Start(Element<'a>),
    /// An end tag.
    End,
    /// A piece of text: characters, a CDATA section or a resolved reference.
    Text(Cow<'a, str>),
    /// A comment or a processing instruction.
    Misc,
    /// The end of a well-formed document.
    Eof,
}

impl fmt::Debug for Node<'_> {
    /// No text: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(element) => f.debug_tuple("Start").field(element).finish(),
            Self::End => f.write_str("End"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Misc => f.write_str("Misc"),
            Self::Eof => f.write_str("Eof"),
        }
    }
}

/// A start tag with its names resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct Element<'a> {
    namespace: Namespace<'a>,
    /// The name without its prefix.
    pub local: &'a str,
    attributes: Vec<Attribute<'a>>,
}

impl fmt::Debug for Element<'_> {
    /// Only the name: values may be passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Attribute<'a> {
    namespace: Namespace<'a>,
    /// [`Binding::first`] of its prefix.
    first_binding: usize,
    local: &'a str,
    value: Cow<'a, str>,
}

/// The name of a namespace. One with references in it is shared by all that are in the namespace, so
/// that a long one is not copied for each of many short elements.
#[derive(Clone, Eq)]
enum Namespace<'a> {
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

    /// The value of an attribute, normalised as XML 1.0 section 3.3.3 says for CDATA attributes.
    #[must_use]
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.local == local && *a.namespace == *namespace)
            .map(|a| a.value.as_ref())
    }

    /// The namespace, the name and the value of each attribute that is no namespace declaration.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.attributes
            .iter()
            .map(|a| (&*a.namespace, a.local, a.value.as_ref()))
    }

    /// Whether `xsi:nil` says that there is no value (XML Schema part 1, section 2.6.2).
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(
            self.attribute(SCHEMA_INSTANCE, "nil").map(str::trim),
            Some("true" | "1")
        )
    }
}

/// A prefix (`""` for the default namespace) bound by the element at `depth`.
struct Binding<'a> {
    depth: usize,
    prefix: &'a str,
    namespace: Namespace<'a>,
    /// The place of the first binding in force of the same namespace: comparing it costs the same
    /// for long names as for short ones.
    first: usize,
}

/// Reads a document node by node; an error ends it.
pub struct Reader<'a> {
    text: &'a str,
    inner: quick_xml::Reader<&'a [u8]>,
    bindings: Vec<Binding<'a>>,
    depth: usize,
    seen_root: bool,
    /// The last node was the start of an empty-element tag.
    end_is_due: bool,
}

impl fmt::Debug for Reader<'_> {
    /// Only the position: the text may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("offset", &self.offset())
            .finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`, which has no byte order mark (see [`super::decode()`]).
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let mut inner = quick_xml::Reader::from_str(text);
        let config = inner.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        // As many as an envelope needs.
        let mut bindings = Vec::with_capacity(8);
        bindings.extend(
            BUILT_IN
                .into_iter()
                .enumerate()
                .map(|(first, (prefix, name))| Binding {
                    depth: 0,
                    prefix,
                    namespace: Namespace::Literal(name),
                    first,
                }),
        );
        Self {
            text,
            inner,
            bindings,
            depth: 0,
            seen_root: false,
            end_is_due: false,
        }
    }

    /// The next node.
    pub fn next_node(&mut self) -> Result<Node<'a>, Error> {
        if self.end_is_due {
            self.end_is_due = false;
            self.close();
            return Ok(Node::End);
        }
        let start = self.offset();
        self.read(start).map_err(|kind| Error {
            offset: self.error_offset(&kind, start),
            kind,
        })
    }

    /// The next node that is not text, a comment or an instruction.
    pub fn next_tag(&mut self) -> Result<Node<'a>, Error> {
        loop {
            match self.next_node()? {
                Node::Text(_) | Node::Misc => {}
                node => return Ok(node),
            }
        }
    }

    /// Skips the rest of the element whose start was just read.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut open = 1_usize;
        while open > 0 {
            match self.next_node()? {
                Node::Start(_) => open += 1,
                Node::End => open -= 1,
                Node::Text(_) | Node::Misc => {}
                // Not before the end tag: the end of the document inside an element is an error.
                Node::Eof => break,
            }
        }
        Ok(())
    }

    /// The text of the element whose start was just read, up to and including its end.
    ///
    /// A child element, a comment or an instruction is [`ErrorKind::NotText`], as for the .NET
    /// Framework's `XmlReader.ReadElementString`.
    pub fn text(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            let offset = self.offset();
            match self.next_node()? {
                Node::Text(piece) => text.push_str(&piece),
                Node::End => return Ok(text),
                Node::Start(_) | Node::Misc | Node::Eof => {
                    return Err(Error {
                        kind: ErrorKind::NotText,
                        offset,
                    });
                }
            }
        }
    }

    fn offset(&self) -> usize {
        usize::try_from(self.inner.buffer_position()).unwrap_or(usize::MAX)
    }

    fn error_offset(&self, kind: &ErrorKind, start: usize) -> usize {
        match kind {
            ErrorKind::NoRoot | ErrorKind::Unclosed => self.text.len(),
            ErrorKind::OutsideRoot => {
                let rest = self.text.get(start..).unwrap_or_default();
                start + rest.len() - rest.trim_start_matches(is_space).len()
            }
            _ => start,
        }
    }

    fn read(&mut self, start: usize) -> Result<Node<'a>, ErrorKind> {
        let event = self
            .inner
            .read_event()
            .map_err(|error| self.markup_error(&error))?;
        let raw = self.text.get(start..self.offset()).unwrap_or_default();
        match event {
            Event::Start(tag) => self.open(inside(raw, "<", ">")?, tag.name().0.len(), false),
            Event::Empty(tag) => self.open(inside(raw, "<", "/>")?, tag.name().0.len(), true),
            Event::End(_) => {
                self.close();
                Ok(Node::End)
            }
            Event::Text(_) => self.characters(raw),
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                Err(ErrorKind::OutsideRoot)
            }
            Event::CData(_) => Ok(Node::Text(line_ends(legal(inside(
                raw,
                "<![CDATA[",
                "]]>",
            )?)?))),
            Event::GeneralRef(_) => {
                let mut text = String::new();
                push_reference(inside(raw, "&", ";")?, &mut text)?;
                Ok(Node::Text(text.into()))
            }
            Event::Comment(_) => {
                legal(inside(raw, "<!--", "-->")?)?;
                Ok(Node::Misc)
            }
            Event::PI(_) => instruction(inside(raw, "<?", "?>")?),
            Event::Decl(_) if start == 0 => declaration(inside(raw, "<?xml", "?>")?),
            Event::Decl(_) => Err(ErrorKind::Declaration),
            Event::DocType(_) => Err(ErrorKind::Doctype),
            Event::Eof if !self.seen_root => Err(ErrorKind::NoRoot),
            Event::Eof if self.depth > 0 => Err(ErrorKind::Unclosed),
            Event::Eof => Ok(Node::Eof),
        }
    }

    /// What quick-xml found wrong, in this reader's words.
    fn markup_error(&self, error: &quick_xml::Error) -> ErrorKind {
        use quick_xml::errors::{IllFormedError, SyntaxError};
        match error {
            quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype)
            | quick_xml::Error::IllFormed(IllFormedError::MissingDoctypeName) => ErrorKind::Doctype,
            quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => ErrorKind::Markup,
            quick_xml::Error::Syntax(_) if self.depth > 0 => ErrorKind::Unclosed,
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => ErrorKind::Reference,
            quick_xml::Error::IllFormed(
                IllFormedError::MissingDeclVersion(_) | IllFormedError::UnknownVersion,
            ) => ErrorKind::Declaration,
            _ => ErrorKind::Markup,
        }
    }

    fn characters(&self, raw: &'a str) -> Result<Node<'a>, ErrorKind> {
        if self.depth == 0 {
            return if raw.chars().all(is_space) {
                Ok(Node::Text(Cow::Borrowed(raw)))
            } else {
                Err(ErrorKind::OutsideRoot)
            };
        }
        if raw.bytes().all(is_plain_in_text) {
            return Ok(Node::Text(Cow::Borrowed(raw)));
        }
        if raw.contains("]]>") {
            return Err(ErrorKind::Markup);
        }
        Ok(Node::Text(line_ends(legal(raw)?)))
    }

    fn open(
        &mut self,
        tag: &'a str,
        name_length: usize,
        is_empty: bool,
    ) -> Result<Node<'a>, ErrorKind> {
        if self.depth == 0 && self.seen_root {
            return Err(ErrorKind::OutsideRoot);
        }
        if self.depth == MAX_DEPTH {
            return Err(ErrorKind::Limit);
        }
        self.seen_root = true;
        self.depth += 1;
        self.end_is_due = is_empty;

        let (name, rest) = tag.split_at_checked(name_length).ok_or(ErrorKind::Markup)?;
        let mut attributes = Vec::new();
        for attribute in RawAttributes::of(rest) {
            let (name, value) = attribute?;
            match name.split_once(':') {
                None if name == "xmlns" => self.bind("", value)?,
                Some(("xmlns", prefix)) => {
                    check_name(prefix)?;
                    self.bind(prefix, value)?;
                }
                _ => attributes.push((name, value)),
            }
        }
        let (prefix, local) = qualified_name(name)?;
        Ok(Node::Start(Element {
            namespace: self.resolve(prefix)?.namespace.clone(),
            local,
            attributes: self.attributes(&attributes)?,
        }))
    }

    fn close(&mut self) {
        let depth = self.depth;
        while self
            .bindings
            .pop_if(|binding| binding.depth == depth)
            .is_some()
        {}
        self.depth = depth.saturating_sub(1);
    }

    fn bind(&mut self, prefix: &'a str, raw: &'a str) -> Result<(), ErrorKind> {
        let namespace = Namespace::from(attribute_value(raw)?);
        let is_reserved = *namespace == *XMLNS_NAMESPACE
            || (*namespace == *XML_NAMESPACE) != (prefix == "xml")
            || prefix == "xmlns"
            || (namespace.is_empty() && !prefix.is_empty());
        if is_reserved {
            return Err(ErrorKind::NamespaceDeclaration);
        }
        let of_this_element = |binding: &&Binding<'_>| binding.depth == self.depth;
        if self
            .bindings
            .iter()
            .rev()
            .take_while(of_this_element)
            .any(|binding| binding.prefix == prefix)
        {
            return Err(ErrorKind::DuplicateAttribute);
        }
        let place = self.bindings.len();
        if place == BUILT_IN.len() + MAX_NAMESPACES {
            return Err(ErrorKind::Limit);
        }
        let first = self
            .bindings
            .iter()
            .position(|binding| binding.namespace == namespace);
        self.bindings.push(Binding {
            depth: self.depth,
            prefix,
            namespace,
            first: first.unwrap_or(place),
        });
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<&Binding<'a>, ErrorKind> {
        self.bindings
            .iter()
            .rev()
            .find(|binding| binding.prefix == prefix)
            .ok_or_else(|| ErrorKind::UndeclaredPrefix(prefix.to_owned()))
    }

    fn attributes(&self, raw: &[(&'a str, &'a str)]) -> Result<Vec<Attribute<'a>>, ErrorKind> {
        let mut attributes: Vec<Attribute<'a>> = Vec::with_capacity(raw.len());
        for (name, value) in raw {
            let (prefix, local) = qualified_name(name)?;
            let (namespace, first_binding) = if prefix.is_empty() {
                // An attribute without a prefix is in no namespace, whatever the default is.
                (Namespace::Literal(""), NO_NAMESPACE)
            } else {
                let binding = self.resolve(prefix)?;
                (binding.namespace.clone(), binding.first)
            };
            if attributes
                .iter()
                .any(|a| a.first_binding == first_binding && a.local == local)
            {
                return Err(ErrorKind::DuplicateAttribute);
            }
            attributes.push(Attribute {
                namespace,
                first_binding,
                local,
                value: attribute_value(value)?,
            });
        }
        Ok(attributes)
    }
}

/// What is between the delimiters that quick-xml found.
fn inside<'a>(raw: &'a str, open: &str, close: &str) -> Result<&'a str, ErrorKind> {
    raw.len()
        .checked_sub(close.len())
        .and_then(|end| raw.get(open.len()..end))
        .ok_or(ErrorKind::Markup)
}

/// XML 1.0 production 3.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// XML 1.0 production 2.
fn is_legal(c: char) -> bool {
    (c >= ' ' || is_space(c)) && !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

fn legal(text: &str) -> Result<&str, ErrorKind> {
    if text.chars().all(is_legal) {
        Ok(text)
    } else {
        Err(ErrorKind::Character)
    }
}

/// Whether it stands for itself in text, whatever is beside it; most of most documents does. `<` and
/// `&` are not in text.
fn is_plain_in_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b' '..=b'=' | b'?'..=b'~')
}

/// Whether it stands for itself in an attribute.
fn is_plain_in_value(byte: u8) -> bool {
    matches!(byte, b' '..=b'%' | b'\''..=b';' | b'='..=b'~')
}

/// XML 1.0 section 2.11: CRLF and a lone CR become LF.
fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Splits `prefix:local` (prefix empty when there is none) and checks both halves
/// (Namespaces in XML 1.0, productions 7 to 11).
fn qualified_name(name: &str) -> Result<(&str, &str), ErrorKind> {
    let (prefix, local) = match split_once(name, b':') {
        Some((prefix, local)) => {
            check_name(prefix)?;
            (prefix, local)
        }
        None => ("", name),
    };
    check_name(local)?;
    Ok((prefix, local))
}

fn check_name(name: &str) -> Result<(), ErrorKind> {
    let mut chars = name.chars();
    if chars.next().is_some_and(is_name_start) && chars.all(is_name_char) {
        Ok(())
    } else {
        Err(ErrorKind::Name)
    }
}

/// XML 1.0 production 4, without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// XML 1.0 production 4a, without the colon.
fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}'
            | '\u{203F}'..='\u{2040}')
}

/// The inside of a tag after its name, as names and raw values (XML 1.0 productions 40, 41).
struct RawAttributes<'a> {
    rest: &'a str,
    count: usize,
}

impl<'a> RawAttributes<'a> {
    fn of(rest: &'a str) -> Self {
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

/// As `str::split_once`, which looks at each byte.
fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|b| b == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// XML 1.0 section 3.3.3 for an attribute of type CDATA.
fn attribute_value(raw: &str) -> Result<Cow<'_, str>, ErrorKind> {
    if raw.bytes().all(is_plain_in_value) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(ErrorKind::Attribute);
    }
    legal(raw)?;
    if !raw.contains(['&', '\t', '\r', '\n']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (literal, reference) = rest.split_at(at);
        push_normalised(literal, &mut value);
        let (name, after) = reference
            .get(1..)
            .and_then(|r| r.split_once(';'))
            .ok_or(ErrorKind::Reference)?;
        push_reference(name, &mut value)?;
        rest = after;
    }
    push_normalised(rest, &mut value);
    Ok(Cow::Owned(value))
}

fn push_normalised(literal: &str, value: &mut String) {
    value.extend(
        line_ends(literal)
            .chars()
            .map(|c| if is_space(c) { ' ' } else { c }),
    );
}

fn push_reference(name: &str, text: &mut String) -> Result<(), ErrorKind> {
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => character_reference(name)?,
    };
    text.push(c);
    Ok(())
}

fn character_reference(name: &str) -> Result<char, ErrorKind> {
    let number = name.strip_prefix('#').ok_or(ErrorKind::Reference)?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // from_str_radix would also take a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(ErrorKind::Reference);
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| ErrorKind::Reference)?;
    char::from_u32(code)
        .filter(|&c| is_legal(c))
        .ok_or(ErrorKind::Character)
}

fn instruction<'a>(content: &str) -> Result<Node<'a>, ErrorKind> {
    let target = content.split(is_space).next().unwrap_or_default();
    if target.eq_ignore_ascii_case("xml") {
        return Err(ErrorKind::Declaration);
    }
    check_name(target)?;
    legal(content)?;
    Ok(Node::Misc)
}

/// XML 1.0 productions 23 to 26, 32 and 80; only version 1.0.
fn declaration<'a>(content: &str) -> Result<Node<'a>, ErrorKind> {
    let mut attributes = RawAttributes::of(content).map(Result::ok).peekable();
    let is_of_version_1_0 = attributes.next() == Some(Some(("version", "1.0")));
    attributes.next_if(
        |attribute| matches!(attribute, Some(("encoding", name)) if is_encoding_name(name)),
    );
    attributes.next_if(|attribute| matches!(attribute, Some(("standalone", "yes" | "no"))));
    if is_of_version_1_0 && attributes.next().is_none() {
        Ok(Node::Misc)
    } else {
        Err(ErrorKind::Declaration)
    }
}

fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads all of it: each element as `{namespace}local`, the text after `=`.
    fn read(text: &str) -> Result<Vec<String>, ErrorKind> {
        let mut reader = Reader::new(text);
        let mut seen = Vec::new();
        loop {
            match reader.next_node().map_err(|e| e.kind)? {
                Node::Start(e) => seen.push(format!("{{{}}}{}", e.namespace(), e.local)),
                Node::Text(t) if !t.trim().is_empty() => seen.push(format!("={t}")),
                Node::Text(_) | Node::Misc | Node::End => {}
                Node::Eof => return Ok(seen),
            }
        }
    }

    fn first_text(text: &str) -> Result<String, ErrorKind> {
        let mut reader = Reader::new(text);
        reader.next_tag().map_err(|e| e.kind)?;
        reader.text().map_err(|e| e.kind)
    }

    #[test]
    fn resolves_namespaces() {
        assert_eq!(
            read("<a xmlns='u'><b xmlns:p='v'><p:c/><d xmlns=''/></b><e/></a>").unwrap(),
            ["{u}a", "{u}b", "{v}c", "{}d", "{u}e"]
        );
        assert_eq!(read("<p:a xmlns:p='a&amp;b'/>").unwrap(), ["{a&b}a"]);
    }

    #[test]
    fn text_is_characters_cdata_and_references() {
        assert_eq!(
            first_text("<a>x<![CDATA[<y>]]>&lt;&#233;&#x20AC;&#13;\r\n\rz</a>").unwrap(),
            "x<y><é€\r\n\nz"
        );
        for not_text in ["<a>x<b/></a>", "<a>x<!-- c --></a>", "<a><?p?>x</a>"] {
            assert_eq!(first_text(not_text), Err(ErrorKind::NotText), "{not_text}");
        }
    }

    #[test]
    fn attributes_are_normalised_and_namespaced() {
        let mut reader = Reader::new("<a xmlns:p='u' p:b=' x\r\n&quot;&#9;' b='2'/>");
        let Node::Start(element) = reader.next_node().unwrap() else {
            panic!("no element")
        };
        assert_eq!(element.attribute("u", "b"), Some(" x \"\t"));
        assert_eq!(element.attribute("", "b"), Some("2"));
        assert_eq!(element.attribute("u", "c"), None);
    }

    #[test]
    fn an_attribute_may_be_called_xmlns_behind_a_prefix() {
        let mut reader = Reader::new("<a xmlns:p='u' p:xmlns='v'/>");
        let Node::Start(element) = reader.next_node().unwrap() else {
            panic!("no element")
        };
        assert_eq!(element.namespace(), "");
        assert_eq!(element.attribute("u", "xmlns"), Some("v"));
    }

    #[test]
    fn what_is_around_the_root() {
        assert!(read("<?xml version='1.0'?>\r\n<!-- c --><?p x?><a/> <!-- d -->\n").is_ok());
        for (text, kind) in [
            ("", ErrorKind::NoRoot),
            (" \r\n", ErrorKind::NoRoot),
            (
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
                ErrorKind::NoRoot,
            ),
            ("hello", ErrorKind::OutsideRoot),
            ("<a/>x", ErrorKind::OutsideRoot),
            ("<a/><b/>", ErrorKind::OutsideRoot),
            ("<a/>&amp;", ErrorKind::OutsideRoot),
            ("<a/><![CDATA[x]]>", ErrorKind::OutsideRoot),
            ("<a><b></b>", ErrorKind::Unclosed),
            ("<a><b", ErrorKind::Unclosed),
            (" <?xml version='1.0'?><a/>", ErrorKind::Declaration),
            ("<?xml version='1.1'?><a/>", ErrorKind::Declaration),
            ("<?xml encoding='utf-8'?><a/>", ErrorKind::Declaration),
            ("<!DOCTYPE a><a/>", ErrorKind::Doctype),
            (
                "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
                ErrorKind::Doctype,
            ),
        ] {
            assert_eq!(read(text), Err(kind), "{text}");
        }
    }

    #[test]
    fn what_is_inside_the_root() {
        let many = |n: usize| (0..n).map(|i| format!(" a{i}='x'")).collect::<String>();
        // Fifty a level, so that no other limit is in the way.
        let declaring = |n: usize| {
            let levels = n.div_ceil(50);
            let tags = (0..levels).map(|level| {
                let names = (level * 50)..n.min((level + 1) * 50);
                let names = names.map(|i| format!(" xmlns:p{i}='u'"));
                format!("<a{}>", names.collect::<String>())
            });
            tags.collect::<String>() + &"</a>".repeat(levels)
        };
        for (text, kind) in [
            ("<a></b>".to_owned(), ErrorKind::Markup),
            ("<a><b></a></b>".to_owned(), ErrorKind::Markup),
            (
                "<p:a/>".to_owned(),
                ErrorKind::UndeclaredPrefix("p".to_owned()),
            ),
            (
                "<a p:b='1'/>".to_owned(),
                ErrorKind::UndeclaredPrefix("p".to_owned()),
            ),
            (
                "<a xmlns:p=''/>".to_owned(),
                ErrorKind::NamespaceDeclaration,
            ),
            (
                "<a xmlns:xmlns='u'/>".to_owned(),
                ErrorKind::NamespaceDeclaration,
            ),
            (
                "<a xmlns:xml='u'/>".to_owned(),
                ErrorKind::NamespaceDeclaration,
            ),
            ("<a b='1' b='2'/>".to_owned(), ErrorKind::DuplicateAttribute),
            (
                "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>".to_owned(),
                ErrorKind::DuplicateAttribute,
            ),
            (
                "<a xmlns:p='u' xmlns:q='&#117;' p:b='1' q:b='2'/>".to_owned(),
                ErrorKind::DuplicateAttribute,
            ),
            (
                "<a xmlns='u' xmlns='v'/>".to_owned(),
                ErrorKind::DuplicateAttribute,
            ),
            (
                "<a xmlns:p='u' xmlns:p='v'/>".to_owned(),
                ErrorKind::DuplicateAttribute,
            ),
            ("<a b='1'c='2'/>".to_owned(), ErrorKind::Attribute),
            ("<a b=1/>".to_owned(), ErrorKind::Attribute),
            ("<a b/>".to_owned(), ErrorKind::Attribute),
            ("<a b='<'/>".to_owned(), ErrorKind::Attribute),
            ("<a b='&nope;'/>".to_owned(), ErrorKind::Reference),
            ("<a>&nbsp;</a>".to_owned(), ErrorKind::Reference),
            ("<a>&#+65;</a>".to_owned(), ErrorKind::Reference),
            ("<a>&#1;</a>".to_owned(), ErrorKind::Character),
            ("<a>&#xFFFF;</a>".to_owned(), ErrorKind::Character),
            ("<a>\u{0}</a>".to_owned(), ErrorKind::Character),
            ("<a b='\u{1}'/>".to_owned(), ErrorKind::Character),
            ("<a>]]></a>".to_owned(), ErrorKind::Markup),
            ("<a><!-- x -- y --></a>".to_owned(), ErrorKind::Markup),
            ("<a><?xml x?></a>".to_owned(), ErrorKind::Declaration),
            ("<a><1/></a>".to_owned(), ErrorKind::Name),
            ("<a><x:y:z xmlns:x='u'/></a>".to_owned(), ErrorKind::Name),
            (
                format!("<a{}/>", many(MAX_ATTRIBUTES + 1)),
                ErrorKind::Limit,
            ),
            ("<a>".repeat(MAX_DEPTH + 1), ErrorKind::Limit),
            (declaring(MAX_NAMESPACES + 1), ErrorKind::Limit),
        ] {
            assert_eq!(read(&text), Err(kind), "{text}");
        }
        assert!(read(&format!("<a{}/>", many(MAX_ATTRIBUTES))).is_ok());
        let deep = "<a>".repeat(MAX_DEPTH) + &"</a>".repeat(MAX_DEPTH);
        assert!(read(&deep).is_ok());
        assert!(read(&declaring(MAX_NAMESPACES)).is_ok());
    }

    #[test]
    fn errors_say_where() {
        let text = "\r\n  hello";
        let error = Reader::new(text).next_tag().unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutsideRoot);
        assert_eq!(error.line_and_column(text), (2, 3));
    }

    /// Accepts nothing that roxmltree refuses, and reads the same text.
    #[test]
    fn agrees_with_roxmltree() {
        let documents = [
            "<a xmlns='u'>x<b>y</b>&amp;<![CDATA[ z ]]></a>",
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?><a>\r\n</a>",
            "<a b='1' />",
            "<a\n b = '1'\t></a >",
        ];
        for document in documents {
            let tree = roxmltree::Document::parse(document).unwrap();
            let expected: String = tree
                .descendants()
                .filter(roxmltree::Node::is_text)
                .filter_map(|n| n.text())
                .collect();
            let mut reader = Reader::new(document);
            let mut text = String::new();
            loop {
                match reader.next_node().unwrap() {
                    Node::Text(piece) => text.push_str(&piece),
                    Node::Eof => break,
                    _ => {}
                }
            }
            assert_eq!(text.trim(), expected.trim(), "{document}");
        }
    }
}
