//! Decoding of XML bodies, like .NET's `DataContractSerializer`.

use xml::{Element, Node, Reader, SCHEMA_INSTANCE};

use super::body::Unreadable;
use super::members::RequestDto;
use crate::servicestack::contract::SERIALIZATION_NAMESPACE;

impl From<xml::Error> for Unreadable {
    fn from(_: xml::Error) -> Self {
        Self
    }
}

/// Reads a document whose root is the request DTO.
pub(super) fn read<D: RequestDto>(body: &[u8]) -> Result<D, Unreadable> {
    let text = xml::decode_unicode(body).map_err(|_| Unreadable)?;
    let mut reader = Reader::new(&text);
    let Node::Start(root) = reader.next_tag()? else {
        return Err(Unreadable);
    };
    let dto = read_dto(&root, &mut reader)?;
    while reader.next_node()? != Node::Eof {}
    Ok(dto)
}

/// Reads the request DTO up to its end tag. Members may be in any order. The first of several
/// members with the same name counts, and unknown members are skipped.
pub(super) fn read_dto<D: RequestDto>(
    root: &Element<'_>,
    reader: &mut Reader<'_>,
) -> Result<D, Unreadable> {
    let own_type = |name: &str| name.rsplit(':').next() == Some(D::NAME);
    let is_other_type = root
        .attribute(SCHEMA_INSTANCE, "type")
        .is_some_and(|name| !own_type(name));
    if !root.is(D::NAMESPACE, D::NAME) || is_other_type || is_nil(root)? {
        return Err(Unreadable);
    }
    let mut dto = D::default();
    let mut found = Vec::new();
    while let Some(element) = next_element(reader)? {
        match D::member_of_element(element.namespace(), element.local) {
            Some(member) if !found.contains(&member.name) => {
                found.push(member.name);
                let is_nil = is_nil(&element)?;
                let text = read_text(reader)?;
                member.set(&mut dto, (!is_nil).then_some(text), boolean)?;
            }
            _ => reader.skip()?,
        }
    }
    Ok(dto)
}

/// Reads the start tag of the next child. `None` at the end tag. An instruction is an error.
fn next_element<'a>(reader: &mut Reader<'a>) -> Result<Option<Element<'a>>, Unreadable> {
    loop {
        match reader.next_node()? {
            Node::Start(element) => return Ok(Some(element)),
            Node::Text(_) | Node::Comment => {}
            Node::Instruction => return Err(Unreadable),
            Node::End | Node::Eof => return Ok(None),
        }
    }
}

/// Reads the text up to the end tag, without comments. An element or an instruction in it is an
/// error.
fn read_text(reader: &mut Reader<'_>) -> Result<String, Unreadable> {
    let mut text = String::new();
    loop {
        match reader.next_node()? {
            Node::Text(piece) => text.push_str(&piece),
            Node::Comment => {}
            Node::End => return Ok(text),
            Node::Start(_) | Node::Instruction | Node::Eof => return Err(Unreadable),
        }
    }
}

/// Whether `xsi:nil` is set. A value that is not a boolean is an error, as is a reference to
/// another object (`z:Ref`).
fn is_nil(element: &Element<'_>) -> Result<bool, Unreadable> {
    if element.attribute(SERIALIZATION_NAMESPACE, "Ref").is_some() {
        return Err(Unreadable);
    }
    match element.attribute(SCHEMA_INSTANCE, "nil") {
        None => Ok(false),
        value => boolean(value).ok_or(Unreadable),
    }
}

/// Parses a boolean of XML Schema (part 2, section 3.2.2), which cannot be null. Only XML's own
/// white space is trimmed.
fn boolean(text: Option<&str>) -> Option<bool> {
    match text?.trim_matches([' ', '\t', '\r', '\n']) {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
