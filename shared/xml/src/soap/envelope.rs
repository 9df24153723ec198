//! Reading envelopes.

use super::version::Version;
use crate::chars::is_space;
use crate::error::Error;
use crate::node::{Element, Node};
use crate::reader::Reader;

/// An envelope, read up to and including the start tag of its body.
///
/// ```
/// # use xml::soap::{Envelope, Version};
/// let text = "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'>\
///             <s:Body><Greet>Jane</Greet></s:Body></s:Envelope>";
/// let mut envelope = Envelope::open(text, &Version::ALL)?;
/// assert_eq!(envelope.version(), Version::V12);
/// while let Some(element) = envelope.next_child().unwrap() {
///     assert_eq!(element.local, "Greet");
///     assert_eq!(envelope.reader().text().unwrap(), "Jane");
/// }
/// envelope.close().unwrap();
/// # Ok::<(), xml::soap::EnvelopeError>(())
/// ```
#[derive(Debug)]
pub struct Envelope<'a> {
    version: Version,
    not_understood: Option<String>,
    reader: Reader<'a>,
}

/// The reason a document cannot be read as an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct EnvelopeError {
    /// The version of the envelope, if the root element could be read and has one.
    pub version: Option<Version>,
    /// The rule that is violated.
    pub kind: EnvelopeErrorKind,
}

/// A rule of XML or SOAP that the beginning of an envelope can violate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeErrorKind {
    /// The document is not well-formed.
    #[error(transparent)]
    Malformed(#[from] Error),
    /// The root element is in the namespace of no supported version.
    #[error("the namespace {namespace:?} does not belong to any supported version of SOAP")]
    VersionMismatch {
        /// The namespace of the root element, empty for none.
        namespace: String,
    },
    /// The element with this name is missing or in the wrong place.
    #[error("missing required {0} element")]
    Missing(&'static str),
}

impl<'a> Envelope<'a> {
    /// Reads the start tag of the envelope, its header if it has one, and the start tag of the
    /// body.
    ///
    /// Only white space, comments and instructions may come before header and body (SOAP 1.1
    /// section 4, SOAP 1.2 part 1 section 5). The version is checked before anything else.
    pub fn open(text: &'a str, supported: &[Version]) -> Result<Self, EnvelopeError> {
        let mut reader = Reader::new(text);
        let (version, local) = read_root(&mut reader, supported).map_err(|kind| EnvelopeError {
            version: None,
            kind,
        })?;
        let not_understood =
            read_to_body(&mut reader, version, local).map_err(|kind| EnvelopeError {
                version: Some(version),
                kind,
            })?;
        Ok(Self {
            version,
            not_understood,
            reader,
        })
    }

    /// The version that the namespace of the envelope identifies.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The local name of the first header block with `mustUnderstand` set, if there is one.
    ///
    /// As in ASP.NET, the attribute counts in the namespace of either version, and the actor or
    /// role of the block is ignored.
    #[must_use]
    pub fn not_understood(&self) -> Option<&str> {
        self.not_understood.as_deref()
    }

    /// The start tag of the next child element of the body, `None` at the end of the body.
    ///
    /// Read the child with [`reader`](Self::reader), up to and including its end tag, before
    /// calling this again.
    pub fn next_child(&mut self) -> Result<Option<Element<'a>>, Error> {
        match self.reader.next_tag()? {
            Node::Start(child) => Ok(Some(child)),
            _ => Ok(None),
        }
    }

    /// The reader, positioned after the last node that was read.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }

    /// Reads from the end of the body to the end tag of the envelope, skipping elements in between.
    /// Returns the reader, positioned after the envelope.
    pub fn close(mut self) -> Result<Reader<'a>, Error> {
        self.reader.skip()?;
        Ok(self.reader)
    }
}

/// Reads the start tag of the root. Returns its version and its local name.
fn read_root<'a>(
    reader: &mut Reader<'a>,
    supported: &[Version],
) -> Result<(Version, &'a str), EnvelopeErrorKind> {
    let Node::Start(root) = reader.next_tag()? else {
        return Err(EnvelopeErrorKind::Missing("Envelope"));
    };
    let version = Version::from_namespace(root.namespace())
        .filter(|version| supported.contains(version))
        .ok_or_else(|| EnvelopeErrorKind::VersionMismatch {
            namespace: root.namespace().to_owned(),
        })?;
    Ok((version, root.local))
}

/// Reads up to and including the start tag of the body. Returns the name of the first header block
/// that must be understood.
fn read_to_body(
    reader: &mut Reader<'_>,
    version: Version,
    root: &str,
) -> Result<Option<String>, EnvelopeErrorKind> {
    if root != "Envelope" {
        return Err(EnvelopeErrorKind::Missing("Envelope"));
    }
    let is = |element: &Option<Element<'_>>, local| {
        element
            .as_ref()
            .is_some_and(|element| element.is(version.namespace(), local))
    };
    let mut not_understood = None;
    let mut element = next_element(reader)?;
    if is(&element, "Header") {
        not_understood = read_header(reader)?;
        element = next_element(reader)?;
    }
    if is(&element, "Body") {
        Ok(not_understood)
    } else {
        Err(EnvelopeErrorKind::Missing("Body"))
    }
}

/// Reads the next start tag, if only white space, comments and instructions come before it.
fn next_element<'a>(reader: &mut Reader<'a>) -> Result<Option<Element<'a>>, Error> {
    loop {
        match reader.next_node()? {
            Node::Start(element) => return Ok(Some(element)),
            Node::Comment | Node::Instruction => {}
            Node::Text(text) if text.chars().all(is_space) => {}
            Node::Text(_) | Node::End | Node::Eof => return Ok(None),
        }
    }
}

/// Skips the blocks of a header. Returns the name of the first one that must be understood.
fn read_header(reader: &mut Reader<'_>) -> Result<Option<String>, Error> {
    let mut not_understood = None;
    while let Node::Start(block) = reader.next_tag()? {
        if not_understood.is_none() && must_understand(&block) {
            not_understood = Some(block.local.to_owned());
        }
        reader.skip()?;
    }
    Ok(not_understood)
}

fn must_understand(block: &Element<'_>) -> bool {
    Version::ALL.into_iter().any(|version| {
        matches!(
            block.attribute(version.namespace(), "mustUnderstand"),
            Some("1" | "true")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

    fn envelope(namespace: &str, content: &str) -> String {
        format!("<e:Envelope xmlns:e='{namespace}'>{content}</e:Envelope>")
    }

    fn open(text: &str) -> Result<(Version, Option<String>), EnvelopeError> {
        Envelope::open(text, &Version::ALL).map(|envelope| {
            (
                envelope.version(),
                envelope.not_understood().map(str::to_owned),
            )
        })
    }

    fn flaw(text: &str) -> (Option<Version>, EnvelopeErrorKind) {
        let error = open(text).expect_err(text);
        (error.version, error.kind)
    }

    /// The children of the body with their text, then the nodes after the envelope.
    fn read(text: &str) -> Result<(Vec<String>, Vec<Node<'_>>), Error> {
        let mut envelope = Envelope::open(text, &Version::ALL).expect(text);
        let mut children = Vec::new();
        while let Some(child) = envelope.next_child()? {
            children.push(format!("{}={}", child.local, envelope.reader().text()?));
        }
        let mut reader = envelope.close()?;
        let mut behind = Vec::new();
        loop {
            match reader.next_node()? {
                Node::Eof => return Ok((children, behind)),
                node => behind.push(node),
            }
        }
    }

    #[test]
    fn the_namespace_determines_the_version() {
        for (namespace, version) in [(SOAP11, Version::V11), (SOAP12, Version::V12)] {
            let text = envelope(namespace, "<e:Body/>");
            assert_eq!(open(&text), Ok((version, None)));
        }
    }

    #[test]
    fn other_versions_are_refused_before_anything_else() {
        let mismatch = |namespace: &str| EnvelopeErrorKind::VersionMismatch {
            namespace: namespace.to_owned(),
        };
        assert_eq!(flaw("<a>"), (None, mismatch("")));
        assert_eq!(flaw("<a xmlns='urn:x'><b>"), (None, mismatch("urn:x")));
        let text = envelope(SOAP12, "<e:Body/>");
        let error = Envelope::open(&text, &[Version::V11]).unwrap_err();
        assert_eq!((error.version, error.kind), (None, mismatch(SOAP12)));
    }

    #[test]
    fn the_body_comes_first_or_after_the_header() {
        let between = " \r\n<!-- c --><?p?>";
        for header in ["", "<e:Header/>", "<e:Header><a><b/>c</a></e:Header>"] {
            let text = envelope(SOAP11, &format!("{between}{header}{between}<e:Body/>"));
            assert_eq!(open(&text), Ok((Version::V11, None)), "{text}");
        }
    }

    #[test]
    fn other_documents_lack_a_required_element() {
        let root = format!("<e:Envelop xmlns:e='{SOAP12}'><e:Body/></e:Envelop>");
        let missing = |part| (Some(Version::V12), EnvelopeErrorKind::Missing(part));
        assert_eq!(flaw(&root), missing("Envelope"));
        for content in [
            "",
            "<e:Header/>",
            "<Body/>",
            "<e:body/>",
            &format!("<s:Body xmlns:s='{SOAP11}'/>"),
            "text<e:Body/>",
            "&#x41;<e:Body/>",
            "\u{a0}<e:Body/>",
            "text<e:Header/><e:Body/>",
            "<e:Header/>text<e:Body/>",
            "<e:Header/><e:Header/><e:Body/>",
            "<Header/><e:Body/>",
            "<a/><e:Body/>",
            "<e:Header/><a/><e:Body/>",
        ] {
            assert_eq!(
                flaw(&envelope(SOAP12, content)),
                missing("Body"),
                "{content}"
            );
        }
    }

    #[test]
    fn malformed_xml_up_to_the_body_is_an_error() {
        let malformed = |text: &str| match flaw(text) {
            (version, EnvelopeErrorKind::Malformed(error)) => (version, error.kind),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(malformed(""), (None, ErrorKind::NoRoot));
        assert_eq!(malformed("<a"), (None, ErrorKind::Markup));
        for (content, kind) in [
            ("<e:Header>", ErrorKind::Markup),
            ("<e:Header><a></b>", ErrorKind::Markup),
            ("<f:Body/>", ErrorKind::UndeclaredPrefix("f".to_owned())),
        ] {
            let text = envelope(SOAP11, content);
            assert_eq!(malformed(&text), (Some(Version::V11), kind), "{content}");
        }
    }

    #[test]
    fn the_first_block_that_must_be_understood_is_named() {
        let name = |header: &str| {
            let header = format!("<e:Header xmlns:f='{SOAP12}'>{header}</e:Header><e:Body/>");
            open(&envelope(SOAP11, &header)).unwrap().1
        };
        for set in ["e:mustUnderstand='1'", "f:mustUnderstand='true'"] {
            let header = format!("<a/><b {set} e:actor='urn:x'><c {set}/></b><d {set}/>");
            assert_eq!(name(&header).as_deref(), Some("b"), "{set}");
        }
        for unset in [
            "e:mustUnderstand='0'",
            "e:mustUnderstand='True'",
            "mustUnderstand='1'",
            "e:understand='1'",
        ] {
            assert_eq!(
                name(&format!("<a {unset}><b e:mustUnderstand='1'/></a>")),
                None,
                "{unset}"
            );
        }
    }

    #[test]
    fn the_children_of_the_body_are_read_one_after_the_other() {
        let content = "<e:Body>x<a>1</a> <!-- c --><b>2</b></e:Body><c><d/></c>";
        let text = envelope(SOAP11, content) + "\n<!-- c -->";
        let (children, behind) = read(&text).unwrap();
        assert_eq!(children, ["a=1", "b=2"]);
        assert_eq!(behind, [Node::Text("\n".into()), Node::Comment]);
        let empty = envelope(SOAP11, "<e:Body/>");
        assert_eq!(read(&empty).unwrap(), (vec![], vec![]));
    }

    #[test]
    fn malformed_xml_from_the_body_on_is_an_error() {
        for content in ["<e:Body><a>", "<e:Body></a>", "<e:Body/><a></b>"] {
            let text = envelope(SOAP11, content);
            assert_eq!(
                read(&text).unwrap_err().kind,
                ErrorKind::Markup,
                "{content}"
            );
        }
    }
}
