//! Compares the strict reader with roxmltree on generated documents, on damaged documents and with
//! every kind of character in every position.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::oracle;

/// Generates well-formed documents with every construct that the reader supports.
fn document() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[a-c]",
        "p:[a-c]",
        "q:[a-c]",
        "[a-zé_λ中𐀀][a-z0-9.é·\u{301}中𐀀_-]{0,4}",
    ];
    let attribute = (name.clone(), "[a-z é<&\t\r\n'😀]{0,6}")
        .prop_map(|(name, value)| format!(" {name}=\"{}\"", escaped(&value)));
    let namespace = prop_oneof![
        Just(String::new()),
        "[uvw]?".prop_map(|uri| format!(" xmlns='{uri}'")),
        "[uvw]".prop_map(|uri| format!(" xmlns:p='{uri}'")),
        "[uvw]".prop_map(|uri| format!(" xmlns:q=\"{uri}&#x41;\"")),
    ];
    let leaf = prop_oneof![
        "[a-z é<&>\r\n😀]{0,8}".prop_map(|text| escaped(&text)),
        "[a-z<& é\r\n]{0,6}".prop_map(|text| format!("<![CDATA[{text}]]>")),
        "[a-z é]{0,5}".prop_map(|text| format!("<!--{text}-->")),
        "[a-z]{1,3}".prop_map(|target| format!("<?p{target} x?>")),
        Just("&#233;&#x1F600;&#13;&#x0a;&lt;&gt;&amp;&quot;&apos;".to_owned()),
    ];
    let content = leaf.prop_recursive(5, 40, 5, move |inner| {
        let attributes = prop::collection::vec(attribute.clone(), 0..3);
        let children = prop::collection::vec(inner, 0..5);
        (name.clone(), namespace.clone(), attributes, children).prop_map(
            |(name, namespace, attributes, children)| {
                let (attributes, children) = (attributes.concat(), children.concat());
                if children.is_empty() {
                    format!("<{name}{namespace}{attributes} />")
                } else {
                    format!("<{name}{namespace}{attributes}>{children}</{name}>")
                }
            },
        )
    });
    let prolog = prop_oneof![
        Just(""),
        Just("<?xml version='1.0'?>"),
        Just("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='no' ?>\r\n"),
        Just("<!-- c -->\n"),
        Just("<!DOCTYPE a>"),
    ];
    (prolog, content, "[ \n]{0,2}").prop_map(|(prolog, content, epilog)| {
        format!("{prolog}<r xmlns:p='p' xmlns:q='q'>{content}</r>{epilog}")
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Generates documents in which a piece is removed, doubled or replaced by markup.
fn damaged() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(""),
        Just("<"),
        Just(">"),
        Just("/>"),
        Just("</"),
        Just("&"),
        Just(";"),
        Just("\""),
        Just("'"),
        Just("="),
        Just(":"),
        Just(" "),
        Just("<!"),
        Just("<?"),
        Just("?>"),
        Just("]]>"),
        Just("--"),
        Just("xmlns"),
        Just("xmlns:p=''"),
        Just("xml"),
        Just("&#0;"),
        Just("&#X41;"),
        Just("&x"),
        Just("<!DOCTYPE"),
        Just("<![CDATA["),
        Just("<?XML x?>"),
        Just("<?xml version='1.0'?>"),
        Just("xml:space=' '"),
        Just("&#x110000;"),
        Just("&e;"),
        Just("\u{0}"),
        Just("\u{b}"),
        Just("\u{1}"),
        Just("\u{d7}"),
        Just("\u{37e}"),
        Just("\u{fffd}"),
        Just("\u{fffe}"),
        Just("\u{ffff}"),
        Just("\u{feff}"),
        Just("\u{85}"),
        Just("<a/>"),
        Just("é"),
    ];
    (document(), any::<prop::sample::Index>(), 0..4_usize, piece).prop_map(
        |(document, at, length, piece)| {
            let mut chars: Vec<char> = document.chars().collect();
            let start = at.index(chars.len());
            let end = (start + length).min(chars.len());
            chars.splice(start..end, piece.chars());
            chars.into_iter().collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_documents(text in document()) {
        oracle::agree(&text);
    }

    #[test]
    fn damaged_documents(text in damaged()) {
        oracle::agree(&text);
    }
}

/// Tests all characters up to the last range of name characters in the lower half of the BMP, and
/// the characters on both sides of each later border.
#[test]
fn every_character_in_every_place() {
    let borders = [
        0xd7ff, 0xe000, 0xf8ff, 0xf900, 0xfdcf, 0xfdd0, 0xfdef, 0xfdf0, 0xfffd, 0xfffe, 0xffff,
        0x1_0000, 0xe_ffff, 0xf_0000, 0x10_ffff,
    ];
    for c in (0..0x3100).chain(borders).filter_map(char::from_u32) {
        let code = u32::from(c);
        for document in [
            format!("<{c}/>"),
            format!("<a{c}/>"),
            format!("<a {c}='1'/>"),
            format!("<a b{c}='1'/>"),
            format!("<a b='{c}'/>"),
            format!("<a b='&#{code};'/>"),
            format!("<a>{c}</a>"),
            format!("<a>&#x{code:x};</a>"),
            format!("<a><![CDATA[{c}]]></a>"),
            format!("<a><!--{c}--><?p {c}?></a>"),
            format!("<a><?{c}?></a>"),
            format!("<a/>{c}"),
        ] {
            oracle::agree(&document);
        }
    }
}

/// Ensures that the generator tests more than refusals.
#[test]
fn most_generated_documents_are_accepted() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..300)
        .filter(|_| {
            let tree = document().new_tree(&mut runner).expect("a document");
            oracle::read(&tree.current()).is_ok()
        })
        .count();
    assert!(accepted > 150, "{accepted} of 300");
}
