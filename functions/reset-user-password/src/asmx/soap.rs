//! SOAP messages to calls, in the order in which the .NET Framework's `SoapServerProtocol` looks:
//! it decides which of several errors a client gets to see.

use std::borrow::Cow;

use shared::lambda::Request;
use shared::soap::{Fault, FaultCode, Version};
use shared::xml::{self, DecodeError, Element, ErrorKind, Fallback, Node, Reader};

use super::request::{Call, ContentType, url_decoded};
use super::response::Rejection;
use super::{Binding, MAX_BODY, NAMESPACE, OPERATION, Protocols, SOAP_ACTION};
use crate::operation::Input;

const TOO_LONG: &str = "There was an exception running the extensions specified in the config \
                        file. ---> Maximum request length exceeded.";
/// What `String.Substring` said when both quotation marks of an action were one and the same.
const LONE_QUOTE: &str = "Server was unable to process request. ---> Length cannot be less than \
                          zero.\r\nParameter name: length";
const NO_ACTION: &str = "Unable to handle request without a valid action parameter. Please supply \
                         a valid soap action.";

/// Reads a message; `guessed` is the version to answer in until the envelope says another.
pub(super) fn decode(
    protocols: Protocols,
    guessed: Version,
    request: &Request,
) -> Result<Call, Rejection> {
    let content_type = ContentType::of(request);
    let route = match guessed {
        Version::V11 => route_by_header(request)?,
        Version::V12 => route_by_action(&content_type),
    };
    if request.body.len() > MAX_BODY {
        return Err(fault(guessed, FaultCode::Receiver, TOO_LONG));
    }
    let text = text(&content_type, &request.body);
    let is_on = |version| protocols.has(version) && content_type.is(version);
    let is_supported = Version::ALL.into_iter().any(is_on);

    let message = match route {
        Route::ByBody(reason) => route_by_body(protocols, text.as_deref(), reason)?,
        Route::ToOperation if !is_supported => {
            return Err(Rejection::UnsupportedMediaType(guessed));
        }
        Route::ToOperation => {
            let text = text
                .as_deref()
                .map_err(|_| Rejection::BadRequest(guessed))?;
            read_to_body(protocols, text, guessed, &content_type)?
        }
    };
    if !is_supported {
        return Err(Rejection::UnsupportedMediaType(guessed));
    }
    if message.version == Version::V11 && !content_type.is(Version::V11) {
        return Err(Rejection::UnsupportedMediaType(Version::V11));
    }
    message.into_call()
}

enum Route {
    ToOperation,
    /// The first child of the body decides; the reason is for when it is not known either.
    ByBody(Cow<'static, str>),
}

fn route_by_header(request: &Request) -> Result<Route, Rejection> {
    let value = request.header("soapaction").unwrap_or_default();
    if value == "\"" {
        return Err(fault(Version::V11, FaultCode::Receiver, LONE_QUOTE));
    }
    let unquoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let action = url_decoded(unquoted.unwrap_or(&value));
    if action == SOAP_ACTION {
        return Ok(Route::ToOperation);
    }
    let reason = format!("Server did not recognize the value of HTTP Header SOAPAction: {action}.");
    Err(fault(Version::V11, FaultCode::Sender, reason))
}

fn route_by_action(content_type: &ContentType<'_>) -> Route {
    match content_type.parameter("action").map(url_decoded) {
        Some(action) if action == SOAP_ACTION => Route::ToOperation,
        Some(action) if !action.is_empty() => {
            let reason =
                format!("Unable to handle request. The action '{action}' was not recognized.");
            Route::ByBody(reason.into())
        }
        _ => Route::ByBody(NO_ACTION.into()),
    }
}

/// Looks for the operation in the body. Whatever is wrong on the way there is the server's fault.
fn route_by_body<'a>(
    protocols: Protocols,
    text: Result<&'a str, &DecodeError>,
    reason: Cow<'static, str>,
) -> Result<Message<'a>, Rejection> {
    let receiver = |version, message: &str| {
        let reason = format!("Server was unable to process request. ---> {message}");
        fault(version, FaultCode::Receiver, reason)
    };
    let text = text.map_err(|error| receiver(Version::V12, &decode_message(error)))?;
    let message = Message::open(protocols, text, |version, flaw| {
        let version = version.unwrap_or(Version::V12);
        match flaw {
            Flaw::Malformed(error) => receiver(version, &error_message(&error, text)),
            Flaw::Missing(part) => receiver(version, &missing(part)),
        }
    })?;
    match &message.first {
        Node::Start(element) if element.is(NAMESPACE, OPERATION) => Ok(message),
        _ => Err(fault(message.version, FaultCode::Sender, reason)),
    }
}

/// Reads up to the first child of the body, whatever that is; what is not well-formed is 400 from
/// here on.
fn read_to_body<'a>(
    protocols: Protocols,
    text: &'a str,
    guessed: Version,
    content_type: &ContentType<'_>,
) -> Result<Message<'a>, Rejection> {
    Message::open(protocols, text, |version, flaw| match (version, flaw) {
        (Some(Version::V11), _) if !content_type.is(Version::V11) => {
            Rejection::UnsupportedMediaType(Version::V11)
        }
        (version, Flaw::Malformed(_)) => Rejection::BadRequest(version.unwrap_or(guessed)),
        (version, Flaw::Missing(part)) => {
            let reason = format!("Server was unable to read request. ---> {}", missing(part));
            fault(version.unwrap_or(guessed), FaultCode::Sender, reason)
        }
    })
}

/// What is wrong with the beginning of a message.
enum Flaw {
    Malformed(xml::Error),
    /// This part of the envelope is not where it must be.
    Missing(&'static str),
}

/// A message, read up to the first child of its body.
struct Message<'a> {
    reader: Reader<'a>,
    version: Version,
    not_understood: NotUnderstood,
    /// The first child of the body, or its end.
    first: Node<'a>,
}

impl<'a> Message<'a> {
    /// `refuse` says how a flaw is answered, with the version if it is known by then.
    fn open(
        protocols: Protocols,
        text: &'a str,
        refuse: impl Fn(Option<Version>, Flaw) -> Rejection,
    ) -> Result<Self, Rejection> {
        let mut reader = Reader::new(text);
        let root = reader
            .next_tag()
            .map_err(|error| refuse(None, Flaw::Malformed(error)))?;
        let Node::Start(envelope) = root else {
            return Err(refuse(None, Flaw::Missing("Envelope")));
        };
        let version = version_of(protocols, &envelope)?;
        let malformed = |error| refuse(Some(version), Flaw::Malformed(error));
        let missing = |part| refuse(Some(version), Flaw::Missing(part));
        if envelope.local != "Envelope" {
            return Err(missing("Envelope"));
        }
        let not_understood = find_body(&mut reader, version)
            .map_err(malformed)?
            .ok_or_else(|| missing("Body"))?;
        let first = reader.next_tag().map_err(malformed)?;
        Ok(Self {
            reader,
            version,
            not_understood,
            first,
        })
    }

    /// Reads the rest of it.
    fn into_call(mut self) -> Result<Call, Rejection> {
        let bad_request = |_| Rejection::BadRequest(self.version);
        let username = read_body(&mut self.reader, self.first).map_err(bad_request)?;
        read_to_end(&mut self.reader).map_err(bad_request)?;
        if let NotUnderstood(Some(header)) = self.not_understood {
            let reason = format!("SOAP header {header} was not understood.");
            return Err(fault(self.version, FaultCode::MustUnderstand, reason));
        }
        Ok(Call {
            binding: Binding::Soap(self.version),
            input: Input { username },
        })
    }
}

/// The name of the first header block that had to be understood, if there is one.
struct NotUnderstood(Option<String>);

/// Reads up to and including the start of the body: an optional header comes first, and nothing
/// else. `None` when that is not what is there.
fn find_body(
    reader: &mut Reader<'_>,
    version: Version,
) -> Result<Option<NotUnderstood>, xml::Error> {
    let mut not_understood = NotUnderstood(None);
    let mut element = next_content(reader)?;
    if element
        .as_ref()
        .is_some_and(|e| e.is(version.namespace(), "Header"))
    {
        not_understood = read_header(reader)?;
        element = next_content(reader)?;
    }
    let is_body = element.is_some_and(|e| e.is(version.namespace(), "Body"));
    Ok(is_body.then_some(not_understood))
}

/// The next element, if nothing but white space, comments and instructions comes before it.
fn next_content<'a>(reader: &mut Reader<'a>) -> Result<Option<Element<'a>>, xml::Error> {
    loop {
        match reader.next_node()? {
            Node::Start(element) => return Ok(Some(element)),
            Node::Comment | Node::Instruction => {}
            Node::Text(text) if text.trim().is_empty() => {}
            Node::Text(_) | Node::End | Node::Eof => return Ok(None),
        }
    }
}

/// Whom a header block is for is never looked at (cases s11.header.mu1-actor-other,
/// s12.header.mu1-role-none), and the attribute may be of either version.
fn read_header(reader: &mut Reader<'_>) -> Result<NotUnderstood, xml::Error> {
    let mut not_understood = None;
    while let Node::Start(block) = reader.next_tag()? {
        let must_understand = Version::ALL.into_iter().any(|version| {
            matches!(
                block.attribute(version.namespace(), "mustUnderstand"),
                Some("1" | "true")
            )
        });
        if must_understand && not_understood.is_none() {
            not_understood = Some(block.local.to_owned());
        }
        reader.skip()?;
    }
    Ok(NotUnderstood(not_understood))
}

/// Of several operation elements the last counts.
fn read_body<'a>(reader: &mut Reader<'a>, first: Node<'a>) -> Result<Option<String>, xml::Error> {
    let mut username = None;
    let mut node = first;
    while let Node::Start(element) = node {
        if element.is(NAMESPACE, OPERATION) {
            username = read_operation(reader)?;
        } else {
            reader.skip()?;
        }
        node = reader.next_tag()?;
    }
    Ok(username)
}

/// Of several user names the first counts.
fn read_operation(reader: &mut Reader<'_>) -> Result<Option<String>, xml::Error> {
    let mut username = None;
    while let Node::Start(element) = reader.next_tag()? {
        if username.is_none() && element.is(NAMESPACE, "username") {
            username = Some(reader.text()?);
        } else {
            reader.skip()?;
        }
    }
    Ok(username)
}

/// To the end of the envelope and one node further, white space not counted: what stands behind a
/// comment there was never looked at.
fn read_to_end(reader: &mut Reader<'_>) -> Result<(), xml::Error> {
    reader.skip()?;
    while let Node::Text(_) = reader.next_node()? {}
    Ok(())
}

/// The text of the body. `text/xml` without a charset is UTF-8 here, not US-ASCII.
fn text<'a>(content_type: &ContentType<'_>, body: &'a [u8]) -> Result<Cow<'a, str>, DecodeError> {
    let fallback = if content_type.is(Version::V11) {
        Fallback::Lossy
    } else {
        Fallback::Strict
    };
    xml::decode(body, content_type.parameter("charset"), fallback)
}

fn fault(version: Version, code: FaultCode, reason: impl Into<String>) -> Rejection {
    Rejection::Fault(version, Fault::new(code, reason))
}

fn version_of(protocols: Protocols, envelope: &Element<'_>) -> Result<Version, Rejection> {
    Version::of_namespace(envelope.namespace())
        .filter(|version| protocols.has(*version))
        .ok_or_else(|| Rejection::VersionMismatch {
            namespace: envelope.namespace().to_owned(),
            supported: protocols.soap(),
        })
}

fn missing(part: &str) -> String {
    format!("Request format is invalid: Missing required soap:{part} element.")
}

/// The texts of Microsoft's `XmlTextReader` that real callers meet; everything else in markup is
/// its most general one.
fn error_message(error: &xml::Error, text: &str) -> String {
    let (line, column) = error.line_and_column(text);
    match &error.kind {
        ErrorKind::NoRoot => "Root element is missing.".to_owned(),
        ErrorKind::Doctype => "DTD is prohibited in this XML document.".to_owned(),
        ErrorKind::UndeclaredPrefix(prefix) => {
            // It points behind the "<".
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
    use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

    use super::*;

    const ENVELOPE: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\">\
        <e:Body><ResetUserPassword xmlns=\"http://www.ifactorconsulting.com/webservices\">\
        <username>bob</username></ResetUserPassword></e:Body></e:Envelope>";

    fn decoded(action: &str, body: &str) -> Result<Call, Rejection> {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/xml")),
            (
                HeaderName::from_static("soapaction"),
                action.parse().unwrap(),
            ),
        ]);
        let request = Request::new(Method::POST, "", "", headers, body.into());
        decode(Protocols::ALL, Version::V11, &request)
    }

    #[test]
    fn one_node_behind_the_envelope_is_looked_at() {
        for fine in [
            "",
            " \r\n",
            "<!-- c -->",
            " <?p?>",
            "<!-- c -->garbage",
            "<?p?><a>",
        ] {
            let call = decoded(SOAP_ACTION, &format!("{ENVELOPE}{fine}")).unwrap();
            assert_eq!(call.input.username.as_deref(), Some("bob"), "{fine}");
        }
        for wrong in [
            "garbage",
            " garbage",
            "<a/>",
            "&amp;",
            "<!-- c",
            "<!-- -- -->",
            "</a>",
        ] {
            let result = decoded(SOAP_ACTION, &format!("{ENVELOPE}{wrong}"));
            assert_eq!(result, Err(Rejection::BadRequest(Version::V11)), "{wrong}");
        }
    }

    #[test]
    fn a_lone_quotation_mark_is_no_action() {
        let expected = fault(Version::V11, FaultCode::Receiver, LONE_QUOTE);
        assert_eq!(decoded("\"", ""), Err(expected));
        let empty = "Server did not recognize the value of HTTP Header SOAPAction: .";
        let expected = fault(Version::V11, FaultCode::Sender, empty);
        assert_eq!(decoded("\"\"", ""), Err(expected));
    }
}
