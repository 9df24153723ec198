//! Answers of the AWS Query protocol as JSON, so that checks read all answers alike.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// Reads an answer; nothing if it is no XML. Elements with text are strings, lists (of `member`
/// elements) are arrays, and all others are objects by the names of their elements.
pub(super) fn read(text: &str) -> Option<Value> {
    let document = Document::parse(text).ok()?;
    Some(value(document.root_element()))
}

fn value(element: Node<'_, '_>) -> Value {
    let children: Vec<_> = element.children().filter(Node::is_element).collect();
    if children.is_empty() {
        return Value::from(element.text().unwrap_or_default());
    }
    // Without their namespaces, which differ by service.
    if children
        .iter()
        .all(|child| child.tag_name().name() == "member")
    {
        return children.into_iter().map(value).collect();
    }
    let members = children.into_iter();
    let members = members.map(|child| (child.tag_name().name().to_owned(), value(child)));
    Value::Object(members.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_structures() {
        let text = "<R xmlns=\"urn:x\"><Result><List><member><Arn>a</Arn></member>\
                    <member><Arn>b&amp;c</Arn></member></List><None/></Result></R>";
        let expected = json!({
            "Result": { "List": [{ "Arn": "a" }, { "Arn": "b&c" }], "None": "" },
        });
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("no"), None);
    }
}
