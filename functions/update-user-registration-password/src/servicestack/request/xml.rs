//! The XML of .NET's data contracts (`DataContractSerializer`).

use password::Secret;
use xml::{Node, Reader, SCHEMA_INSTANCE};

use super::Unreadable;
use crate::operation::Input;
use crate::servicestack::{DTO_NAMESPACE, REQUEST_DTO, REQUESTER_NAMESPACE};

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
    let mut members = XmlMembers::default();
    while let Node::Start(element) = reader.next_tag().map_err(unreadable)? {
        match XmlMembers::named(element.namespace(), element.local) {
            Some(name) if !members.has(name) => {
                let is_nil = element.is_nil();
                let text = reader.text().map_err(unreadable)?;
                members.0.push((name, (!is_nil).then_some(text)));
            }
            _ => reader.skip().map_err(unreadable)?,
        }
    }
    while reader.next_node().map_err(unreadable)? != Node::Eof {}
    members.into_input()
}

/// The members found, with their text unless they are nil.
#[derive(Default)]
struct XmlMembers(Vec<(&'static str, Option<String>)>);

impl XmlMembers {
    const NAMES: [&str; 4] = [
        "Email",
        "NewPassword",
        "SendResetEmail",
        "CustomerBrandName",
    ];
    const REQUESTER: &str = "Requester";

    /// The member that an element is, if any: each is known in its own namespace only.
    fn named(namespace: &str, local: &str) -> Option<&'static str> {
        match namespace {
            DTO_NAMESPACE => Self::NAMES.into_iter().find(|name| *name == local),
            REQUESTER_NAMESPACE => (local == Self::REQUESTER).then_some(Self::REQUESTER),
            _ => None,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| *found == name)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0
            .iter_mut()
            .find(|(found, _)| *found == name)?
            .1
            .take()
    }

    fn into_input(mut self) -> Result<Input, Unreadable> {
        let send_reset_email = match self.take("SendResetEmail").as_deref().map(str::trim) {
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            None if !self.has("SendResetEmail") => false,
            // A boolean has no nil (XML Schema part 2, section 3.2.2).
            _ => return Err(Unreadable),
        };
        Ok(Input {
            email: self.take("Email"),
            new_password: self.take("NewPassword").map(Secret::from),
            send_reset_email,
            customer_brand_name: self.take("CustomerBrandName"),
            requester: self.take(Self::REQUESTER),
        })
    }
}
