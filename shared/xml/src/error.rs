//! Errors of the reader.

/// A violation of a rule, with its position in the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    /// The rule that is violated.
    pub kind: ErrorKind,
    /// The position in the text, in bytes from its start.
    pub offset: usize,
}

impl Error {
    /// The position as line and column, both counted from 1, the column in characters.
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

/// A rule of XML 1.0 or Namespaces in XML 1.0, or a limit of the reader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The document has no root element.
    #[error("root element is missing")]
    NoRoot,
    /// Text, a reference or a second element is outside the root element.
    #[error("content outside the root element")]
    OutsideRoot,
    /// The document ends inside an element.
    #[error("unexpected end of the document")]
    Unclosed,
    /// The document has a DOCTYPE, which is never processed (XXE, entity expansion).
    #[error("DTD is prohibited")]
    Doctype,
    /// An XML declaration is malformed, of a version other than 1.0, or not at the very start.
    #[error("malformed or misplaced XML declaration")]
    Declaration,
    /// A prefix is not declared.
    #[error("undeclared prefix {0:?}")]
    UndeclaredPrefix(String),
    /// A namespace declaration binds a reserved prefix or namespace, or a prefix to no namespace.
    #[error("illegal namespace declaration")]
    NamespaceDeclaration,
    /// The name of an element, an attribute, a prefix or an instruction is illegal.
    #[error("illegal name")]
    Name,
    /// A character that XML does not allow, literally or as a reference.
    #[error("illegal character")]
    Character,
    /// A reference is malformed or refers to an entity other than the five predefined ones.
    #[error("unknown or malformed reference")]
    Reference,
    /// An attribute lacks its value, its quotes or the space before it, or has a `<` in its value.
    #[error("malformed attribute")]
    Attribute,
    /// An element has the same attribute twice.
    #[error("duplicate attribute")]
    DuplicateAttribute,
    /// Other markup is malformed.
    #[error("malformed markup")]
    Markup,
    /// The document exceeds [`MAX_DEPTH`](crate::MAX_DEPTH),
    /// [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES) or [`MAX_NAMESPACES`](crate::MAX_NAMESPACES).
    #[error("the document exceeds a limit of this reader")]
    Limit,
    /// An element, a comment or an instruction is where only text may be.
    #[error("only text is allowed here")]
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "é1\n\r\n€😀x";
        for (offset, expected) in [
            (0, (1, 1)),
            (2, (1, 2)),
            (3, (1, 3)),
            (4, (2, 1)),
            (6, (3, 1)),
            (13, (3, 3)),
            (14, (3, 4)),
            (99, (3, 4)),
        ] {
            let kind = ErrorKind::Markup;
            let error = Error { kind, offset };
            assert_eq!(error.line_and_column(text), expected, "{offset}");
        }
    }

    #[test]
    fn the_text_names_rule_and_place() {
        let kind = ErrorKind::UndeclaredPrefix("p".to_owned());
        let error = Error { kind, offset: 7 };
        assert_eq!(error.to_string(), "undeclared prefix \"p\" at byte 7");
    }
}
