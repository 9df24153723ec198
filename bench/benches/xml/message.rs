//! The messages that are measured.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reset_user_password::asmx::Binding;
use shared::lambda::Request;
use xml::soap::Version;
use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES};

/// A request in an envelope.
pub(crate) struct Message {
    pub(crate) binding: Binding,
    pub(crate) request: Request,
    pub(crate) text: String,
}

impl Message {
    /// The sample request on the operation's page.
    pub(crate) fn sample(version: Version) -> Self {
        let prefix = match version {
            Version::V11 => "soap",
            Version::V12 => "soap12",
        };
        let namespace = version.namespace();
        let text = format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<{prefix}:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:{prefix}="{namespace}">
  <{prefix}:Body>
    <ResetUserPassword xmlns="http://www.ifactorconsulting.com/webservices">
      <username>string</username>
    </ResetUserPassword>
  </{prefix}:Body>
</{prefix}:Envelope>"#
        );
        Self::new(version, text)
    }

    /// A message with a shape and at most `size` bytes.
    pub(crate) fn shaped(shape: &Shape, size: usize) -> Self {
        let namespace = Version::V11.namespace();
        let start = format!("<s:Envelope xmlns:s='{namespace}'><s:Body>");
        let end = "</s:Body></s:Envelope>";
        let body = (shape.body)(size - start.len() - end.len());
        Self::new(Version::V11, start + &body + end)
    }

    fn new(version: Version, text: String) -> Self {
        let media_type = match version {
            Version::V11 => "text/xml; charset=utf-8",
            Version::V12 => "application/soap+xml; charset=utf-8",
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if version == Version::V11 {
            headers.insert(
                HeaderName::from_static("soapaction"),
                HeaderValue::from_static(
                    "\"http://www.ifactorconsulting.com/webservices/ResetUserPassword\"",
                ),
            );
        }
        let path = "/webservices/IFCommonService.asmx";
        Self {
            binding: Binding::Soap(version),
            request: Request::new(Method::POST, path, headers, text.clone().into_bytes()),
            text,
        }
    }
}

/// The content of the body of an envelope.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The content of a body, with at most this number of bytes.
    body: fn(usize) -> String,
}

/// Malicious contents that could keep the service busy.
pub(crate) const SHAPES: [Shape; 11] = [
    Shape {
        name: "text",
        body: |size| in_username(size, "Jane Doe "),
    },
    Shape {
        name: "references",
        body: |size| in_username(size, "&amp;&#233;&#x20AC;"),
    },
    Shape {
        name: "references in an attribute",
        body: |size| filled(size, "<a b='", "&amp;&#233;&#x20AC;", "'/>"),
    },
    Shape {
        name: "siblings",
        body: |size| filled(size, "", "<a/>", ""),
    },
    Shape {
        name: "depth 4",
        body: |size| nested(size, 4),
    },
    Shape {
        name: "depth 16",
        body: |size| nested(size, 16),
    },
    Shape {
        name: "greatest depth",
        body: |size| nested(size, MAX_DEPTH),
    },
    Shape {
        name: "attributes",
        body: |size| {
            let element = element(MAX_ATTRIBUTES, |i| format!(" a{i}=''"));
            filled(size, "", &element, "")
        },
    },
    Shape {
        name: "declarations",
        body: |size| {
            let element = element(MAX_ATTRIBUTES, |i| format!(" xmlns:p{i}='{i}'"));
            filled(size, "", &element, "")
        },
    },
    Shape {
        name: "prefixes",
        body: prefixes,
    },
    Shape {
        name: "long namespaces",
        body: long_namespaces,
    },
];

/// A start, an end, and as many pieces between them as fit.
fn filled(size: usize, start: &str, piece: &str, end: &str) -> String {
    let room = size.saturating_sub(start.len() + end.len());
    format!("{start}{}{end}", piece.repeat(room / piece.len()))
}

fn in_username(size: usize, piece: &str) -> String {
    let namespace = "http://www.ifactorconsulting.com/webservices";
    let start = format!("<ResetUserPassword xmlns='{namespace}'><username>");
    filled(size, &start, piece, "</username></ResetUserPassword>")
}

/// Repeated elements that are nested to this depth.
fn nested(size: usize, depth: usize) -> String {
    // The envelope and its body are the first two levels.
    let depth = depth - 2;
    let nested = "<a>".repeat(depth) + &"</a>".repeat(depth);
    filled(size, "", &nested, "")
}

fn element(attributes: usize, attribute: impl Fn(usize) -> String) -> String {
    let attributes: String = (0..attributes).map(attribute).collect();
    format!("<a{attributes}/>")
}

/// Names with the prefix that is found last among the declarations, which take up half of the size.
fn prefixes(size: usize) -> String {
    let count = (size / 30).min(MAX_NAMESPACES - 1);
    let levels = count.div_ceil(MAX_ATTRIBUTES);
    let mut start = String::new();
    for level in 0..levels {
        let first = level * MAX_ATTRIBUTES;
        let here = first..count.min(first + MAX_ATTRIBUTES);
        let declarations: String = here.map(|i| format!(" xmlns:p{i:03}='u'")).collect();
        start.extend(["<a", &declarations, ">"]);
    }
    filled(size, &start, "<p000:a/>", &"</a>".repeat(levels))
}

/// Attributes with the same name, each in its own namespace. The names of the namespaces take up
/// half of the size, contain references, and differ only at their end.
fn long_namespaces(size: usize) -> String {
    let count = (size / 64).min(MAX_ATTRIBUTES);
    let name = "&amp;".repeat((size / 2 / count).saturating_sub(20) / 5);
    let declarations: String = (0..count)
        .map(|i| format!(" xmlns:p{i:02}='{name}{i:02}'"))
        .collect();
    let attributes = element(count, |i| format!(" p{i:02}:a=''"));
    filled(size, &format!("<a{declarations}>"), &attributes, "</a>")
}
