//! Malicious bodies: beyond or just within the limits in `docs/limits.md`, or malformed.

use serde_json::json;

use super::call::{Call, Expected, Target};
use crate::function::Error;

/// The maximum length of a body, in bytes.
const MAX_BODY: usize = 256 * 1_024;
const NOBODY: &str = "nobody-hostile";

/// Calls with malicious bodies. The expected result of each is that of a sample event.
pub(super) fn calls() -> Result<Vec<Call>, Error> {
    Ok([envelopes()?, forms()?, updates()?].concat())
}

fn envelopes() -> Result<Vec<Call>, Error> {
    let call = Call::sample(Target::Reset, "soap11")?.replace("jdoe", NOBODY);
    let unread = Call::sample(Target::Reset, "error-malformed-xml")?;
    let behind_name = |extra: &str| {
        call.clone()
            .replace("</soap:Body>", &format!("{extra}</soap:Body>"))
    };
    let in_front = |text: &str| {
        call.clone()
            .replace("<soap:Envelope", &format!("{text}<soap:Envelope"))
    };
    let long_name = "x".repeat(2_000);
    let read = [
        in_front(&"<!-- -->".repeat(30_000)),
        call.clone().replace(NOBODY, &long_name),
        behind_name(&format!("<a{}/>", attributes(60))),
    ];
    let refused = [
        behind_name(&("<a>".repeat(20_000) + &"</a>".repeat(20_000))),
        behind_name(&"<a>".repeat(60_000)),
        behind_name(&format!("<a{}/>", attributes(10_000))),
        behind_name(&format!("<a{}/>", namespaces(5_000))),
        in_front("<!DOCTYPE s [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>")
            .replace(NOBODY, "&b;"),
        call.clone().replace(NOBODY, "&#0;"),
        call.clone().replace(NOBODY, "a\0b"),
        call.clone().body(&not_utf8("<soap:Envelope><soap:Body>")),
        call.clone().body(&vec![b'<'; MAX_BODY]),
        call.clone().body(&vec![0; MAX_BODY]),
    ];
    let refused = refused.map(|call| call.like(&unread));
    let too_large = Call::sample(Target::Reset, "error-body-too-large")?;
    let too_large = call.body(&vec![b'<'; MAX_BODY + 1]).like(&too_large);
    Ok([&read[..], &refused[..], &[too_large]].concat())
}

fn forms() -> Result<Vec<Call>, Error> {
    let call = Call::sample(Target::Reset, "http-post")?;
    let nameless = Call::sample(Target::Reset, "error-parameter-missing")?;
    let bodies: [&[u8]; 3] = [
        b"username=%00%FF%FE",
        b"username=%0D%0ABcc:x",
        &not_utf8("username="),
    ];
    let read = bodies.map(|body| call.clone().body(body));
    let nameless = call.body(&vec![b'a'; MAX_BODY]).like(&nameless);
    Ok([&read[..], &[nameless]].concat())
}

fn updates() -> Result<Vec<Call>, Error> {
    let json = Call::sample(Target::Update, "json")?;
    let xml = Call::sample(Target::Update, "xml")?;
    let unread_json = Call::sample(Target::Update, "error-malformed-json")?;
    let unread_xml = Call::sample(Target::Update, "error-malformed-xml")?;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let in_json = [
        format!("{{\"Email\":{deep}}}").into_bytes(),
        format!("{{\"Email\":{}", "[".repeat(MAX_BODY - 10)).into_bytes(),
        not_utf8("{\"Email\":\""),
        vec![0; MAX_BODY],
    ];
    let in_json = in_json.map(|body| json.clone().body(&body).like(&unread_json));
    let root = "<UpdateUserRegistrationPasswordRequest";
    let in_xml = [
        xml.clone()
            .replace(root, &format!("{root}{}", attributes(10_000))),
        xml.clone()
            .replace("<Email>", &format!("{}<Email>", "<a>".repeat(20_000))),
        xml.clone().replace("a@example.com", "a\0b@example.com"),
        xml.clone()
            .replace(root, &format!("<!DOCTYPE x [<!ENTITY e \"e\">]>{root}")),
        xml.body(&not_utf8(root)),
    ];
    let in_xml = in_xml.map(|call| call.like(&unread_xml));
    let nobody = json!({ "Email": format!("{}@example.com", "a".repeat(200_000)), "NewPassword": "lamp-Sodium-4417" });
    let nobody = Call {
        expected: Expected::Part("\"statusCode\":404"),
        ..json.body(nobody.to_string().as_bytes())
    };
    Ok([&in_json[..], &in_xml[..], &[nobody]].concat())
}

fn attributes(count: usize) -> String {
    (0..count)
        .map(|number| format!(" a{number}=\"\""))
        .collect()
}

fn namespaces(count: usize) -> String {
    (0..count)
        .map(|number| format!(" xmlns:p{number}=\"u\""))
        .collect()
}

/// A text followed by bytes that are invalid in UTF-8.
fn not_utf8(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\xc3\x28\xff\xfe\xf8"].concat()
}
