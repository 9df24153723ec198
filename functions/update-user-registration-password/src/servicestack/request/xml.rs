//! XML bodies, as .NET's `DataContractSerializer` reads them.

use xml::{Node, Reader, SCHEMA_INSTANCE};

use super::body::Unreadable;
use super::members::Member;
use crate::operation::Input;
use crate::servicestack::contract::{DTO_NAMESPACE, REQUEST_DTO};

/// Reads a request DTO: members in any order, the first of several, unknown ones skipped.
pub(super) fn read(body: &[u8]) -> Result<Input, Unreadable> {
    let text = xml::decode_unicode(body).map_err(|_| Unreadable)?;
    let mut reader = Reader::new(&text);
    let unreadable = |_: xml::Error| Unreadable;
    let Node::Start(root) = reader.next_tag().map_err(unreadable)? else {
        return Err(Unreadable);
    };
    let own_type = |name: &str| name.rsplit(':').next() == Some(REQUEST_DTO);
    let is_other_type = root
        .attribute(SCHEMA_INSTANCE, "type")
        .is_some_and(|name| !own_type(name));
    if !root.is(DTO_NAMESPACE, REQUEST_DTO) || is_other_type {
        return Err(Unreadable);
    }
    let mut input = Input::default();
    let mut found = Vec::new();
    while let Node::Start(element) = reader.next_tag().map_err(unreadable)? {
        match Member::of_element(element.namespace(), element.local) {
            Some(member) if !found.contains(&member) => {
                found.push(member);
                let is_nil = element.is_nil();
                let text = reader.text().map_err(unreadable)?;
                member.set(&mut input, (!is_nil).then_some(text), boolean)?;
            }
            _ => reader.skip().map_err(unreadable)?,
        }
    }
    while reader.next_node().map_err(unreadable)? != Node::Eof {}
    Ok(input)
}

/// Boolean of XML Schema (part 2, section 3.2.2), which has no nil.
fn boolean(text: Option<&str>) -> Option<bool> {
    match text?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
