//! Requests for both operations in each format, as clients send them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use crate::wire::Request;

const ASMX: &str = "/webservices/IFCommonService.asmx";
const NAMESPACE: &str = "http://www.ifactorconsulting.com/webservices";
const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
const DTO_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Transactions.UserRegistration";

/// The protocols of `ResetUserPassword`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Soap11,
    Soap12,
    Get,
    Post,
}

impl Protocol {
    /// All protocols, each with its value in the form and its name.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Soap11, "soap11", "SOAP 1.1"),
        (Self::Soap12, "soap12", "SOAP 1.2"),
        (Self::Get, "get", "HTTP GET"),
        (Self::Post, "post", "HTTP POST"),
    ];

    /// The request that resets the password of `username`.
    pub(crate) fn reset(self, username: &str) -> Request {
        match self {
            Self::Soap11 => post(
                ASMX.to_owned(),
                vec![
                    ("Content-Type", "text/xml; charset=utf-8".to_owned()),
                    ("SOAPAction", format!("\"{NAMESPACE}/ResetUserPassword\"")),
                ],
                envelope(SOAP11, username),
            ),
            Self::Soap12 => post(
                ASMX.to_owned(),
                content_type("application/soap+xml; charset=utf-8"),
                envelope(SOAP12, username),
            ),
            Self::Get => Request {
                method: "GET",
                target: format!("{ASMX}/ResetUserPassword?{}", form(username)),
                headers: Vec::new(),
                body: String::new(),
            },
            Self::Post => post(
                format!("{ASMX}/ResetUserPassword"),
                content_type("application/x-www-form-urlencoded"),
                form(username),
            ),
        }
    }
}

fn post(target: String, headers: Vec<(&'static str, String)>, body: String) -> Request {
    Request {
        method: "POST",
        target,
        headers,
        body,
    }
}

fn content_type(value: &str) -> Vec<(&'static str, String)> {
    vec![("Content-Type", value.to_owned())]
}

fn form(username: &str) -> String {
    format!(
        "username={}",
        utf8_percent_encode(username, NON_ALPHANUMERIC)
    )
}

fn envelope(version: &str, username: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="{version}">
  <soap:Body>
    <ResetUserPassword xmlns="{NAMESPACE}">
      <username>{username}</username>
    </ResetUserPassword>
  </soap:Body>
</soap:Envelope>"#,
        username = escaped(username),
    )
}

/// The formats of `UpdateUserRegistrationPassword`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Xml,
    Json,
    Jsv,
    Csv,
    Form,
    Soap11,
    Soap12,
}

/// The input of `UpdateUserRegistrationPassword`, and the credential of the caller. It has no
/// `Debug` because it contains passwords.
#[derive(Clone)]
pub(crate) struct Update {
    pub(crate) admin: String,
    pub(crate) password: String,
    pub(crate) email: String,
    pub(crate) new_password: String,
    pub(crate) send_reset_email: bool,
}

impl Format {
    /// All formats, each with its value in the form and its name.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Xml, "xml", "XML"),
        (Self::Json, "json", "JSON"),
        (Self::Jsv, "jsv", "JSV"),
        (Self::Csv, "csv", "CSV"),
        (Self::Form, "form", "Form"),
        (Self::Soap11, "soap11", "SOAP 1.1"),
        (Self::Soap12, "soap12", "SOAP 1.2"),
    ];

    /// The request that sets the password.
    pub(crate) fn update(self, update: &Update) -> Request {
        const ROUTE: &str = "/UpdateUserRegistrationPassword";
        let (target, media_type, body) = match self {
            Self::Xml => (ROUTE, "application/xml", update.xml()),
            Self::Json => (ROUTE, "application/json", update.json()),
            Self::Jsv => (ROUTE, "application/jsv", update.jsv()),
            Self::Csv => (ROUTE, "text/csv", update.csv()),
            Self::Form => (ROUTE, "application/x-www-form-urlencoded", update.form()),
            Self::Soap11 => ("/soap11", "text/xml; charset=utf-8", update.soap(SOAP11)),
            Self::Soap12 => (
                "/soap12",
                "application/soap+xml; charset=utf-8",
                update.soap(SOAP12),
            ),
        };
        let accept = match self {
            Self::Form | Self::Soap11 | Self::Soap12 => "*/*",
            _ => media_type,
        };
        let credential = format!("{}:{}", update.admin, update.password);
        let credential = BASE64_STANDARD.encode(credential);
        let headers = vec![
            ("Authorization", format!("Basic {credential}")),
            ("Content-Type", media_type.to_owned()),
            ("Accept", accept.to_owned()),
        ];
        post(target.to_owned(), headers, body)
    }
}

impl Update {
    fn xml(&self) -> String {
        format!(
            r#"<UpdateUserRegistrationPasswordRequest xmlns="{DTO_NAMESPACE}">
  <Email>{email}</Email>
  <NewPassword>{password}</NewPassword>
  <SendResetEmail>{send}</SendResetEmail>
</UpdateUserRegistrationPasswordRequest>"#,
            email = escaped(&self.email),
            password = escaped(&self.new_password),
            send = self.send_reset_email,
        )
    }

    fn soap(&self, version: &str) -> String {
        format!(
            r#"<soap:Envelope xmlns:soap="{version}">
<soap:Body>
{}
</soap:Body>
</soap:Envelope>"#,
            self.xml()
        )
    }

    fn form(&self) -> String {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        format!(
            "Email={}&NewPassword={}&SendResetEmail={}",
            encoded(&self.email),
            encoded(&self.new_password),
            self.send_reset_email
        )
    }

    fn json(&self) -> String {
        json!({
            "Email": self.email,
            "NewPassword": self.new_password,
            "SendResetEmail": self.send_reset_email,
        })
        .to_string()
    }

    fn jsv(&self) -> String {
        format!(
            "{{Email:{},NewPassword:{},SendResetEmail:{}}}",
            quoted(&self.email),
            quoted(&self.new_password),
            self.send_reset_email
        )
    }

    fn csv(&self) -> String {
        format!(
            "Email,NewPassword,SendResetEmail\r\n{},{},{}\r\n",
            quoted(&self.email),
            quoted(&self.new_password),
            self.send_reset_email
        )
    }
}

/// A value of JSV or CSV. Both put values with special characters in quotes, and double the quotes
/// inside.
fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\r', '\n', '{', '}', '[', ']', ':']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// Text as the content of an XML element.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    xml::escape_text(text, &mut escaped);
    escaped
}
