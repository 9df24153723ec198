//! Decoding of SOAP calls, in the order of the .NET Framework's `SoapServerProtocol`. The order
//! decides which of several errors a client sees.

use std::borrow::Cow;

use shared::lambda::Request;
use xml::soap::{Envelope, EnvelopeError, EnvelopeErrorKind, FaultCode, Version};
use xml::{Charset, DecodeError, Fallback, Node, Reader};

use super::call::{Binding, Call, MAX_BODY, NAMESPACE, OPERATION};
use super::content_type::ContentType;
use super::protocols::Protocols;
use super::rejection::Rejection;
use super::soap_routing::{self, Action, missing};
use crate::operation::Input;

const TOO_LONG: &str = "There was an exception running the extensions specified in the config \
                        file. ---> Maximum request length exceeded.";

/// Reads a call. `guessed` is the version to answer in until the envelope shows the actual one.
pub(super) fn decode(
    protocols: Protocols,
    guessed: Version,
    request: &Request,
) -> Result<Call, Rejection> {
    let content_type = ContentType::of(request);
    let action = soap_routing::action(guessed, request)?;
    if request.body.len() > MAX_BODY {
        return Err(Rejection::fault(guessed, FaultCode::Receiver, TOO_LONG));
    }
    let text = text(&content_type, &request.body);
    let text = text.as_deref().map(without_padding);
    if let Action::Unknown(reason) = action {
        soap_routing::check_first_child(protocols, text, reason)?;
    }
    let is_on = |version| protocols.has(version) && content_type.is_of(version);
    if !Version::ALL.into_iter().any(is_on) {
        return Err(Rejection::UnsupportedMediaType(guessed));
    }
    let text = text.map_err(|_| Rejection::BadRequest(guessed))?;
    let envelope = Envelope::open(text, &protocols.soap());
    let version = match &envelope {
        Ok(envelope) => Some(envelope.version()),
        Err(error) => error.version,
    };
    if version == Some(Version::V11) && !content_type.is_of(Version::V11) {
        return Err(Rejection::UnsupportedMediaType(Version::V11));
    }
    let envelope = envelope.map_err(|error| refused(error, guessed, protocols))?;
    read(envelope)
}

/// The rejection of a message that is not a valid envelope up to its body.
fn refused(error: EnvelopeError, guessed: Version, protocols: Protocols) -> Rejection {
    let version = error.version.unwrap_or(guessed);
    match error.kind {
        EnvelopeErrorKind::Malformed(_) => Rejection::BadRequest(version),
        EnvelopeErrorKind::VersionMismatch { namespace } => {
            Rejection::version_mismatch(namespace, protocols)
        }
        EnvelopeErrorKind::Missing(part) => {
            let reason = format!("Server was unable to read request. ---> {}", missing(part));
            Rejection::fault(version, FaultCode::Sender, reason)
        }
    }
}

/// Reads the operation and the rest of the envelope.
fn read(mut envelope: Envelope<'_>) -> Result<Call, Rejection> {
    let version = envelope.version();
    let not_understood = envelope.not_understood().map(str::to_owned);
    let username = read_body(&mut envelope)
        .and_then(|username| read_end(envelope).map(|()| username))
        .map_err(|Malformed| Rejection::BadRequest(version))?;
    if let Some(header) = not_understood {
        let reason = format!("SOAP header {header} was not understood.");
        return Err(Rejection::fault(version, FaultCode::MustUnderstand, reason));
    }
    Ok(Call {
        binding: Binding::Soap(version),
        input: Input { username },
    })
}

/// The error for a message that is not well-formed, or has elements where only text is allowed.
struct Malformed;

impl From<xml::Error> for Malformed {
    fn from(_: xml::Error) -> Self {
        Self
    }
}

/// Reads the user name of the last operation that has one.
fn read_body(envelope: &mut Envelope<'_>) -> Result<Option<String>, Malformed> {
    let mut username = None;
    while let Some(child) = envelope.next_child()? {
        let reader = envelope.reader();
        if child.is(NAMESPACE, OPERATION) {
            username = read_operation(reader)?.or(username);
        } else {
            reader.skip()?;
        }
    }
    Ok(username)
}

/// Reads the first user name of an operation.
fn read_operation(reader: &mut Reader<'_>) -> Result<Option<String>, Malformed> {
    let mut username = None;
    while let Node::Start(element) = reader.next_tag()? {
        if username.is_none() && element.is(NAMESPACE, "username") {
            username = Some(read_string(reader)?);
        } else {
            reader.skip()?;
        }
    }
    Ok(username)
}

/// Reads the text of an element like `XmlReader.ReadElementString`. If the element begins with a
/// child, the result is the text of the child.
fn read_string(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    match reader.next_node()? {
        Node::Start(_) => {
            let text = reader.text()?;
            reader.skip()?;
            Ok(text)
        }
        Node::Text(text) => Ok(text.into_owned() + &reader.text()?),
        Node::End => Ok(String::new()),
        Node::Comment | Node::Instruction | Node::Eof => Err(Malformed),
    }
}

/// Reads to the end of the envelope and one node further, not counting white space. The legacy
/// server did not read beyond a comment there.
fn read_end(envelope: Envelope<'_>) -> Result<(), Malformed> {
    let mut reader = envelope.close()?;
    while let Node::Text(_) = reader.next_node()? {}
    Ok(())
}

/// Decodes the message. `text/xml` whose XML declaration cannot be true (an unknown encoding, or
/// UTF-16 for bytes that are not) is decoded as UTF-8, as .NET did; a true declaration is honoured.
fn text<'a>(content_type: &ContentType<'_>, body: &'a [u8]) -> Result<Cow<'a, str>, DecodeError> {
    let charset = content_type.parameter("charset");
    if content_type.is_of(Version::V11) {
        let text = xml::decode(body, charset, Fallback::Lossy);
        Ok(text.unwrap_or_else(|_| Charset::UTF_8.decode(body)))
    } else {
        xml::decode(body, charset, Fallback::Strict)
    }
}

/// Removes NUL characters after the last `>`, which .NET treats as the end of a zero-terminated
/// stream.
fn without_padding(text: &str) -> &str {
    let unpadded = text.trim_end_matches('\0');
    if unpadded.ends_with('>') {
        unpadded
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::asmx::call::SOAP_ACTION;

    const ENVELOPE: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\">\
        <e:Body><ResetUserPassword xmlns=\"http://www.ifactorconsulting.com/webservices\">\
        <username>bob</username></ResetUserPassword></e:Body></e:Envelope>";

    /// Decodes a call in SOAP 1.1 as `text/xml`, or in SOAP 1.2 as `application/soap+xml`, with the
    /// right action.
    fn decoded(version: Version, body: &[u8]) -> Result<Call, Rejection> {
        sent_as(version.media_type(), version, body)
    }

    fn sent_as(media_type: &str, guessed: Version, body: &[u8]) -> Result<Call, Rejection> {
        let content_type = format!("{media_type}; action=\"{SOAP_ACTION}\"");
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, content_type.parse().unwrap()),
            (
                HeaderName::from_static("soapaction"),
                HeaderValue::from_static(SOAP_ACTION),
            ),
        ]);
        let request = Request::new(Method::POST, "", headers, body.to_vec());
        decode(Protocols::ALL, guessed, &request)
    }

    fn soap12(envelope: &str) -> String {
        envelope.replace(Version::V11.namespace(), Version::V12.namespace())
    }

    /// The user name in a SOAP 1.1 envelope with this body.
    fn username(body: &str) -> Result<Option<String>, Rejection> {
        let (start, end) = ENVELOPE.split_once("<username>bob</username>").unwrap();
        let call = decoded(Version::V11, format!("{start}{body}{end}").as_bytes());
        call.map(|call| call.input.username)
    }

    const BAD_REQUEST: Rejection = Rejection::BadRequest(Version::V11);

    #[test]
    fn one_node_after_the_envelope_is_read() {
        for fine in [
            "",
            " \r\n",
            "<!-- c -->",
            " <?p?>",
            "<!-- c -->garbage",
            "<?p?><a>",
            "\0",
            "\0\0\0",
            " <!-- c -->\0",
        ] {
            let call = decoded(Version::V11, format!("{ENVELOPE}{fine}").as_bytes()).unwrap();
            assert_eq!(call.input.username.as_deref(), Some("bob"), "{fine:?}");
        }
        for wrong in [
            "garbage",
            " garbage",
            "<a/>",
            "&amp;",
            "<!-- c",
            "<!-- -- -->",
            "</a>",
            "\r\n\0",
            "\0 ",
            "\0<!-- c -->",
            "\u{1a}",
        ] {
            let result = decoded(Version::V11, format!("{ENVELOPE}{wrong}").as_bytes());
            assert_eq!(result, Err(BAD_REQUEST), "{wrong:?}");
        }
        let padded = soap12(ENVELOPE) + "\0";
        assert!(decoded(Version::V12, padded.as_bytes()).is_ok());
    }

    #[test]
    fn a_user_name_is_text_or_begins_with_an_element() {
        for (content, expected) in [
            ("bob", "bob"),
            ("", ""),
            (" b<![CDATA[o]]>&#98; ", " bob "),
            ("<string>bob</string>", "bob"),
            ("<string>bob</string>x<y/>", "bob"),
            ("<b/>", ""),
            ("<b></b>x", ""),
        ] {
            let name = username(&format!("<username>{content}</username>")).unwrap();
            assert_eq!(name.as_deref(), Some(expected), "{content}");
        }
        for content in [
            "bob<b/>",
            " <b>bob</b>",
            "<b>bob<c/></b>",
            "<b><c>bob</c></b>",
            "<!-- c -->bob",
            "<?p?>bob",
            "bob<!-- c -->",
        ] {
            let result = username(&format!("<username>{content}</username>"));
            assert_eq!(result, Err(BAD_REQUEST), "{content}");
        }
    }

    #[test]
    fn the_first_user_name_of_the_last_operation_that_has_one_counts() {
        let next = "</ResetUserPassword>\
                    <ResetUserPassword xmlns=\"http://www.ifactorconsulting.com/webservices\">";
        for (body, expected) in [
            (
                "<username>a</username><username>b</username>".to_owned(),
                Some("a"),
            ),
            (
                format!("<username>a</username>{next}<username>b</username>"),
                Some("b"),
            ),
            (format!("<username>a</username>{next}"), Some("a")),
            (format!("<username>a</username>{next}<username/>"), Some("")),
            (
                "<Username>a</Username><username xmlns=\"\">b</username>".to_owned(),
                None,
            ),
        ] {
            assert_eq!(username(&body).unwrap().as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_false_declaration_is_an_error_only_in_soap_1_2_without_a_charset() {
        for name in [
            "utf-16",
            "UCS-2",
            "unicode",
            "ANSI",
            "",
            "ISO 8859-1",
            "8859_1",
        ] {
            let declaration = format!("<?xml version=\"1.0\" encoding=\"{name}\"?>");
            let soap11 = format!("{declaration}{ENVELOPE}");
            let soap12 = format!("{declaration}{}", soap12(ENVELOPE));
            assert!(decoded(Version::V11, soap11.as_bytes()).is_ok(), "{name}");
            assert_eq!(
                decoded(Version::V12, soap12.as_bytes()),
                Err(Rejection::BadRequest(Version::V12)),
                "{name}"
            );
            for charset in ["text/xml; charset=utf-8", "text/xml; charset=x-none"] {
                let result = sent_as(charset, Version::V11, soap11.as_bytes());
                assert!(result.is_ok(), "{name} {charset}");
            }
            let charset = "application/soap+xml; charset=utf-8";
            let result = sent_as(charset, Version::V12, soap12.as_bytes());
            assert!(result.is_ok(), "{name}");
        }
    }

    #[test]
    fn a_true_declaration_is_honoured() {
        let envelope = ENVELOPE.replace("bob", "b\u{f6}b");
        let declaration = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>";
        let latin1: Vec<u8> = format!("{declaration}{envelope}")
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect();
        let call = decoded(Version::V11, &latin1).unwrap();
        assert_eq!(call.input.username.as_deref(), Some("b\u{f6}b"));
    }

    #[test]
    fn other_content_types_are_unsupported() {
        for media_type in ["text/plain", "application/xml", "text/xml ", ""] {
            for guessed in Version::ALL {
                let result = sent_as(media_type, guessed, ENVELOPE.as_bytes());
                let expected = Err(Rejection::UnsupportedMediaType(guessed));
                assert_eq!(result, expected, "{media_type}");
            }
        }
    }

    #[test]
    fn only_soap_1_2_is_read_as_application_soap_xml() {
        let expected = Err(Rejection::UnsupportedMediaType(Version::V11));
        for body in [
            ENVELOPE.to_owned(),
            ENVELOPE.replace("e:Body", "e:Bodi"),
            ENVELOPE.replace("</e:Body>", ""),
            ENVELOPE.replace("<e:Body>", "text<e:Body>"),
            ENVELOPE.replace("e:Envelope", "e:Envelop"),
            ENVELOPE.replace("<e:Body>", "<e:Header></e:Body>"),
        ] {
            assert_eq!(decoded(Version::V12, body.as_bytes()), expected, "{body}");
        }
        assert_eq!(
            sent_as("text/xml", Version::V11, soap12(ENVELOPE).as_bytes())
                .unwrap()
                .binding,
            Binding::Soap(Version::V12)
        );
    }

    #[test]
    fn only_a_header_may_come_before_the_body() {
        let reason = "Server was unable to read request. ---> Request format is invalid: Missing \
                      required soap:Body element.";
        let expected = Err(Rejection::fault(Version::V11, FaultCode::Sender, reason));
        for before in [
            "text",
            "&#65;",
            "\u{a0}",
            "<![CDATA[x]]>",
            "<x/>",
            "text<e:Header/>",
            "<e:Header/>text",
            "<e:Header/><e:Header/>",
        ] {
            let body = ENVELOPE.replace("<e:Body>", &format!("{before}<e:Body>"));
            assert_eq!(decoded(Version::V11, body.as_bytes()), expected, "{before}");
        }
        let fine = ENVELOPE.replace("<e:Body>", " <!-- c --><e:Header/> <?p?><e:Body>");
        assert!(decoded(Version::V11, fine.as_bytes()).is_ok());
    }

    /// The reader that .NET generates skips unknown content before the operation. Without an action
    /// the same text makes the request unroutable.
    #[test]
    fn text_before_the_operation_is_skipped_when_the_action_names_it() {
        let body = ENVELOPE.replace("<e:Body>", "<e:Body>text");
        assert_eq!(
            decoded(Version::V11, body.as_bytes()),
            decoded(Version::V11, ENVELOPE.as_bytes())
        );
        assert!(decoded(Version::V11, ENVELOPE.as_bytes()).is_ok());
    }

    #[test]
    fn the_longest_body_is_read() {
        let padding = |length: usize| " ".repeat(length - ENVELOPE.len());
        let longest = format!("{ENVELOPE}{}", padding(262_144));
        assert!(decoded(Version::V11, longest.as_bytes()).is_ok());
        let expected = Rejection::fault(Version::V11, FaultCode::Receiver, TOO_LONG);
        assert_eq!(
            decoded(Version::V11, format!("{longest} ").as_bytes()),
            Err(expected)
        );
    }
}
