//! The strict, namespace-aware pull reader.

use std::borrow::Cow;
use std::{fmt, mem};

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::Event;

use crate::attributes::{self, RawAttributes, normalise_value};
use crate::chars::{check_legal, is_plain_in_text, is_space, normalise_line_ends};
use crate::declaration::{check_declaration, check_instruction};
use crate::error::{Error, ErrorKind};
use crate::names::check_name;
use crate::namespace::{Bindings, Namespace};
use crate::node::{Element, Node};
use crate::reference;

/// The maximum nesting depth of elements. The root is at depth 1.
pub const MAX_DEPTH: usize = 64;

/// A reader that returns the nodes of one document one by one. Do not go on after an error.
pub struct Reader<'a> {
    text: &'a str,
    inner: quick_xml::Reader<&'a [u8]>,
    bindings: Bindings<'a>,
    depth: usize,
    seen_root: bool,
    /// Whether the last node was the start of an empty-element tag.
    end_is_due: bool,
}

impl fmt::Debug for Reader<'_> {
    /// Writes only the position: the text may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("offset", &self.offset())
            .finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    /// Makes a reader of `text`, which must not begin with a byte order mark (see
    /// [`decode`](crate::decode())).
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let mut inner = quick_xml::Reader::from_str(text);
        let config = inner.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        Self {
            text,
            inner,
            bindings: Bindings::new(),
            depth: 0,
            seen_root: false,
            end_is_due: false,
        }
    }

    /// Reads the next node.
    pub fn next_node(&mut self) -> Result<Node<'a>, Error> {
        if self.end_empty() {
            return Ok(Node::End);
        }
        let start = self.offset();
        self.read(start).map_err(|kind| self.error(kind, start))
    }

    /// Reads the next node that is not text, a comment or an instruction.
    pub fn next_tag(&mut self) -> Result<Node<'a>, Error> {
        loop {
            match self.next_node()? {
                Node::Text(_) | Node::Comment | Node::Instruction => {}
                node => return Ok(node),
            }
        }
    }

    /// Skips the rest of the element whose start was just read.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut open = 1_usize;
        while open > 0 {
            if self.end_empty() {
                open -= 1;
                continue;
            }
            let start = self.offset();
            // Not `next_node`, because moving a node takes longer than reading a short tag.
            match self.read(start) {
                Ok(Node::Start(_)) => open += 1,
                Ok(Node::End) => open -= 1,
                Ok(Node::Text(_) | Node::Comment | Node::Instruction) => {}
                // Cannot come before the end tag: a document that ends inside an element is an
                // error.
                Ok(Node::Eof) => break,
                Err(kind) => return Err(self.error(kind, start)),
            }
        }
        Ok(())
    }

    /// Reads the text of the element whose start was just read, up to and including its end.
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
                Node::Start(_) | Node::Comment | Node::Instruction | Node::Eof => {
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

    /// The error in the node that begins at `start`.
    fn error(&self, kind: ErrorKind, start: usize) -> Error {
        let offset = match kind {
            ErrorKind::NoRoot | ErrorKind::Unclosed => self.text.len(),
            ErrorKind::OutsideRoot => {
                let rest = self.text.get(start..).unwrap_or_default();
                start + rest.len() - rest.trim_start_matches(is_space).len()
            }
            _ => start,
        };
        Error { kind, offset }
    }

    /// Ends the element whose empty-element tag was just read. Returns whether there was one.
    fn end_empty(&mut self) -> bool {
        let is_due = mem::take(&mut self.end_is_due);
        if is_due {
            self.close();
        }
        is_due
    }

    // Inlining would move each node once more.
    #[inline(never)]
    fn read(&mut self, start: usize) -> Result<Node<'a>, ErrorKind> {
        let event = self
            .inner
            .read_event()
            .map_err(|error| self.markup_error(&error))?;
        let inside = |open: &str, close: &str| self.inside(start, open, close);
        match event {
            Event::Start(tag) => self.open(inside("<", ">")?, tag.name().0.len(), false),
            Event::Empty(tag) => self.open(inside("<", "/>")?, tag.name().0.len(), true),
            Event::End(_) => {
                self.close();
                Ok(Node::End)
            }
            Event::Text(_) => self.characters(inside("", "")?),
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                Err(ErrorKind::OutsideRoot)
            }
            Event::CData(_) => {
                let content = check_legal(inside("<![CDATA[", "]]>")?)?;
                Ok(Node::Text(normalise_line_ends(content)))
            }
            Event::GeneralRef(_) => {
                let character = reference::resolve(inside("&", ";")?)?;
                Ok(Node::Text(Cow::Owned(character.into())))
            }
            Event::Comment(_) => check_legal(inside("<!--", "-->")?).map(|_| Node::Comment),
            Event::PI(_) => check_instruction(inside("<?", "?>")?).map(|()| Node::Instruction),
            Event::Decl(_) if start == 0 => {
                check_declaration(inside("<?xml", "?>")?).map(|()| Node::Instruction)
            }
            Event::Decl(_) => Err(ErrorKind::Declaration),
            Event::DocType(_) => Err(ErrorKind::Doctype),
            Event::Eof if !self.seen_root => Err(ErrorKind::NoRoot),
            Event::Eof if self.depth > 0 => Err(ErrorKind::Unclosed),
            Event::Eof => Ok(Node::Eof),
        }
    }

    /// The part between the delimiters of the node that begins at `start` and was read just now.
    fn inside(&self, start: usize, open: &str, close: &str) -> Result<&'a str, ErrorKind> {
        let end = self.offset().saturating_sub(close.len());
        let part = self.text.get(start + open.len()..end);
        part.ok_or(ErrorKind::Markup)
    }

    /// Converts an error of quick-xml.
    fn markup_error(&self, error: &quick_xml::Error) -> ErrorKind {
        match error {
            quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype)
            | quick_xml::Error::IllFormed(IllFormedError::MissingDoctypeName) => ErrorKind::Doctype,
            quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => ErrorKind::Markup,
            quick_xml::Error::Syntax(_) if self.depth > 0 => ErrorKind::Unclosed,
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => ErrorKind::Reference,
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
        Ok(Node::Text(normalise_line_ends(check_legal(raw)?)))
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
        let attributes = if rest.is_empty() {
            Vec::new()
        } else {
            self.bind_namespaces(rest)?
        };
        let (namespace, local) = self.bindings.resolve_element(name)?;
        Ok(Node::Start(Element {
            namespace,
            local,
            attributes: attributes::resolve(&attributes, &self.bindings)?,
        }))
    }

    /// Binds the namespaces that a start tag declares, and returns its other attributes.
    fn bind_namespaces(&mut self, rest: &'a str) -> Result<Vec<(&'a str, &'a str)>, ErrorKind> {
        let mut attributes = Vec::new();
        for attribute in RawAttributes::new(rest) {
            let (name, value) = attribute?;
            let prefix = match name.split_once(':') {
                None if name == "xmlns" => "",
                Some(("xmlns", prefix)) => {
                    check_name(prefix)?;
                    prefix
                }
                _ => {
                    attributes.push((name, value));
                    continue;
                }
            };
            let namespace = Namespace::from(normalise_value(value)?);
            self.bindings.bind(self.depth, prefix, namespace)?;
        }
        Ok(attributes)
    }

    fn close(&mut self) {
        self.bindings.unbind(self.depth);
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::MAX_ATTRIBUTES;
    use crate::namespace::MAX_NAMESPACES;

    /// Reads a whole document. Each element becomes `{namespace}local`, with its text after `=`.
    fn read(text: &str) -> Result<Vec<String>, ErrorKind> {
        let mut reader = Reader::new(text);
        let mut seen = Vec::new();
        loop {
            match reader.next_node().map_err(|e| e.kind)? {
                Node::Start(e) => seen.push(format!("{{{}}}{}", e.namespace(), e.local)),
                Node::Text(t) if !t.trim().is_empty() => seen.push(format!("={t}")),
                Node::Text(_) | Node::Comment | Node::Instruction | Node::End => {}
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
        assert_eq!(
            read("<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>").unwrap(),
            ["{u}a", "{v}b", "{u}c"]
        );
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
    fn an_attribute_may_be_called_xmlns_after_a_prefix() {
        let mut reader = Reader::new("<a xmlns:p='u' p:xmlns='v'/>");
        let Node::Start(element) = reader.next_node().unwrap() else {
            panic!("no element")
        };
        assert_eq!(element.namespace(), "");
        assert_eq!(element.attribute("u", "xmlns"), Some("v"));
    }

    #[test]
    fn content_around_the_root() {
        assert!(read("<?xml version='1.0'?>\r\n<!-- c --><?p x?><a/> <!-- d -->\n").is_ok());
        // The text is already decoded, so the name of the encoding is not checked.
        for name in ["utf-16", "", "ISO 8859-1", "8859_1", "a>b&c"] {
            let declaration = format!("<?xml version='1.0' encoding='{name}'?><a/>");
            assert!(read(&declaration).is_ok(), "{name}");
        }
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
            (
                "<?xml version='1.0' encoding='<'?><a/>",
                ErrorKind::Declaration,
            ),
            (
                "<?xml version='1.0' encoding='\u{1}'?><a/>",
                ErrorKind::Declaration,
            ),
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
    fn content_inside_the_root() {
        let many = |n: usize| (0..n).map(|i| format!(" a{i}='x'")).collect::<String>();
        // Fifty per level, which stays below every other limit.
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
    fn errors_have_positions() {
        let text = "\r\n  hello";
        let error = Reader::new(text).next_tag().unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutsideRoot);
        assert_eq!(error.line_and_column(text), (2, 3));
    }

    #[test]
    fn skipping_ends_after_the_end_tag() {
        let mut reader = Reader::new("<a><b><b>x</b><!-- c --><?p?><c/></b><d/></a>");
        reader.next_tag().unwrap();
        reader.next_tag().unwrap();
        reader.skip().unwrap();
        let next = reader.next_node().unwrap();
        assert!(matches!(next, Node::Start(element) if element.local == "d"));
        let mut reader = Reader::new("<a><b>");
        reader.next_tag().unwrap();
        assert_eq!(reader.skip().unwrap_err().kind, ErrorKind::Unclosed);
    }

    #[test]
    fn not_text_errors_have_positions() {
        let mut reader = Reader::new("<a>xy<b/></a>");
        reader.next_tag().unwrap();
        let error = reader.text().unwrap_err();
        assert_eq!((error.kind, error.offset), (ErrorKind::NotText, 5));
    }
}
