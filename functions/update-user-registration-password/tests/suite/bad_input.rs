//! Malicious input: the rows of `docs/limits.md`, and names that try to break out of the email, the
//! log or the audit trail in which they appear.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use axum::body::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use shared::metrics::{self, Metric};
use testkit::Sandbox;
use testkit::requests::basic;
use xml::MAX_DEPTH;

const ROUTE: &str = "/UpdateUserRegistrationPassword";
const PASSWORD: &str = "lamp-Sodium-4417";
/// A part of every hostile value, which must not appear in a log.
const MARK: &str = "hostile-4711";

fn request(uri: &str, content_type: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(uri)
        .header("authorization", basic("admin:p@55wOrd"))
        .header("accept", "application/json")
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

/// The status of the answer, and its error code if there is one.
fn outcome(response: &Response<Bytes>) -> (u16, String) {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let code = body["ResponseStatus"]["ErrorCode"].as_str();
    (
        response.status().as_u16(),
        code.unwrap_or_default().to_owned(),
    )
}

async fn send(sandbox: &Sandbox, request: Request<Bytes>) -> (u16, String) {
    outcome(&sandbox.send(&request).await)
}

async fn send_json(sandbox: &Sandbox, body: &Value) -> (u16, String) {
    send(
        sandbox,
        request(ROUTE, "application/json", body.to_string()),
    )
    .await
}

#[tokio::test]
async fn too_many_parameters_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let pairs = |n: usize| "x=1&".repeat(n - 1) + "x=1";
    let parts = |n: usize| {
        let part = "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n";
        part.repeat(n) + "--b--\r\n"
    };
    let urlencoded = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=b";
    let allowed = (400, "NotEmpty".to_owned());
    let refused = (400, "InvalidOperationException".to_owned());
    for (n, expected) in [(1_000, allowed), (1_001, refused)] {
        for request in [
            request(&format!("{ROUTE}?{}", pairs(n)), urlencoded, ""),
            request(ROUTE, urlencoded, pairs(n)),
            request(ROUTE, multipart, parts(n)),
        ] {
            assert_eq!(send(&sandbox, request).await, expected, "{n}");
        }
    }
}

/// The limit applies to the decompressed body, and no more is decompressed.
#[tokio::test]
async fn compressed_bodies_are_limited_by_what_comes_out() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let json = |length: usize| {
        let body = json!({ "X": "" }).to_string();
        body.replace(
            "\"\"}",
            &format!("\"{}\"}}", "x".repeat(length - body.len())),
        )
    };
    let empty = (400, "NotEmpty".to_owned());
    let too_long = (413, "RequestEntityTooLarge".to_owned());
    let unreadable = (400, "SerializationException".to_owned());
    let whole = gzip(json(256 * 1024).as_bytes());
    let cut = whole[..whole.len() - 9].to_vec();
    for (encoding, body, expected) in [
        ("gzip", whole.clone(), &empty),
        ("gzip", gzip(json(256 * 1024 + 1).as_bytes()), &too_long),
        ("gzip", gzip(&vec![b'x'; 64 * 1024 * 1024]), &too_long),
        ("gzip", cut, &unreadable),
        ("gzip", json(100).into_bytes(), &unreadable),
        ("deflate", whole.clone(), &unreadable),
        // Only these two encodings in lower case; bodies with others are read unchanged.
        ("GZIP", whole, &unreadable),
        ("identity", json(100).into_bytes(), &empty),
        // An empty body is a few bytes long after compression.
        ("gzip", Vec::new(), &unreadable),
        ("deflate", Vec::new(), &unreadable),
        ("deflate", b"x".to_vec(), &unreadable),
    ] {
        let mut request = request(ROUTE, "application/json", body);
        let headers = request.headers_mut();
        headers.insert("content-encoding", encoding.parse().unwrap());
        assert_eq!(&send(&sandbox, request).await, expected, "{encoding}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A browser adds a known credential to requests from any page.
#[tokio::test]
async fn pages_of_other_origins_cannot_set_passwords() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let form = format!("Email=a%40example.com&NewPassword={PASSWORD}");
    let json = json!({ "Email": "a@example.com", "NewPassword": PASSWORD }).to_string();
    let part = |name, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n")
    };
    let multipart = part("Email", "a@example.com") + &part("NewPassword", PASSWORD) + "--b--";
    let predefined = "/json/reply/UpdateUserRegistrationPasswordRequest";
    let before = sandbox.user("jdoe").await.unwrap();
    for (uri, content_type, body) in [
        (ROUTE, "application/x-www-form-urlencoded", &form),
        (ROUTE, "multipart/form-data; boundary=b", &multipart),
        (predefined, "text/plain", &json),
        (ROUTE, "application/json", &json),
    ] {
        let sent = |headers: &[(&'static str, &str)]| {
            let mut request = request(uri, content_type, body.clone());
            let map = request.headers_mut();
            map.insert("host", "regapi.example.com".parse().unwrap());
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            request
        };
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ] {
            let answer = send(&sandbox, sent(foreign)).await;
            assert_eq!(answer, (403, "Forbidden".to_owned()), "{foreign:?}");
            assert_eq!(sandbox.user("jdoe").await.unwrap(), before);
        }
    }
    // A page of the service itself, and a program that names the service as its origin.
    for own in [
        [("sec-fetch-site", "same-origin"), ("origin", "null")],
        [
            ("sec-fetch-site", "none"),
            ("origin", "http://regapi.example.com"),
        ],
    ] {
        let mut request = request(ROUTE, "application/json", json.clone());
        let map = request.headers_mut();
        map.insert("host", "regapi.example.com".parse().unwrap());
        for (name, value) in own {
            map.insert(name, value.parse().unwrap());
        }
        assert_eq!(
            send(&sandbox, request).await,
            (200, String::new()),
            "{own:?}"
        );
    }
}

/// XML answers that quote input are well-formed.
#[tokio::test]
async fn xml_answers_are_well_formed() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let name = "J\u{1}ane\u{FFFE}";
    sandbox
        .change_user("jdoe", &[("display_name", name)])
        .await
        .unwrap();
    let hostile = "a\u{1}\u{b}\u{FFFE}\u{FFFF}]]>&<@example.com";
    let flag = "?SendResetEmail=%01x%EF%BF%BE";
    let unknown = json!({ "Email": "a\u{FFFE}@b.com", "NewPassword": PASSWORD });
    for (query, body, expected) in [
        (
            "",
            json!({ "Email": "a@example.com", "NewPassword": PASSWORD }),
            "J\u{fffd}ane\u{fffd}",
        ),
        ("", unknown, "Customer a\u{fffd}@b.com was not found"),
        (flag, json!({}), "'\u{fffd}x\u{fffd}' is an Invalid value"),
        ("", json!({ "Email": hostile }), "not a valid email address"),
    ] {
        let uri = format!("{ROUTE}.xml{query}");
        let request = request(&uri, "application/json", body.to_string());
        let response = sandbox.send(&request).await;
        let text = std::str::from_utf8(response.body()).unwrap();
        let mut reader = xml::Reader::new(text);
        while reader.next_node().unwrap() != xml::Node::Eof {}
        assert!(text.contains(expected), "{text}");
    }
}

/// Unknown members are skipped without a stack that could overflow. Known members must not be
/// objects or lists.
#[tokio::test]
async fn deep_bodies_are_skipped_or_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let unread = (400, "SerializationException".to_owned());
    for (content_type, unknown, known) in [
        (
            "application/json",
            format!("{{\"X\":{deep}}}"),
            format!("{{\"Email\":{deep}}}"),
        ),
        (
            "application/jsv",
            format!("{{X:{deep}}}"),
            format!("{{SendResetEmail:{deep}}}"),
        ),
    ] {
        let skipped = send(&sandbox, request(ROUTE, content_type, unknown)).await;
        assert_eq!(skipped, (400, "NotEmpty".to_owned()), "{content_type}");
        let refused = send(&sandbox, request(ROUTE, content_type, known)).await;
        assert_eq!(refused, unread, "{content_type}");
    }
    let xml = |levels: usize| {
        let dto = "UpdateUserRegistrationPasswordRequest";
        let namespace = "http://schemas.datacontract.org/2004/07/\
                         Registrar.Model.Model.Transactions.UserRegistration";
        let inside = "<x>".repeat(levels - 1) + &"</x>".repeat(levels - 1);
        let body = format!("<{dto} xmlns=\"{namespace}\">{inside}</{dto}>");
        request(ROUTE, "application/xml", body)
    };
    let read = (400, "NotEmpty".to_owned());
    assert_eq!(send(&sandbox, xml(MAX_DEPTH)).await, read);
    assert_eq!(send(&sandbox, xml(MAX_DEPTH + 1)).await, unread);
}

#[tokio::test]
async fn a_credential_over_the_limit_is_ignored() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    // 4,096 bytes, rounded to Base64 groups of four.
    for (length, verified) in [(4_094, 1), (4_098, 0)] {
        let credential = basic(&format!("admin:{}", "x".repeat((length - 6) / 4 * 3 - 6)));
        assert_eq!(credential.len(), length);
        let mut request = request(ROUTE, "application/json", "{}");
        let headers = request.headers_mut();
        headers.insert("authorization", credential.parse().unwrap());
        let (response, measured) = metrics::collect(sandbox.send(&request)).await;
        assert_eq!(outcome(&response), (401, "Unauthorized".to_owned()));
        let logins = measured.values(Metric::LoginFailures).len();
        assert_eq!(logins, verified, "{length}");
        // Without a credential, there is a challenge.
        let is_asked = response.headers().contains_key("www-authenticate");
        assert_eq!(is_asked, verified == 0, "{length}");
    }
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut request = request(ROUTE, "application/json", "{}");
    let long = "x".repeat(shared::lambda::MAX_HEAD);
    request
        .headers_mut()
        .insert("cookie", long.parse().unwrap());
    assert_eq!(
        sandbox.send(&request).await.status(),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
}

#[tokio::test]
async fn passwords_are_8_or_15_to_128_code_points() {
    for (minimum, variables) in [(8, vec![]), (15, vec![("PASSWORD_MIN_LENGTH", "15")])] {
        let sandbox = Sandbox::start(&variables).await.unwrap();
        for (length, expected) in [
            (minimum - 1, (400, "Length")),
            (minimum, (200, "")),
            (128, (200, "")),
            (129, (400, "Length")),
        ] {
            // Four bytes each.
            let password = "\u{1F600}".repeat(length);
            let body = json!({ "Email": "a@example.com", "NewPassword": password });
            let (status, code) = send_json(&sandbox, &body).await;
            assert_eq!((status, &*code), expected, "{length} of {minimum}");
        }
    }
}

#[tokio::test]
async fn a_password_may_have_any_characters_but_must_not_be_a_word_of_the_account() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let address = "jane.doe.smith@example.com";
    let on_file = [("email", address), ("email_key", address)];
    sandbox.change_user("jdoe", &on_file).await.unwrap();
    for (password, expected) in [
        ("aaa\u{0}aaaa", (200, "")),
        ("   spaces   ", (200, "")),
        ("пароль-из-слов", (200, "")),
        ("QWERTYUIOP", (400, "Predicate")),
        ("Jane.Doe.Smith", (400, "Predicate")),
        ("jane.doe.smith@EXAMPLE.com", (400, "Predicate")),
    ] {
        let body = json!({ "Email": address, "NewPassword": password });
        let (status, code) = send_json(&sandbox, &body).await;
        assert_eq!((status, &*code), expected, "{password:?}");
    }
}

#[tokio::test]
async fn addresses_that_are_too_long_or_invalid_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (email, expected) in [
        (
            format!("{}@example.com", "a".repeat(245)),
            (404, "NotFound"),
        ),
        (
            format!("{}@example.com", "a".repeat(200_000)),
            (404, "NotFound"),
        ),
        ("\u{202e}a@example.com".to_owned(), (404, "NotFound")),
        ("a\u{2066}@example.com".to_owned(), (404, "NotFound")),
        ("a\u{0}@example.com".to_owned(), (400, "Email")),
        (
            "a@example.com\r\nBcc:x@example.com".to_owned(),
            (400, "Email"),
        ),
        ("a@example.com,x@example.com".to_owned(), (400, "Email")),
        ("a\u{2028}@example.com".to_owned(), (400, "Email")),
    ] {
        let body = json!({ "Email": email, "NewPassword": PASSWORD, "SendResetEmail": true });
        let (status, code) = send_json(&sandbox, &body).await;
        assert_eq!((status, &*code), expected, "{email:.40?}");
    }
    assert!(sandbox.backend.outbox.mails().is_empty());
}

/// Long brands and requesters have no side effects.
#[tokio::test]
async fn brand_and_requester_cannot_add_lines() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let hostile = "portal\r\nevent: forged\u{202e}\u{0}".to_owned() + &"x".repeat(100_000);
    let body = json!({
        "Email": "a@example.com", "NewPassword": PASSWORD, "SendResetEmail": true,
        "CustomerBrandName": hostile, "Requester": hostile,
    });
    assert_eq!(send_json(&sandbox, &body).await, (200, String::new()));
    let audit = sandbox.audit("jdoe").await.unwrap();
    let requester = audit.last().unwrap()["requester"].as_s().unwrap();
    assert_eq!(requester.chars().count(), 256);
    assert!(
        requester.starts_with("portal  event: forged xxx"),
        "{requester}"
    );

    let mails = sandbox.backend.outbox.mails();
    assert!(!mails[0].text.contains("forged") && !mails[0].html.contains("forged"));
}

#[tokio::test]
async fn stored_values_cannot_change_the_mail() {
    let plain = mail_to("Jane Doe", "a@example.com").await.unwrap();
    for hostile in [
        "\r\nBcc: x@example.com\r\n\r\nHello",
        "\u{202e}drowssap\u{2066}",
        "\u{0}\u{1b}[31m\u{85}\u{2028}",
        "</p><script>alert(1)</script>",
    ] {
        let name = format!("Jane{hostile}Doe");
        let mail = mail_to(&name, "a@example.com").await.unwrap();
        assert_eq!((&mail.subject, &mail.to), (&plain.subject, &plain.to));
        assert_eq!(mail.text.lines().count(), plain.text.lines().count());
        let tags = |html: &str| html.matches('<').count();
        assert_eq!(tags(&mail.html), tags(&plain.html));
    }
    let two = "a@example.com, x@example.com";
    assert_eq!(mail_to("Jane", two).await, None);
}

/// The email about a change to an account with this name and address, if any.
async fn mail_to(name: &str, address: &str) -> Option<local::ses::Mail> {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let on_file = [
        ("display_name", name),
        ("display_username", name),
        ("email", address),
    ];
    sandbox.change_user("jdoe", &on_file).await.unwrap();
    let body = json!({
        "Email": "a@example.com", "NewPassword": PASSWORD, "SendResetEmail": true
    });
    assert_eq!(send_json(&sandbox, &body).await, (200, String::new()));
    sandbox.backend.outbox.mails().pop()
}

#[tokio::test]
async fn values_stay_out_of_logs() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut requests = 0;
    for hostile in [
        "\r\nlevel=ERROR",
        "\"}\n{\"level\":\"ERROR\"}",
        "\u{202e}",
        "\u{0}\u{1b}[2K",
        "\u{85}\u{2028}",
    ] {
        let value = format!("{MARK}{hostile}");
        let body = json!({
            "Email": value, "NewPassword": value, "CustomerBrandName": value, "Requester": value
        });
        let mut by_a_stranger = request(ROUTE, "application/json", body.to_string());
        let credential = basic(&format!("{value}:{value}")).parse().unwrap();
        by_a_stranger
            .headers_mut()
            .insert("authorization", credential);
        assert_eq!(send(&sandbox, by_a_stranger).await.0, 401);
        assert_eq!(send_json(&sandbox, &body).await.0, 400);
        requests += 2;
    }
    assert!(sandbox.logged().lines().count() >= requests);
    sandbox.assert_not_logged(&[MARK]);
}

/// The answer after a bug reveals nothing about it, and has the format that the client expects.
#[tokio::test]
async fn a_bug_is_answered_in_the_format_of_the_call() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let message = "The service is temporarily unable to process the request";
    let namespace = "http://schemas.datacontract.org/2004/07/\
                     Registrar.Model.Model.Transactions.UserRegistration";
    let json = format!(
        "{{\"ResponseStatus\":{{\"ErrorCode\":\"Exception\",\"Message\":\"{message}\",\
         \"Errors\":[]}},\"Id\":0,\"ResetEmailSent\":false}}"
    );
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><UpdateUserRegistrationPasswordResponse \
         xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{namespace}\">\
         <DisplayName i:nil=\"true\" /><Id>0</Id><ResetEmailSent>false</ResetEmailSent>\
         <ResponseStatus xmlns:d2p1=\"http://schemas.servicestack.net/types\">\
         <d2p1:ErrorCode>Exception</d2p1:ErrorCode><d2p1:Message>{message}</d2p1:Message>\
         <d2p1:StackTrace i:nil=\"true\" /><d2p1:Errors />\
         <d2p1:Meta xmlns:d3p1=\"http://schemas.microsoft.com/2003/10/Serialization/Arrays\" \
         i:nil=\"true\" /></ResponseStatus></UpdateUserRegistrationPasswordResponse>"
    );
    let jsv = format!(
        "{{ResponseStatus:{{ErrorCode:Exception,Message:{message},Errors:[]}},Id:0,\
         ResetEmailSent:False}}"
    );
    let predefined = "/reply/UpdateUserRegistrationPasswordRequest";
    let json_type = "application/json; charset=utf-8";
    for (path, content_type, body) in [
        (ROUTE.to_owned(), json_type, &json),
        (format!("{ROUTE}.xml"), "application/xml", &xml),
        (format!("/xml{predefined}"), "application/xml", &xml),
        (format!("/json{predefined}"), json_type, &json),
        (format!("/jsv{predefined}"), "application/jsv", &jsv),
        ("/metadata".to_owned(), json_type, &json),
        ("/".to_owned(), json_type, &json),
    ] {
        let headers = http::HeaderMap::new();
        let request = shared::lambda::Request::new(http::Method::POST, &path, headers, vec![]);
        let function = &sandbox.functions.update_user_registration_password;
        let response = function.fault(&request);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
        assert_eq!(response.body(), body, "{path}");
    }
}
