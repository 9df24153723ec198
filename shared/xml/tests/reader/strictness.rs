//! The rules of XML, one row each: the refused text, the error and its position.

use xml::{ErrorKind, MAX_ATTRIBUTES, MAX_DEPTH, Node, Reader};

use crate::oracle::read;

/// Returns the kind of the first error and its position, in bytes from the start.
fn refused(text: &str) -> (ErrorKind, usize) {
    let mut reader = Reader::new(text);
    let error = loop {
        match reader.next_node() {
            Ok(node) => assert_ne!(node, Node::Eof, "accepted: {text}"),
            Err(error) => break error,
        }
    };
    (error.kind, error.offset)
}

#[test]
fn names() {
    for name in [
        "a",
        "Z",
        "_",
        "é",
        "λ",
        "中",
        "𐀀",
        "a.",
        "a-",
        "a0",
        "a_",
        "a\u{b7}",
        "e\u{301}",
        "a\u{203f}",
        "\u{200c}",
        "\u{fffd}",
        "xml",
        "p:a",
    ] {
        for text in [
            format!("<{name} xmlns:p='u'/>"),
            format!("<a xmlns:p='u' {name}='1'/>"),
        ] {
            assert!(read(&text).is_ok(), "{text}");
        }
    }
    for name in [
        "1", "-", ".", "\u{b7}", "\u{301}", "\u{d7}", "\u{f7}", "\u{37e}", "\u{2010}", "\u{fffe}",
        ":a", "a:", "p:1", "1:a", "p:a:b", "a\u{d7}", "a\u{37e}", "a!", "a\u{a0}",
    ] {
        let text = format!("<r xmlns:p='u'><{name}/></r>");
        assert_eq!(refused(&text), (ErrorKind::Name, 15), "{text}");
        let text = format!("<r xmlns:p='u' {name}='1'/>");
        assert_eq!(refused(&text), (ErrorKind::Name, 0), "{text}");
    }
    assert_eq!(refused("<a xmlns:1='u'/>"), (ErrorKind::Name, 0));
    assert_eq!(refused("<a xmlns:='u'/>"), (ErrorKind::Name, 0));
}

#[test]
fn characters() {
    for c in [
        "\t",
        "\n",
        " ",
        "~",
        "\u{7f}",
        "\u{85}",
        "\u{fffd}",
        "😀",
        "\u{10ffff}",
        "]]",
        ">",
    ] {
        for text in [
            format!("<a>{c}</a>"),
            format!("<a b='{c}'/>"),
            format!("<a><![CDATA[{c}]]></a>"),
            format!("<a><!--{c}--></a>"),
            format!("<a><?p {c}?></a>"),
        ] {
            assert!(read(&text).is_ok(), "{text:?}");
        }
    }
    for c in ['\u{0}', '\u{1}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
        for (text, offset) in [
            (format!("<a>{c}</a>"), 3),
            (format!("<a b='{c}'/>"), 0),
            (format!("<a b='{c}&lt;'/>"), 0),
            (format!("<a><![CDATA[{c}]]></a>"), 3),
            (format!("<a><!--{c}--></a>"), 3),
            (format!("<a><?p {c}?></a>"), 3),
            (format!("<!--{c}--><a/>"), 0),
            (format!("<a>&#{};</a>", u32::from(c)), 3),
            (format!("<a b='&#x{:X};'/>", u32::from(c)), 0),
        ] {
            assert_eq!(refused(&text), (ErrorKind::Character, offset), "{text:?}");
        }
    }
}

#[test]
fn references() {
    let text =
        "<a b='&lt;&gt;&amp;&apos;&quot;'>&lt;&gt;&amp;&apos;&quot;&#65;&#x41;&#x0001F600;</a>";
    let read = read(text);
    assert_eq!(read.as_deref(), Ok("<{}a {}b=\"<>&'\\\"\"><>&'\"AA😀</>"));
    for (reference, kind) in [
        ("&#X41;", ErrorKind::Reference),
        ("&#x;", ErrorKind::Reference),
        ("&#;", ErrorKind::Reference),
        ("&;", ErrorKind::Reference),
        ("&x", ErrorKind::Reference),
        ("&LT;", ErrorKind::Reference),
        ("&65;", ErrorKind::Reference),
        ("&#6A;", ErrorKind::Reference),
        ("&#xG;", ErrorKind::Reference),
        ("&#-65;", ErrorKind::Reference),
        ("&#99999999999;", ErrorKind::Reference),
        ("&#xD800;", ErrorKind::Character),
        ("&#x110000;", ErrorKind::Character),
    ] {
        let text = format!("<a>x{reference}</a>");
        assert_eq!(refused(&text), (kind.clone(), 4), "{text}");
        let text = format!("<a b='{reference}'/>");
        assert_eq!(refused(&text), (kind, 0), "{text}");
    }
}

#[test]
fn attributes() {
    for text in [
        "<a b='1'/>",
        "<a b = \"1\" />",
        "<a\tb\r=\n'1'\tc='2'/>",
        "<a b=''/>",
        "<a b='\"'/>",
    ] {
        assert!(read(text).is_ok(), "{text}");
    }
    for text in [
        "<a b/>",
        "<a b=/>",
        "<a b=1/>",
        "<a b='1'c='2'/>",
        "<a b='<'/>",
        "<a b='&lt;<'/>",
        "<a b=\u{a0}'1'/>",
    ] {
        assert_eq!(refused(text), (ErrorKind::Attribute, 0), "{text}");
    }
    for open in ["<a b='1/>", "<a b='1\"/>"] {
        assert_eq!(refused(open), (ErrorKind::Markup, 0), "{open}");
    }
    let many = |count: usize| (0..count).map(|i| format!(" a{i}='x'")).collect::<String>();
    assert!(read(&format!("<a{} />", many(MAX_ATTRIBUTES))).is_ok());
    let text = format!("<r><a{}/></r>", many(MAX_ATTRIBUTES + 1));
    assert_eq!(refused(&text), (ErrorKind::Limit, 3));
    // Normalised: CRLF is one space, a reference is not normalised.
    let text = "<a b='x\r\ny\rz\t\n&#13;&#10;&#9;'/>";
    assert_eq!(
        read(text).as_deref(),
        Ok("<{}a {}b=\"x y z  \\r\\n\\t\"></>")
    );
}

#[test]
fn namespaces() {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
    for (text, expected) in [
        (
            format!("<a xmlns:xml='{XML}' xml:b='1'/>"),
            format!("<{{}}a {{{XML}}}b=\"1\"></>"),
        ),
        ("<xml:a/>".to_owned(), format!("<{{{XML}}}a></>")),
        (
            "<a xmlns='u' xmlns:p='v'><b xmlns='' p:c='1' c='2'/><b/></a>".to_owned(),
            "<{u}a><{}b {}c=\"2\" {v}c=\"1\"></><{u}b></></>".to_owned(),
        ),
        // A declaration also applies to the attributes before it.
        (
            "<p:a p:b='1' xmlns:p='u'/>".to_owned(),
            "<{u}a {u}b=\"1\"></>".to_owned(),
        ),
        // The default namespace does not apply to attributes.
        (
            "<a xmlns='u' xmlns:p='u' b='1' p:b='2'/>".to_owned(),
            "<{u}a {}b=\"1\" {u}b=\"2\"></>".to_owned(),
        ),
    ] {
        assert_eq!(read(&text), Ok(expected), "{text}");
    }
    for text in [
        format!("<a xmlns:p='{XML}'/>"),
        format!("<a xmlns:p='{XMLNS}'/>"),
        format!("<a xmlns='{XML}'/>"),
        format!("<a xmlns='{XMLNS}'/>"),
        format!("<a xmlns:xmlns='{XMLNS}'/>"),
        "<a xmlns:xmlns='u'/>".to_owned(),
        "<a xmlns:xml='u'/>".to_owned(),
        "<a xmlns:p=''/>".to_owned(),
    ] {
        assert_eq!(
            refused(&text),
            (ErrorKind::NamespaceDeclaration, 0),
            "{text}"
        );
    }
    let undeclared = |prefix: &str| ErrorKind::UndeclaredPrefix(prefix.to_owned());
    // The scope of a declaration ends with its element, also with an empty element.
    assert_eq!(
        refused("<a><b xmlns:p='u'/><p:c/></a>"),
        (undeclared("p"), 19)
    );
    assert_eq!(
        refused("<a><b xmlns:p='u'></b><p:c/></a>"),
        (undeclared("p"), 22)
    );
    assert_eq!(refused("<a xmlns:b='u' c:d='1'/>"), (undeclared("c"), 0));
    for text in [
        "<a b='1' b='2'/>",
        "<a xmlns='u' xmlns='u'/>",
        "<a xmlns:p='u' xmlns:p='u'/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
    ] {
        assert_eq!(refused(text), (ErrorKind::DuplicateAttribute, 0), "{text}");
    }
    // An inner element may bind the prefix again.
    assert!(
        read("<a xmlns:p='u' p:b='1'><c xmlns:p='v' xmlns:q='u' p:b='1' q:b='2'/></a>").is_ok()
    );
}

#[test]
fn declarations() {
    for declaration in [
        "<?xml version='1.0'?>",
        "<?xml version = \"1.0\" ?>",
        "<?xml version='1.0' encoding='utf-8'?>",
        "<?xml version='1.0' encoding = \"x.Y_9-z\"?>",
        "<?xml version='1.0' standalone='yes'?>",
        "<?xml\tversion='1.0'\nencoding='utf-8'\rstandalone='no'?>",
    ] {
        assert!(read(&format!("{declaration}<a/>")).is_ok(), "{declaration}");
    }
    for (text, offset) in [
        ("<?xml version='1.1'?><a/>", 0),
        ("<?xml version='2'?><a/>", 0),
        ("<?xml version=''?><a/>", 0),
        ("<?xml version?><a/>", 0),
        ("<?xml?><a/>", 0),
        ("<?xml ?><a/>", 0),
        ("<?xml encoding='utf-8'?><a/>", 0),
        ("<?xml encoding='utf-8' version='1.0'?><a/>", 0),
        ("<?xml version='1.0' encoding='<'?><a/>", 0),
        ("<?xml version='1.0' standalone='maybe'?><a/>", 0),
        (
            "<?xml version='1.0' standalone='yes' encoding='utf-8'?><a/>",
            0,
        ),
        ("<?xml version='1.0' version='1.0'?><a/>", 0),
        ("<?xml version='1.0'encoding='utf-8'?><a/>", 0),
        ("<?xml version='1.0' x='1'?><a/>", 0),
        (" <?xml version='1.0'?><a/>", 1),
        ("<a><?xml version='1.0'?></a>", 3),
        ("<a/><?xml version='1.0'?>", 4),
        ("<?XML x?><a/>", 0),
        ("<a><?Xml?></a>", 3),
    ] {
        assert_eq!(refused(text), (ErrorKind::Declaration, offset), "{text}");
    }
}

#[test]
fn instructions_and_comments() {
    for text in [
        "<?p?><a/>",
        "<?p x='1' ?><a/>",
        "<a><?xml-stylesheet x?></a>",
        "<a><!----><!-- - --><?p\n?></a>",
        "<a/><!-- c --><?p x?>\r\n",
    ] {
        assert!(read(text).is_ok(), "{text}");
    }
    for (text, kind, offset) in [
        ("<??><a/>", ErrorKind::Name, 0),
        ("<? p?><a/>", ErrorKind::Name, 0),
        ("<a><?1?></a>", ErrorKind::Name, 3),
        ("<a><?p:q?></a>", ErrorKind::Name, 3),
        ("<a><!-- -- --></a>", ErrorKind::Markup, 3),
        ("<a><!-- ---></a>", ErrorKind::Markup, 3),
        ("<a>]]></a>", ErrorKind::Markup, 3),
        ("<a>é]]></a>", ErrorKind::Markup, 3),
        ("<a><!x></a>", ErrorKind::Markup, 3),
        ("<!x><a/>", ErrorKind::Markup, 0),
        ("<a></b>", ErrorKind::Markup, 3),
        ("</a>", ErrorKind::Markup, 0),
    ] {
        assert_eq!(refused(text), (kind, offset), "{text}");
    }
}

#[test]
fn doctypes() {
    for (text, offset) in [
        ("<!DOCTYPE a><a/>", 0),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", 0),
        ("<!DOCTYPE a SYSTEM 'http://example.com/'><a/>", 0),
        ("<?p?><!DOCTYPE a", 5),
        ("<!DOCTYPE a [", 0),
        ("<!DOCTYPE><a/>", 0),
        ("<!DOCTYPE ><a/>", 0),
        ("<!doctype a><a/>", 0),
        ("<a/><!DOCTYPE a>", 4),
    ] {
        assert_eq!(refused(text), (ErrorKind::Doctype, offset), "{text}");
    }
}

#[test]
fn the_root() {
    for (text, kind, offset) in [
        ("", ErrorKind::NoRoot, 0),
        (" \n", ErrorKind::NoRoot, 2),
        ("<!-- c -->", ErrorKind::NoRoot, 10),
        ("<?xml version='1.0'?>", ErrorKind::NoRoot, 21),
        ("\r\n\t x", ErrorKind::OutsideRoot, 4),
        ("\u{a0}<a/>", ErrorKind::OutsideRoot, 0),
        ("&#32;<a/>", ErrorKind::OutsideRoot, 0),
        ("<![CDATA[]]><a/>", ErrorKind::OutsideRoot, 0),
        ("<a/> \nx", ErrorKind::OutsideRoot, 6),
        ("<a/><b/>", ErrorKind::OutsideRoot, 4),
        ("<a></a><b>", ErrorKind::OutsideRoot, 7),
        ("<a>", ErrorKind::Unclosed, 3),
        ("<a>x", ErrorKind::Unclosed, 4),
        ("<a><b></b>", ErrorKind::Unclosed, 10),
        ("<a><b", ErrorKind::Unclosed, 5),
        ("<a><!-- c", ErrorKind::Unclosed, 9),
        ("<a><![CDATA[x", ErrorKind::Unclosed, 13),
        ("<a><?p", ErrorKind::Unclosed, 6),
        ("<a></a", ErrorKind::Unclosed, 6),
        ("<a", ErrorKind::Markup, 0),
        ("<!-- c", ErrorKind::Markup, 0),
        ("<a/><?p", ErrorKind::Markup, 4),
    ] {
        assert_eq!(refused(text), (kind, offset), "{text}");
    }
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        refused(&nested(MAX_DEPTH + 1)),
        (ErrorKind::Limit, 3 * MAX_DEPTH)
    );
}
