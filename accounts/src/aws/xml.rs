//! Conversion of XML answers of the AWS Query protocol to JSON, so that callers read all answers
//! alike.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// Converts an answer; `None` if it is not XML. Elements with text become strings, lists of
/// `member` elements become arrays, and all other elements become objects.
pub(super) fn read(text: &str) -> Option<Value> {
    let document = Document::parse(text).ok()?;
    Some(value(document.root_element()))
}

fn value(element: Node<'_, '_>) -> Value {
    let children: Vec<_> = element.children().filter(Node::is_element).collect();
    if children.is_empty() {
        return Value::from(element.text().unwrap_or_default());
    }
    // Ignores namespaces, which differ between services.
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
    fn lists_become_arrays_and_structures_become_objects() {
        let text = "<R xmlns=\"urn:x\"><Result><List><member><Arn>a</Arn></member>\
                    <member><Arn>b&amp;c</Arn></member></List><None/></Result></R>";
        let expected = json!({
            "Result": { "List": [{ "Arn": "a" }, { "Arn": "b&c" }], "None": "" },
        });
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("no"), None);
    }
}
