//! What the readers of JSON, JSV and XML bodies share.

use super::members::NotBoolean;

/// A body that its format does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<NotBoolean> for Unreadable {
    fn from(_: NotBoolean) -> Self {
        Self
    }
}

/// Boolean of JSON or JSV: null is false.
pub(super) fn boolean(text: Option<&str>) -> Option<bool> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "1" | "on") => Some(true),
        Some("false" | "0" | "off") | None => Some(false),
        Some(_) => None,
    }
}
