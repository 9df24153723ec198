//! The oracle of the strict reader: the strict DOM parser roxmltree.

use std::fmt::Write as _;

use xml::{ErrorKind, Node, Reader};

/// Reads a document to the end and returns a transcript of its content.
pub(crate) fn read(text: &str) -> Result<String, ErrorKind> {
    let mut reader = Reader::new(text);
    let mut seen = String::new();
    let mut depth = 0;
    loop {
        match reader.next_node().map_err(|error| error.kind)? {
            Node::Start(element) => {
                depth += 1;
                let attributes = element.attributes().collect();
                write_tag(element.namespace(), element.local, attributes, &mut seen);
            }
            Node::End => {
                depth -= 1;
                seen.push_str("</>");
            }
            Node::Text(text) if depth > 0 => seen.push_str(&text),
            Node::Text(_) | Node::Comment | Node::Instruction => {}
            Node::Eof => return Ok(seen),
        }
    }
}

/// Returns the same transcript from roxmltree, or `None` if it refuses the document.
///
/// Line ends are normalised before it parses (XML 1.0 section 2.11): it leaves a carriage return
/// before a reference unchanged.
fn read_with_roxmltree(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let document = roxmltree::Document::parse(&text).ok()?;
    let mut seen = String::new();
    write_node(document.root_element(), &mut seen);
    Some(seen)
}

fn write_node(node: roxmltree::Node<'_, '_>, seen: &mut String) {
    if node.is_text() {
        seen.push_str(node.text().unwrap_or_default());
    }
    if node.is_element() {
        let name = node.tag_name();
        let attributes = node
            .attributes()
            .map(|a| (a.namespace().unwrap_or_default(), a.name(), a.value()))
            .collect();
        write_tag(
            name.namespace().unwrap_or_default(),
            name.name(),
            attributes,
            seen,
        );
        for child in node.children() {
            write_node(child, seen);
        }
        seen.push_str("</>");
    }
}

fn write_tag(
    namespace: &str,
    local: &str,
    mut attributes: Vec<(&str, &str, &str)>,
    seen: &mut String,
) {
    attributes.sort_unstable();
    let _ = write!(seen, "<{{{namespace}}}{local}");
    for (namespace, local, value) in attributes {
        let _ = write!(seen, " {{{namespace}}}{local}={value:?}");
    }
    seen.push('>');
}

/// Asserts that the reader and roxmltree accept the same documents and read the same content. The
/// exceptions are the limits of the reader and the rules that roxmltree does not check.
pub(crate) fn agree(text: &str) {
    let ours = read(text);
    let is_not_comparable = match ours {
        // roxmltree accepts any XML declaration.
        Err(ErrorKind::Limit | ErrorKind::Declaration) => true,
        // It accepts two default namespaces on one element.
        Err(ErrorKind::DuplicateAttribute) => has_two_default_namespaces(text),
        _ => false,
    };
    if is_not_comparable || !is_roxmltree_right(text) {
        return;
    }
    assert_eq!(
        ours.as_deref().ok(),
        read_with_roxmltree(text).as_deref(),
        "{text:?}: {ours:?}"
    );
}

/// Whether a tag has `xmlns` twice.
fn has_two_default_namespaces(text: &str) -> bool {
    let is_default = |word: &&str| word.starts_with("xmlns") && !word.starts_with("xmlns:");
    let declarations = |tag: &str| tag.split_ascii_whitespace().filter(is_default).count();
    text.split('<').any(|tag| declarations(tag) > 1)
}

/// Whether roxmltree follows the specifications for this document.
fn is_roxmltree_right(text: &str) -> bool {
    let is_known_error = [
        // An attribute with a prefix and the local name `xmlns` declares nothing. roxmltree reads
        // it as a default namespace.
        text.contains(":xmlns"),
        // A prefix must not be empty (Namespaces in XML 1.0, production 10).
        [" :", "\t:", "\r:", "\n:", "<:", "/:"]
            .iter()
            .any(|empty| text.contains(empty)),
        has_reference_beyond_unicode(text),
        // A byte order mark is not part of the text (RFC 7303 section 3).
        text.starts_with('\u{feff}'),
    ];
    if is_known_error.contains(&true) {
        return false;
    }
    match roxmltree::Document::parse(text) {
        Ok(document) => document.descendants().all(|node| {
            // A prefix must be bound to a namespace (Namespaces in XML 1.0, section 5).
            let is_unbound =
                |n: &roxmltree::Namespace<'_>| n.name().is_some() && n.uri().is_empty();
            !node.namespaces().any(is_unbound)
                && (!node.is_pi() || is_instruction(&text[node.range()]))
        }),
        // Elements may also have the prefix `xml` without a declaration (Namespaces in XML 1.0,
        // section 3). roxmltree allows that for attributes only.
        Err(roxmltree::Error::UnknownNamespace(prefix, _)) => prefix != "xml",
        Err(_) => true,
    }
}

/// Whether the target of a processing instruction is a name without a colon, followed by white
/// space or the end of the instruction (XML 1.0 production 16, Namespaces in XML 1.0 section 7).
/// roxmltree does not check this.
fn is_instruction(raw: &str) -> bool {
    let content = raw.trim_start_matches("<?").trim_end_matches("?>");
    let target = content
        .split([' ', '\t', '\r', '\n'])
        .next()
        .unwrap_or_default();
    let is_name = roxmltree::Document::parse(&format!("<{target}/>")).is_ok();
    is_name && !target.contains(':')
}

/// Whether there is a reference to a number beyond Unicode, which roxmltree reads as U+FFFD.
fn has_reference_beyond_unicode(text: &str) -> bool {
    let numbers = text.split("&#").filter_map(|rest| rest.split_once(';'));
    let mut codes = numbers.filter_map(|(number, _)| match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    });
    codes.any(|code| char::from_u32(code).is_none())
}
