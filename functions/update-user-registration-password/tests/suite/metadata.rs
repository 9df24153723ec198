//! Metadata pages: their text, word for word as the original's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use http::{Request, StatusCode};
use testkit::Sandbox;

/// Host whose pages were copied.
const HOST: &str = "regapi.pumpalarm.com";

/// Text of a page of the original, and where ours differs on purpose.
struct Original {
    format: &'static str,
    text: &'static str,
    host: &'static str,
    /// Text of the original, and ours.
    differences: &'static [(&'static str, &'static str)],
}

const ORIGINALS: [Original; 6] = [
    Original {
        format: "xml",
        text: include_str!("pages/xml.txt"),
        host: HOST,
        differences: &[],
    },
    Original {
        format: "json",
        text: include_str!("pages/json.txt"),
        host: "127.0.0.1",
        // JSONP would let any page read an answer.
        differences: &[(
            "To embed the response in a jsonp callback, append ?callback=myCallback",
            "",
        )],
    },
    Original {
        format: "jsv",
        text: include_str!("pages/jsv.txt"),
        host: "127.0.0.1",
        differences: &[],
    },
    Original {
        format: "csv",
        text: include_str!("pages/csv.txt"),
        host: "127.0.0.1",
        // The samples of the original are in JSON, which it does not read as CSV.
        differences: &[
            (
                include_str!("../../src/servicestack/assets/request.json"),
                include_str!("../../src/servicestack/assets/request.csv"),
            ),
            (
                include_str!("../../src/servicestack/assets/response.json"),
                include_str!("../../src/servicestack/assets/response.csv"),
            ),
        ],
    },
    Original {
        format: "soap11",
        text: include_str!("pages/soap11.txt"),
        host: "127.0.0.1",
        differences: &[],
    },
    Original {
        format: "soap12",
        text: include_str!("pages/soap12.txt"),
        host: "127.0.0.1",
        differences: &[],
    },
];

async fn page(sandbox: &Sandbox, host: &str, uri: &str) -> String {
    let request = Request::get(uri)
        .header("host", format!("{host}:8080"))
        .body(Bytes::new())
        .unwrap();
    let response = sandbox.send(&request).await;
    assert_eq!(response.status(), StatusCode::OK, "{uri}");
    let html = std::str::from_utf8(response.body()).unwrap();
    visible_text(html)
}

/// Text of a page's body, without its markup.
fn visible_text(html: &str) -> String {
    let (_, body) = html.split_once("<body>").unwrap();
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let (_tag, after) = piece.split_once('>').unwrap();
        text.push_str(after);
    }
    for (entity, character) in [
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

/// White space is not compared: the copies glue cells of tables together.
fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[tokio::test]
async fn pages_have_the_text_of_the_original() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for original in ORIGINALS {
        let format = original.format;
        let uri = format!("/{format}/metadata?op=UpdateUserRegistrationPasswordRequest");
        let mut expected = without_space(original.text);
        for (theirs, ours) in original.differences {
            let (theirs, ours) = (without_space(theirs), without_space(ours));
            assert!(expected.contains(&theirs), "{format}: {theirs}");
            expected = expected.replacen(&theirs, &ours, 1);
        }
        let page = page(&sandbox, original.host, &uri).await;
        assert_eq!(without_space(&page), expected, "{format}");
    }
}

/// The list of the original has other operations besides, in another layout.
#[tokio::test]
async fn the_list_names_what_the_original_names() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let list = page(&sandbox, HOST, "/metadata").await;
    for text in [
        "Registrar Web Services",
        "The following operations are supported.",
        "UpdateUserRegistrationPasswordRequest",
        "XML",
        "JSON",
        "JSV",
        "CSV",
        "SOAP 1.1",
        "SOAP 1.2",
        "Service Types",
        "Wcf Data Types",
        "Wcf Collection Types",
        "soap11",
        "soap12",
    ] {
        assert!(list.contains(text), "{text}");
    }
    assert!(!list.contains("AssignRoles"));
}
