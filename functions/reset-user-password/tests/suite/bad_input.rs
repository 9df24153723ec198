//! Malicious input: the rows of `docs/limits.md`, and names that try to break out of the email, the
//! log or the answer in which they appear.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and one is about a panic"
)]

use std::sync::Arc;

use crate::flow::assert_answer;
use axum::body::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use lambda_http::lambda_runtime::Error;
use serde_json::Value;
use shared::front_door::FrontDoor;
use shared::lambda::{Answer, Event, Handler};
use testkit::Sandbox;
use testkit::requests::{
    ASMX as SERVICE, ASMX_NAMESPACE as OPERATION, reset_form as post, reset_soap,
};
use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES, Node, Reader};

/// A part of every hostile value, which must not appear in a log.
const MARK: &str = "hostile-4711";

fn get(query: &str) -> Request<Bytes> {
    let uri = format!("{SERVICE}/ResetUserPassword?{query}");
    Request::get(uri).body(Bytes::new()).unwrap()
}

/// A call in an envelope of each version, with `extra` after the operation.
fn soap(username: &str, extra: &str) -> [Request<Bytes>; 2] {
    let action = format!("{OPERATION}/ResetUserPassword");
    [
        ("text/xml", "http://schemas.xmlsoap.org/soap/envelope/"),
        (
            "application/soap+xml",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
    ]
    .map(|(media_type, envelope)| {
        let content_type = format!("{media_type}; charset=utf-8; action=\"{action}\"");
        reset_soap(&content_type, envelope, username).map(|body| {
            let body = String::from_utf8_lossy(&body);
            let body = body.replace("</s:Body>", &format!("{extra}</s:Body>"));
            body.into()
        })
    })
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}

#[tokio::test]
async fn queries_over_the_limit_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let query = |length: usize| format!("username={}", "x".repeat(length - "username=".len()));
    assert_answer(&sandbox.send(&get(&query(2_048))).await);
    let response = sandbox.send(&get(&query(2_049))).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(text(&response).contains("maxQueryStringLength"));
}

#[tokio::test]
async fn too_many_parameters_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let form = |parts: usize| format!("username=nobody{}", "&".repeat(parts - 1));
    for request in [get(&form(1_000)), post(&form(1_000))] {
        assert_answer(&sandbox.send(&request).await);
    }
    for request in [get(&form(1_001)), post(&form(1_001)), post(&form(200_000))] {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            text(&response),
            "Operation is not valid due to the current state of the object.\r\n"
        );
    }
}

#[tokio::test]
async fn envelopes_over_a_limit_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    // Inside the envelope and its body.
    let nested = |levels: usize| "<a>".repeat(levels - 2) + &"</a>".repeat(levels - 2);
    let attributes = |n: usize| {
        let all: String = (0..n).map(|i| format!(" a{i}=\"\"")).collect();
        format!("<a{all}/>")
    };
    // Fifty per level, and one that the envelope declares.
    let namespaces = |n: usize| {
        let all: Vec<_> = (1..n).map(|i| format!(" xmlns:p{i}=\"u\"")).collect();
        let tags = all.chunks(50).map(|some| format!("<a{}>", some.concat()));
        tags.collect::<String>() + &"</a>".repeat(all.chunks(50).count())
    };
    // At the limit, the message is read.
    for extra in [
        nested(MAX_DEPTH),
        attributes(MAX_ATTRIBUTES),
        namespaces(MAX_NAMESPACES),
    ] {
        for request in soap("nobody", &extra) {
            assert_answer(&sandbox.send(&request).await);
        }
    }
    for extra in [
        nested(MAX_DEPTH + 1),
        attributes(MAX_ATTRIBUTES + 1),
        namespaces(MAX_NAMESPACES + 1),
        nested(20_000),
    ] {
        for request in soap("nobody", &extra) {
            let response = sandbox.send(&request).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST);
            assert_eq!(text(&response), "");
        }
    }
}

#[tokio::test]
async fn a_document_type_is_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for doctype in [
        "<!DOCTYPE s [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
        "<!DOCTYPE s [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE s SYSTEM \"http://192.0.2.1/x.dtd\">",
    ] {
        for request in soap("&b;", "") {
            let request = request.map(|body| [doctype.as_bytes(), &body].concat().into());
            let response = sandbox.send(&request).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{doctype}");
        }
    }
}

#[tokio::test]
async fn a_request_with_a_head_over_the_limit_is_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for mut request in [get("username=nobody"), post("username=nobody")] {
        let long = "x".repeat(shared::lambda::MAX_HEAD);
        request
            .headers_mut()
            .insert("cookie", long.parse().unwrap());
        let response = sandbox.send(&request).await;
        assert_eq!(
            response.status(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        );
    }
}

/// Stored values are user input too.
#[tokio::test]
async fn stored_values_cannot_change_the_mail() {
    let plain = mail_to("Jane Doe", "JDoe", "a@example.com").await.unwrap();
    for hostile in [
        "\r\nBcc: x@example.com\r\n\r\nHello",
        "\n\n    Password:   of-mine\n",
        "\u{202e}drowssap\u{2066}",
        "\u{0}\u{1b}[31m\u{85}\u{2028}",
        "</p><script>alert(1)</script><a href=\"http://example.com\">",
    ] {
        let name = format!("Jane{hostile}Doe");
        let mail = mail_to(&name, &name, "a@example.com").await.unwrap();
        assert_eq!(mail.subject, plain.subject);
        assert_eq!(mail.to, plain.to);
        assert_eq!(mail.text.lines().count(), plain.text.lines().count());
        let passwords = |text: &str| {
            let lines = text.lines();
            lines.filter(|l| l.trim().starts_with("Password:")).count()
        };
        assert_eq!(passwords(&mail.text), 1, "{}", mail.text);
        assert_eq!(
            mail.html.matches('<').count(),
            plain.html.matches('<').count()
        );
        for part in [&mail.text, &mail.html] {
            assert!(!part.contains(['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}']));
        }
    }
    for address in [
        "a@example.com\r\nBcc: x@example.com",
        "a@example.com, x@example.com",
        "\u{202e}moc.elpmaxe@a",
    ] {
        assert_eq!(mail_to("Jane", "JDoe", address).await, None, "{address}");
    }
}

/// The email that a reset sends to an account with these names, if any.
async fn mail_to(display_name: &str, username: &str, email: &str) -> Option<local::ses::Mail> {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let on_file = [
        ("display_name", display_name),
        ("display_username", username),
        ("email", email),
    ];
    sandbox.change_user("jdoe", &on_file).await.unwrap();
    assert_answer(&sandbox.send(&get("username=jdoe")).await);
    let mut mails = sandbox.backend.outbox.mails();
    assert!(mails.len() <= 1);
    mails.pop()
}

#[tokio::test]
async fn names_stay_out_of_logs_and_answers() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut answers = Vec::new();
    // Percent-encoded and as XML, in which NUL and similar characters are never legal.
    for (encoded, xml) in [
        ("%0D%0ABcc:x", Some("&#13;&#10;Bcc:x")),
        (
            "%0A%7B%22level%22:%22ERROR%22%7D",
            Some("&#10;{\"level\":\"ERROR\"}"),
        ),
        ("%E2%80%AEdrowssap", Some("\u{202e}drowssap")),
        ("%E2%81%A6x%E2%81%A9", Some("&#x2066;x&#x2069;")),
        ("%C2%85%E2%80%A8", Some("\u{85}\u{2028}")),
        ("%00%1B%5B2K", None),
        ("%u0000%uD800", None),
        ("%3Cscript%3E&x=1", Some("&lt;script&gt;")),
    ] {
        let form = format!("username={MARK}{encoded}");
        let mut requests = vec![get(&form), post(&form)];
        if let Some(xml) = xml {
            requests.extend(soap(&format!("{MARK}{xml}"), ""));
        }
        for request in requests {
            let response = sandbox.send(&request).await;
            assert_answer(&response);
            answers.push(text(&response));
        }
    }
    for request in soap(&format!("{MARK}&#0;"), "") {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        answers.push(text(&response));
    }
    assert!(answers.iter().all(|answer| !answer.contains(MARK)));
    assert!(sandbox.backend.outbox.mails().is_empty());

    assert!(sandbox.logged().lines().count() >= answers.len());
    sandbox.assert_not_logged(&[MARK, "Bcc"]);
}

/// Some faults quote the request.
#[tokio::test]
async fn answers_in_xml_are_well_formed_whatever_was_sent() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (sent, comes_back_as) in [
        ("%01%0B%1F", "\u{fffd}\u{fffd}\u{fffd}"),
        ("%EF%BF%BE", "\u{fffd}"),
        ("%uFFFF%uD800", "\u{fffd}\u{fffd}"),
        ("%00", "\u{fffd}"),
        ("<a>]]>&", "&lt;a&gt;]]&gt;&amp;"),
    ] {
        for (content_type, soap_action) in [
            ("text/xml".to_owned(), Some(sent)),
            (format!("application/soap+xml; action=\"{sent}\""), None),
        ] {
            let mut request = Request::post(SERVICE).header("content-type", content_type);
            if let Some(action) = soap_action {
                request = request.header("soapaction", action);
            }
            let envelope = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'>\
                            <e:Body/></e:Envelope>";
            let response = sandbox.send(&request.body(envelope.into()).unwrap()).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let text = text(&response);
            assert!(text.contains(comes_back_as), "{text}");
            let mut reader = Reader::new(&text);
            while reader.next_node().unwrap() != Node::Eof {}
        }
    }
}

#[tokio::test]
async fn the_encoding_of_a_request_is_not_that_of_its_answer() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for mut request in soap("nobody", "") {
        let headers = request.headers_mut();
        headers.insert("content-encoding", "gzip".parse().unwrap());
        let response = sandbox.send(&request).await;
        assert_answer(&response);
        assert!(!response.headers().contains_key("content-encoding"));
    }
}

/// The function with a bug.
#[derive(Debug)]
struct Panics(Arc<dyn Handler>);

impl Handler for Panics {
    fn front_door(&self) -> &FrontDoor {
        self.0.front_door()
    }

    fn handle(&self, _: shared::lambda::Request) -> BoxFuture<'_, Answer> {
        Box::pin(async { panic!("a bug") })
    }

    fn fault(&self, request: &shared::lambda::Request) -> Response<String> {
        self.0.fault(request)
    }

    fn on_event<'a>(
        &'a self,
        event: &'a Event,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Value, Error>> {
        self.0.on_event(event, id)
    }
}

#[tokio::test]
async fn a_bug_is_answered_by_the_binding_of_the_request() {
    let mut sandbox = Sandbox::start(&[]).await.unwrap();
    let function = &mut sandbox.functions.reset_user_password;
    *function = Arc::new(Panics(Arc::clone(function)));
    let envelope = |namespace: &str, fault: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{namespace}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soap:Body><soap:Fault>{fault}\
             </soap:Fault></soap:Body></soap:Envelope>"
        )
    };
    let soap11 = envelope(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "<faultcode>soap:Server</faultcode>\
         <faultstring>Server was unable to process request.</faultstring><detail />",
    );
    let soap12 = envelope(
        "http://www.w3.org/2003/05/soap-envelope",
        "<soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason>\
         <soap:Text xml:lang=\"en\">Server was unable to process request.</soap:Text>\
         </soap:Reason><soap:Detail />",
    );
    let line = "Server was unable to process request.\r\n".to_owned();
    let [request11, request12] = soap("jdoe", "");
    let page = Request::get(SERVICE).body(Bytes::new()).unwrap();
    for (request, content_type, body) in [
        (request11, "text/xml", soap11),
        (request12, "application/soap+xml", soap12),
        (get("username=jdoe"), "text/plain", line.clone()),
        (post("username=jdoe"), "text/plain", line.clone()),
        (page, "text/plain", line),
    ] {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(
            header("content-type"),
            format!("{content_type}; charset=utf-8")
        );
        assert_eq!(header("cache-control"), "private");
        assert_eq!(text(&response), body);
    }
}
