//! The text of the metadata pages, compared word for word with the original's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use http::{Request, StatusCode};
use testkit::Sandbox;

/// The host whose pages were copied.
const HOST: &str = "regapi.pumpalarm.com";

/// The text of a page of the original, and the intended differences.
struct Original {
    format: &'static str,
    text: &'static str,
    host: &'static str,
    /// Pairs of the original's text and the new text.
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
        // The original's samples are in JSON, which it does not accept as CSV.
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

/// Removes white space, which is not compared, because the copies join the cells of tables.
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

/// The original's list has additional operations and a different layout.
#[tokio::test]
async fn the_list_has_the_names_of_the_original() {
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

async fn found(sandbox: &Sandbox, uri: &str) -> (StatusCode, String) {
    let request = Request::get(uri).body(Bytes::new()).unwrap();
    let response = sandbox.send(&request).await;
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status(), body)
}

#[tokio::test]
async fn authenticate_is_described_if_sessions_are_enabled() {
    let on = Sandbox::start(&[]).await.unwrap();
    let off = Sandbox::start(&[("SESSION_HOURS", "0")]).await.unwrap();
    for uri in ["/metadata", "/soap11", "/soap12", "/metadata?xsd=3"] {
        for (sandbox, is_described) in [(&on, true), (&off, false)] {
            let (status, body) = found(sandbox, uri).await;
            assert_eq!(status, StatusCode::OK, "{uri}");
            assert_eq!(body.contains("Authenticate"), is_described, "{uri}: {body}");
        }
    }
    let uri = "/json/metadata?op=Authenticate";
    assert_eq!(found(&off, uri).await.0, StatusCode::FORBIDDEN);
    let misspelt = found(&on, "/json/metadata?op=authenticate").await;
    assert_eq!(misspelt, (StatusCode::OK, String::new()));
}

#[tokio::test]
async fn the_page_of_the_login_shows_that_its_provider_is_in_the_path() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let page = page(&sandbox, HOST, "/json/metadata?op=Authenticate").await;
    let members = without_space(&page);
    for row in ["providerpathstringNo", "UserNamebodystringNo"] {
        assert!(members.contains(row), "{row}: {members}");
    }
}

/// The XML declaration of the recorded schemas names no encoding, and their root is not followed by
/// a line feed.
#[tokio::test]
async fn schemas_begin_and_end_as_recorded() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for number in 0..5 {
        let (_, body) = found(&sandbox, &format!("/metadata?xsd={number}")).await;
        let root = body.strip_prefix("<?xml version=\"1.0\"?>\n<xs:schema ");
        assert!(
            root.is_some_and(|root| root.ends_with("</xs:schema>")),
            "{body}"
        );
    }
}

/// The service accepts each sample as a request; only its credential is wrong. The JSV sample is
/// indented for readability.
#[tokio::test]
async fn samples_of_a_login_are_logins() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (format, provider, credentials) in [
        ("xml", "provider>String", "provider>credentials"),
        (
            "json",
            "\"provider\":\"String\"",
            "\"provider\":\"credentials\"",
        ),
        ("csv", "RememberMe\nString", "RememberMe\ncredentials"),
    ] {
        let uri = format!("/{format}/metadata?op=Authenticate");
        let text = page(&sandbox, "regapi.example.com", &uri).await;
        let (_, sample) = text.split_once("Content-Length: length\n\n").unwrap();
        let (sample, _) = sample.split_once("HTTP/1.1 200 OK").unwrap();
        assert!(sample.contains(provider), "{sample}");
        let sample = sample.replace(provider, credentials);
        let request = Request::post(format!("/{format}/reply/Authenticate"));
        let response = sandbox.send(&request.body(sample.into()).unwrap()).await;
        let body = String::from_utf8_lossy(response.body());
        assert_eq!(
            response.status(),
            StatusCode::UNAUTHORIZED,
            "{format}: {body}"
        );
    }
}
