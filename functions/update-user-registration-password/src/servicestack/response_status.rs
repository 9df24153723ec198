//! `ResponseStatus`, ServiceStack's description of an error.

use password::Weakness;

use super::rejection::LoginMember;
use super::value::Value;
use crate::error::Violation;

/// ServiceStack's `ResponseStatus`. `StackTrace` and `Meta` are always null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseStatus {
    pub(super) error_code: String,
    pub(super) message: String,
    /// The errors. `None` and an empty list are written differently.
    pub(super) errors: Option<Vec<ResponseError>>,
}

/// ServiceStack's `ResponseError`, an entry of `Errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseError {
    pub(super) error_code: &'static str,
    pub(super) field_name: &'static str,
    pub(super) message: String,
    pub(super) meta: Vec<(&'static str, String)>,
}

impl ResponseError {
    /// Makes the error for a value that is not a boolean.
    pub(super) fn invalid_flag(field_name: &'static str, value: &str) -> Self {
        Self {
            error_code: "SerializationException",
            field_name,
            message: format!("'{value}' is an Invalid value for '{field_name}'"),
            meta: vec![],
        }
    }

    /// Makes the error for a member that a login lacks.
    pub(super) fn empty(member: LoginMember) -> Self {
        Self {
            error_code: "NotEmpty",
            field_name: member.name(),
            message: member.message(),
            meta: vec![("PropertyName", member.label().to_owned())],
        }
    }
}

/// Uses FluentValidation's codes and texts. `Meta` leaves out `PropertyValue`, which would repeat
/// the password.
impl From<&Violation> for ResponseError {
    fn from(violation: &Violation) -> Self {
        let (field_name, label) = match violation {
            Violation::EmailEmpty | Violation::EmailMalformed => ("Email", "Email"),
            Violation::PasswordEmpty
            | Violation::PasswordLength { .. }
            | Violation::PasswordWeak(_) => ("NewPassword", "New Password"),
        };
        let mut meta = Vec::new();
        let (error_code, rest) = match violation {
            Violation::EmailEmpty | Violation::PasswordEmpty => {
                ("NotEmpty", "should not be empty.".to_owned())
            }
            Violation::EmailMalformed => ("Email", "is not a valid email address.".to_owned()),
            Violation::PasswordLength { allowed, entered } => {
                let (least, most) = (allowed.start(), allowed.end());
                meta = vec![
                    ("MinLength", least.to_string()),
                    ("MaxLength", most.to_string()),
                    ("TotalLength", entered.to_string()),
                ];
                let rest = format!(
                    "must be between {least} and {most} characters. You entered {entered} \
                     characters."
                );
                ("Length", rest)
            }
            Violation::PasswordWeak(weakness) => ("Predicate", weakness_text(*weakness).to_owned()),
        };
        meta.push(("PropertyName", label.to_owned()));
        Self {
            error_code,
            field_name,
            message: format!("'{label}' {rest}"),
            meta,
        }
    }
}

impl From<&ResponseStatus> for Value {
    fn from(status: &ResponseStatus) -> Self {
        let errors = status
            .errors
            .as_ref()
            .map(|errors| errors.iter().map(Self::from).collect());
        Self::Object(vec![
            ("ErrorCode", Self::text(&status.error_code)),
            ("Message", Self::text(&status.message)),
            ("StackTrace", Self::Null),
            ("Errors", errors.map_or(Self::Null, Self::List)),
            ("Meta", Self::Null),
        ])
    }
}

impl From<&ResponseError> for Value {
    fn from(error: &ResponseError) -> Self {
        let meta = error
            .meta
            .iter()
            .map(|(key, value)| (*key, Self::text(value)))
            .collect();
        let meta = if error.meta.is_empty() {
            Self::Null
        } else {
            Self::Dictionary(meta)
        };
        Self::Object(vec![
            ("ErrorCode", Self::text(error.error_code)),
            ("FieldName", Self::text(error.field_name)),
            ("Message", Self::text(&error.message)),
            ("Meta", meta),
        ])
    }
}

/// The rest of the sentence that begins with the member's label.
const fn weakness_text(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::Common => "is one of the most common passwords. Please choose another.",
        Weakness::Context => {
            "must not be the e-mail address, the part of it before the @, the user name, the display \
             name, the brand or the product name."
        }
    }
}
