//! Routing of SOAP messages to the operation, by their action or else by the first child of their
//! body.

use std::borrow::Cow;

use shared::lambda::Request;
use xml::soap::{FaultCode, Version};
use xml::{DecodeError, Element, ErrorKind, Node, Reader};

use super::call::{NAMESPACE, OPERATION, SOAP_ACTION};
use super::content_type::ContentType;
use super::form::url_decode;
use super::protocols::Protocols;
use super::rejection::Rejection;

/// The message of `String.Substring` if the action is a single quotation mark.
const LONE_QUOTE: &str = "Server was unable to process request. ---> Length cannot be less than \
                          zero.\r\nParameter name: length";
const NO_ACTION: &str = "Unable to handle request without a valid action parameter. Please supply \
                         a valid soap action.";

/// The operation that a request names outside its envelope.
pub(super) enum Action {
    /// The service's operation.
    Known,
    /// No operation, or another one. The first child of the body may still name the operation; the
    /// reason is sent if it does not.
    Unknown(Cow<'static, str>),
}

/// Reads the action of a request that seems to use this version.
pub(super) fn action(guessed: Version, request: &Request) -> Result<Action, Rejection> {
    match guessed {
        Version::V11 => header_action(request),
        Version::V12 => Ok(parameter_action(&ContentType::of(request))),
    }
}

/// Reads the action of SOAP 1.1 from the `SOAPAction` header. The envelope is not considered.
fn header_action(request: &Request) -> Result<Action, Rejection> {
    let value = request.header("soapaction").unwrap_or_default();
    if value == "\"" {
        return Err(Rejection::fault(
            Version::V11,
            FaultCode::Receiver,
            LONE_QUOTE,
        ));
    }
    let unquoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let action = url_decode(unquoted.unwrap_or(&value));
    if action == SOAP_ACTION {
        return Ok(Action::Known);
    }
    let reason = format!("Server did not recognize the value of HTTP Header SOAPAction: {action}.");
    Err(Rejection::fault(Version::V11, FaultCode::Sender, reason))
}

/// Reads the action of SOAP 1.2 from the `action` parameter of the content type.
fn parameter_action(content_type: &ContentType<'_>) -> Action {
    match content_type.parameter("action").map(url_decode) {
        Some(action) if action == SOAP_ACTION => Action::Known,
        Some(action) if !action.is_empty() => Action::Unknown(
            format!("Unable to handle request. The action '{action}' was not recognized.").into(),
        ),
        _ => Action::Unknown(NO_ACTION.into()),
    }
}

/// Checks, as `GetRequestElement` does, that the first child of the body is the operation. Accepts
/// an envelope in any namespace except that of a disabled version, and skips everything before the
/// body. The rules of envelopes are checked later.
pub(super) fn check_first_child(
    protocols: Protocols,
    text: Result<&str, &DecodeError>,
    reason: Cow<'static, str>,
) -> Result<(), Rejection> {
    let unable = |version, message: &str| {
        let reason = format!("Server was unable to process request. ---> {message}");
        Rejection::fault(version, FaultCode::Receiver, reason)
    };
    let text = text.map_err(|error| unable(Version::V12, &decode_message(error)))?;
    let mut reader = Reader::new(text);
    let root = find_root(&mut reader).map_err(|flaw| unable(Version::V12, &flaw.message(text)))?;
    let found = find_operation(&mut reader, &root);
    let known = Version::from_namespace(root.namespace());
    let version = known.filter(|version| protocols.has(*version));
    if matches!(found, Ok(true)) && version == known {
        return Ok(());
    }
    let version = version
        .ok_or_else(|| Rejection::version_mismatch(root.namespace().to_owned(), protocols))?;
    Err(match found {
        Ok(_) => Rejection::fault(version, FaultCode::Sender, reason),
        Err(flaw) => unable(version, &flaw.message(text)),
    })
}

/// An error in a message before the first child of its body.
enum Flaw {
    Malformed(xml::Error),
    /// The envelope or the body is missing.
    Missing(&'static str),
}

impl From<xml::Error> for Flaw {
    fn from(error: xml::Error) -> Self {
        Self::Malformed(error)
    }
}

impl Flaw {
    /// The message of .NET's exception.
    fn message(&self, text: &str) -> String {
        match self {
            Self::Malformed(error) => error_message(error, text),
            Self::Missing(part) => missing(part),
        }
    }
}

fn find_root<'a>(reader: &mut Reader<'a>) -> Result<Element<'a>, Flaw> {
    match reader.next_tag()? {
        Node::Start(root) => Ok(root),
        _ => Err(Flaw::Missing("Envelope")),
    }
}

/// Whether the body begins with the operation, ignoring white space, comments and instructions.
fn find_operation(reader: &mut Reader<'_>, root: &Element<'_>) -> Result<bool, Flaw> {
    if root.local != "Envelope" {
        return Err(Flaw::Missing("Envelope"));
    }
    loop {
        match reader.next_tag()? {
            Node::Start(element) if element.is(root.namespace(), "Body") => break,
            Node::Start(_) => reader.skip()?,
            _ => return Err(Flaw::Missing("Body")),
        }
    }
    loop {
        match reader.next_node()? {
            Node::Start(element) => return Ok(element.is(NAMESPACE, OPERATION)),
            Node::Comment | Node::Instruction => {}
            Node::Text(text) if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() => {}
            Node::Text(_) | Node::End | Node::Eof => return Ok(false),
        }
    }
}

/// .NET's message for a missing part of an envelope.
pub(super) fn missing(part: &str) -> String {
    format!("Request format is invalid: Missing required soap:{part} element.")
}

/// The message of .NET's `XmlTextReader` for the errors that occur in practice, and its most
/// general message for all others.
fn error_message(error: &xml::Error, text: &str) -> String {
    let (line, column) = error.line_and_column(text);
    match &error.kind {
        ErrorKind::NoRoot => "Root element is missing.".to_owned(),
        ErrorKind::Doctype => "DTD is prohibited in this XML document.".to_owned(),
        ErrorKind::UndeclaredPrefix(prefix) => {
            // The position is that of the prefix, after the "<".
            let column = column + 1;
            format!("'{prefix}' is an undeclared prefix. Line {line}, position {column}.")
        }
        _ => format!("Data at the root level is invalid. Line {line}, position {column}."),
    }
}

fn decode_message(error: &DecodeError) -> String {
    match error {
        DecodeError::NotUtf16 => {
            "There is no Unicode byte order mark. Cannot switch to Unicode.".to_owned()
        }
        DecodeError::UnknownEncoding(name) => {
            format!("System does not support '{name}' encoding. Line 1, position 31.")
        }
        DecodeError::InvalidBytes => "Invalid character in the given encoding.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

    use super::*;

    const SOAP11: &str = Version::V11.namespace();
    const CALL: &str =
        "<ResetUserPassword xmlns=\"http://www.ifactorconsulting.com/webservices\"/>";

    fn envelope(namespace: &str, content: &str) -> String {
        format!("<e:Envelope xmlns:e=\"{namespace}\">{content}</e:Envelope>")
    }

    fn checked(text: &str) -> Result<(), Rejection> {
        check_first_child(Protocols::ALL, Ok(text), NO_ACTION.into())
    }

    fn headers(content_type: &str, soap_action: Option<&str>) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        if let Some(action) = soap_action {
            let name = HeaderName::from_static("soapaction");
            headers.insert(name, action.parse().unwrap());
        }
        Request::new(Method::POST, "", headers, vec![])
    }

    #[test]
    fn a_lone_quotation_mark_is_no_action() {
        let result = |soap_action| {
            let request = headers("text/xml", Some(soap_action));
            action(Version::V11, &request).map(|_| ()).unwrap_err()
        };
        let expected = Rejection::fault(Version::V11, FaultCode::Receiver, LONE_QUOTE);
        assert_eq!(result("\""), expected);
        for (value, shown) in [
            ("\"\"", ""),
            ("", ""),
            ("\"x", "\"x"),
            ("x\"", "x\""),
            ("\"x%20y+z\"", "x y z"),
        ] {
            let reason =
                format!("Server did not recognize the value of HTTP Header SOAPAction: {shown}.");
            let expected = Rejection::fault(Version::V11, FaultCode::Sender, reason);
            assert_eq!(result(value), expected, "{value}");
        }
    }

    #[test]
    fn the_action_parameter_names_the_operation() {
        let found = |content_type: &str| match action(Version::V12, &headers(content_type, None)) {
            Ok(Action::Known) => "known".to_owned(),
            Ok(Action::Unknown(reason)) => reason.into_owned(),
            Err(rejection) => panic!("{rejection:?}"),
        };
        for content_type in [
            format!("application/soap+xml; action=\"{SOAP_ACTION}\""),
            format!("application/soap+xml;charset=utf-8; Action = '{SOAP_ACTION}' ;x=y"),
        ] {
            assert_eq!(found(&content_type), "known", "{content_type}");
        }
        let unrecognized = "Unable to handle request. The action 'x y' was not recognized.";
        assert_eq!(
            found("application/soap+xml; action=\"x%20y\""),
            unrecognized
        );
        for content_type in [
            "application/soap+xml",
            "application/soap+xml; action=\"\"",
            "application/soap+xml; action",
        ] {
            assert_eq!(found(content_type), NO_ACTION, "{content_type}");
        }
    }

    #[test]
    fn the_first_child_of_the_body_names_the_operation() {
        for content in [
            format!("<e:Body>{CALL}</e:Body>"),
            format!("<e:Body> <!-- c --><?p?>\r\n\t&#32;{CALL}<x/></e:Body>"),
            format!("<e:Header><x/></e:Header><e:Body>{CALL}</e:Body>"),
            format!("text<x><e:Body/></x><e:Header/><e:Body>{CALL}</e:Body>"),
        ] {
            for namespace in [SOAP11, Version::V12.namespace(), "urn:x", ""] {
                let text = envelope(namespace, &content);
                let text = if namespace.is_empty() {
                    text.replace(" xmlns:e=\"\"", "").replace("e:", "")
                } else {
                    text
                };
                assert_eq!(checked(&text), Ok(()), "{text}");
            }
        }
    }

    #[test]
    fn a_disabled_version_is_a_mismatch() {
        let text = envelope(SOAP11, &format!("<e:Body>{CALL}</e:Body>"));
        let protocols = "Soap12".parse().unwrap();
        let expected = Rejection::version_mismatch(SOAP11.to_owned(), protocols);
        let result = check_first_child(protocols, Ok(&text), NO_ACTION.into());
        assert_eq!(result, Err(expected));
    }

    #[test]
    fn a_body_with_another_first_child_is_refused() {
        for content in [
            "<e:Body/>".to_owned(),
            "<e:Body></e:Body>".to_owned(),
            format!("<e:Body>text{CALL}</e:Body>"),
            format!("<e:Body>&#65;{CALL}</e:Body>"),
            format!("<e:Body>\u{a0}{CALL}</e:Body>"),
            format!("<e:Body><![CDATA[x]]>{CALL}</e:Body>"),
            format!("<e:Body><x/>{CALL}</e:Body>"),
            "<e:Body><ResetUserPassword/></e:Body>".to_owned(),
            format!("<x/><e:Body><x>{CALL}</x></e:Body>"),
        ] {
            let expected = Rejection::fault(Version::V11, FaultCode::Sender, NO_ACTION);
            assert_eq!(
                checked(&envelope(SOAP11, &content)),
                Err(expected),
                "{content}"
            );
            let expected = Rejection::version_mismatch("urn:x".to_owned(), Protocols::ALL);
            assert_eq!(
                checked(&envelope("urn:x", &content)),
                Err(expected),
                "{content}"
            );
        }
    }

    #[test]
    fn errors_before_the_body_are_server_faults() {
        let body = "Request format is invalid: Missing required soap:Body element.";
        let root = "Request format is invalid: Missing required soap:Envelope element.";
        for (text, version, message) in [
            (envelope(SOAP11, "<e:Header/>"), Version::V11, body),
            (
                envelope(SOAP11, &format!("<Body>{CALL}</Body>")),
                Version::V11,
                body,
            ),
            (
                format!("<e:Envelop xmlns:e=\"{SOAP11}\"/>"),
                Version::V11,
                root,
            ),
            (String::new(), Version::V12, "Root element is missing."),
            (
                "<!DOCTYPE a>".to_owned(),
                Version::V12,
                "DTD is prohibited in this XML document.",
            ),
            (
                "\n<p:a/>".to_owned(),
                Version::V12,
                "'p' is an undeclared prefix. Line 2, position 2.",
            ),
            (
                "not XML".to_owned(),
                Version::V12,
                "Data at the root level is invalid. Line 1, position 1.",
            ),
            (
                format!("<e:Envelope xmlns:e=\"{SOAP11}\">\n<e:Body></e:Envelope>"),
                Version::V11,
                "Data at the root level is invalid. Line 2, position 9.",
            ),
        ] {
            let reason = format!("Server was unable to process request. ---> {message}");
            let expected = Rejection::fault(version, FaultCode::Receiver, reason);
            assert_eq!(checked(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn undecodable_messages_are_server_faults() {
        for (error, message) in [
            (
                DecodeError::NotUtf16,
                "There is no Unicode byte order mark. Cannot switch to Unicode.",
            ),
            (
                DecodeError::UnknownEncoding("x".to_owned()),
                "System does not support 'x' encoding. Line 1, position 31.",
            ),
            (
                DecodeError::InvalidBytes,
                "Invalid character in the given encoding.",
            ),
        ] {
            let reason = format!("Server was unable to process request. ---> {message}");
            let expected = Rejection::fault(Version::V12, FaultCode::Receiver, reason);
            let result = check_first_child(Protocols::ALL, Err(&error), NO_ACTION.into());
            assert_eq!(result, Err(expected));
        }
    }
}
