//! Requests to typed input: the credential, then the body by its format, then the query.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use shared::lambda::Request;
use shared::password::{ExposeSecret as _, Secret};
use shared::xml::{self, Fallback, Node, Reader, SCHEMA_INSTANCE};

use super::format::Format;
use super::route::Endpoint;
use super::status::Rejection;
use super::{DTO_NAMESPACE, MAX_BODY, REQUEST_DTO, REQUESTER_NAMESPACE};
use crate::operation::{Credential, Input};

/// The body is not what its format says.
struct Unreadable;

/// Reads the credential of `Authorization: Basic` (RFC 7617, UTF-8).
pub fn credential(request: &Request) -> Result<Credential, Rejection> {
    let value = request
        .header(header::AUTHORIZATION)
        .ok_or(Rejection::NoCredential)?;
    basic_credential(&value).ok_or(Rejection::NoCredential)
}

fn basic_credential(value: &str) -> Option<Credential> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded =
        Secret::from(String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?);
    let (username, password) = decoded.expose_secret().split_once(':')?;
    if username.is_empty() || password.is_empty() {
        return None;
    }
    Some(Credential {
        username: username.to_owned(),
        password: Secret::from(password.to_owned()),
    })
}

/// Reads the input that came to `endpoint`.
pub fn decode(endpoint: &Endpoint, request: &Request) -> Result<Input, Rejection> {
    if request.body.len() > MAX_BODY {
        return Err(Rejection::TooLong);
    }
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let form = is_form(&content_type).then(|| form_pairs(&request.body));
    let body_format = match endpoint {
        Endpoint::Predefined {
            format: format @ (Format::Json | Format::Xml | Format::Jsv),
        } => Some(*format),
        _ => Format::of_media_type(&content_type),
    };
    let mut input = match (&form, body_format) {
        (None, Some(format)) if !request.body.is_empty() => {
            let name = match endpoint {
                Endpoint::Route { .. } => content_type.into_owned(),
                Endpoint::Predefined { .. } => format.media_type().to_owned(),
            };
            read(format, &request.body)
                .map_err(|Unreadable| Rejection::Unreadable { content_type: name })?
        }
        _ => Input::default(),
    };
    // The query fills what the service's own route did not get otherwise, and a form wins over it.
    // A password in a query would stand in access logs, so it is not taken from there.
    if matches!(endpoint, Endpoint::Route { .. }) {
        let mut query = form_pairs(request.query.as_bytes());
        query.retain(|(name, _)| !name.eq_ignore_ascii_case("NewPassword"));
        bind(&query, &mut input)?;
    }
    bind(&form.unwrap_or_default(), &mut input)?;
    Ok(input)
}

fn read(format: Format, body: &[u8]) -> Result<Input, Unreadable> {
    match format {
        Format::Json => read_json(body),
        Format::Xml => read_xml(body),
        Format::Jsv | Format::Csv | Format::Html => Err(Unreadable),
    }
}

fn read_json(body: &[u8]) -> Result<Input, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let input = deserializer
        .deserialize_map(JsonMembers)
        .map_err(|_| Unreadable)?;
    deserializer.end().map_err(|_| Unreadable)?;
    Ok(input)
}

/// Reads a JSON object: names in any case, the last of several, unknown ones skipped.
struct JsonMembers;

impl<'de> Visitor<'de> for JsonMembers {
    type Value = Input;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let mut input = Input::default();
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            let wrong = |_| serde::de::Error::custom("a value does not fit its member");
            match name.to_ascii_lowercase().as_str() {
                "email" => input.email = json_text(value.get()).map_err(wrong)?,
                "newpassword" => {
                    input.new_password = json_text(value.get()).map_err(wrong)?.map(Secret::from);
                }
                "customerbrandname" => {
                    input.customer_brand_name = json_text(value.get()).map_err(wrong)?;
                }
                "requester" => input.requester = json_text(value.get()).map_err(wrong)?,
                "sendresetemail" => {
                    input.send_reset_email = json_bool(value.get()).map_err(wrong)?;
                }
                _ => {}
            }
        }
        Ok(input)
    }
}

/// A string; a number or a boolean as it is written; or null.
fn json_text(raw: &str) -> Result<Option<String>, Unreadable> {
    match raw.chars().next() {
        Some('"') => serde_json::from_str(raw).map(Some).map_err(|_| Unreadable),
        Some('{' | '[') | None => Err(Unreadable),
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(raw.to_owned())),
    }
}

fn json_bool(raw: &str) -> Result<bool, Unreadable> {
    match json_text(raw)?
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        "" if raw == "null" => Ok(false),
        _ => Err(Unreadable),
    }
}

/// Reads what .NET's data contract serialiser wrote, members in any order, the first of several.
fn read_xml(body: &[u8]) -> Result<Input, Unreadable> {
    let text = xml::decode(body, None, Fallback::Unicode).map_err(|_| Unreadable)?;
    let mut reader = Reader::new(&text);
    let unreadable = |_: xml::Error| Unreadable;
    let Node::Start(root) = reader.next_tag().map_err(unreadable)? else {
        return Err(Unreadable);
    };
    let own_type = |name: &str| name.rsplit(':').next() == Some(REQUEST_DTO);
    let is_other_type = root
        .attribute(SCHEMA_INSTANCE, "type")
        .is_some_and(|name| !own_type(name));
    if !root.is(DTO_NAMESPACE, REQUEST_DTO) || is_other_type {
        return Err(Unreadable);
    }
    let mut members = XmlMembers::default();
    while let Node::Start(element) = reader.next_tag().map_err(unreadable)? {
        match XmlMembers::named(&element.namespace, element.local) {
            Some(name) if !members.has(name) => {
                let is_nil = element.is_nil();
                let text = reader.text().map_err(unreadable)?;
                members.0.push((name, (!is_nil).then_some(text)));
            }
            _ => reader.skip().map_err(unreadable)?,
        }
    }
    while reader.next_node().map_err(unreadable)? != Node::Eof {}
    members.into_input()
}

/// The members found, with their text unless they are nil.
#[derive(Default)]
struct XmlMembers(Vec<(&'static str, Option<String>)>);

impl XmlMembers {
    const NAMES: [&str; 4] = [
        "Email",
        "NewPassword",
        "SendResetEmail",
        "CustomerBrandName",
    ];
    const REQUESTER: &str = "Requester";

    /// The member that an element is, if any: each is known in its own namespace only.
    fn named(namespace: &str, local: &str) -> Option<&'static str> {
        match namespace {
            DTO_NAMESPACE => Self::NAMES.into_iter().find(|name| *name == local),
            REQUESTER_NAMESPACE => (local == Self::REQUESTER).then_some(Self::REQUESTER),
            _ => None,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| *found == name)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0
            .iter_mut()
            .find(|(found, _)| *found == name)?
            .1
            .take()
    }

    fn into_input(mut self) -> Result<Input, Unreadable> {
        let send_reset_email = match self.take("SendResetEmail").as_deref().map(str::trim) {
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            None if !self.has("SendResetEmail") => false,
            // A boolean has no nil (XML Schema part 2, section 3.2.2).
            _ => return Err(Unreadable),
        };
        Ok(Input {
            email: self.take("Email"),
            new_password: self.take("NewPassword").map(Secret::from),
            send_reset_email,
            customer_brand_name: self.take("CustomerBrandName"),
            requester: self.take(Self::REQUESTER),
        })
    }
}

fn is_form(content_type: &str) -> bool {
    let base = content_type.split(';').next().unwrap_or_default().trim();
    base.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn form_pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// Applies the pairs of a query or a form: names in any case, empty values ignored, several values
/// of one name joined by commas.
fn bind(pairs: &[(String, String)], input: &mut Input) -> Result<(), Rejection> {
    let value = |name: &str| {
        let values = pairs.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        values
            .map(|(_, value)| value.clone())
            .reduce(|joined, value| joined + "," + &value)
            .filter(|value| !value.is_empty())
    };
    let set = |member: &mut Option<String>, name| {
        if let Some(value) = value(name) {
            *member = Some(value);
        }
    };
    set(&mut input.email, "Email");
    set(&mut input.customer_brand_name, "CustomerBrandName");
    set(&mut input.requester, "Requester");
    if let Some(password) = value("NewPassword") {
        input.new_password = Some(Secret::from(password));
    }
    if let Some(flag) = value("SendResetEmail") {
        input.send_reset_email = form_bool(flag)?;
    }
    Ok(())
}

/// ServiceStack's converter for strings: a single character or a number that is no truth is false.
fn form_bool(value: String) -> Result<bool, Rejection> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Ok(true),
        "false" => Ok(false),
        other if other.chars().count() == 1 || other.parse::<i64>().is_ok() => Ok(false),
        _ => Err(Rejection::Unbindable { value }),
    }
}
