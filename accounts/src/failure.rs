//! Error messages for operators: one line with the problem, the table and the region.

use std::error::Error as StdError;
use std::io::ErrorKind;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use shared::dynamodb::{StoreError, is_temporary};

use crate::Error;
use crate::aws::Refusal;
use crate::error::Status;

/// Error codes of rejected credentials (DynamoDB developer guide, "Error handling"; STS
/// API reference, "Common Error Types").
const BAD_CREDENTIALS: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Error codes of calls that may succeed later (DynamoDB developer guide, "Error handling"; "Common
/// errors" of CloudFormation and STS). Throttling has several more codes.
const TEMPORARY: [&str; 7] = [
    "InternalFailure",
    "InternalServerError",
    "LimitExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// The error code of a missing table.
const NO_TABLE: &str = "ResourceNotFoundException";

/// An error message and its kind.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The message.
    pub(crate) text: String,
    /// The kind of the error.
    pub(crate) status: Status,
}

/// The region, endpoint and tables of a command.
pub(crate) struct Place {
    /// The region.
    pub(crate) region: String,
    /// The URL of DynamoDB, if it is not AWS's own.
    pub(crate) endpoint: Option<String>,
    /// The names of the tables that the command uses.
    pub(crate) tables: Vec<String>,
}

/// The failure of a call.
enum Failure {
    /// The tables were too busy in every attempt.
    Busy,
    /// The service refused the call.
    Refused { code: String, message: String },
    /// The service did not answer.
    NoAnswer { cause: String },
    /// The URL does not lead to the service, so trying again does not help.
    WrongPlace { reason: &'static str },
}

type Find = fn(&(dyn StdError + 'static)) -> Option<Failure>;

/// Finds the failures of the calls to DynamoDB.
const CALLS: [Find; 6] = [
    failure::<BatchGetItemError>,
    failure::<GetItemError>,
    failure::<QueryError>,
    failure::<ScanError>,
    failure::<TransactWriteItemsError>,
    failure::<UpdateItemError>,
];

/// Describes an error for an operator.
pub(crate) fn explain(error: &Error, place: &Place) -> Problem {
    if let Some((service, failure)) = causes(error).find_map(failed_call) {
        return Problem {
            text: in_words(service, &failure, place),
            status: failure.status(),
        };
    }
    if let Error::Store(StoreError::Conflict) = error {
        return Problem {
            text: "changed by someone else in the meantime; try again".to_owned(),
            status: Status::TryAgain,
        };
    }
    let mut texts: Vec<_> = causes(error).map(plain_message).collect();
    texts.dedup();
    Problem {
        text: texts.join(": "),
        status: status(error),
    }
}

/// Returns the service whose call failed, and the failure.
fn failed_call(cause: &(dyn StdError + 'static)) -> Option<(&'static str, Failure)> {
    let transaction = cause.downcast_ref::<SdkError<TransactWriteItemsError>>();
    if transaction.is_some_and(|error| error.code().is_some() && is_temporary(error)) {
        return Some(("DynamoDB", Failure::Busy));
    }
    let dynamodb = CALLS.iter().find_map(|find| find(cause));
    let dynamodb = dynamodb.map(|failure| ("DynamoDB", failure));
    let sts = || Some(("STS", failure::<GetCallerIdentityError>(cause)?));
    let stack = || Some(("CloudFormation", failure::<Refusal>(cause)?));
    dynamodb.or_else(sts).or_else(stack)
}

/// Returns the kind of an error that is not a failed call.
fn status(error: &Error) -> Status {
    match error {
        Error::Usage(_) | Error::Config(_) => Status::Usage,
        Error::NotFound(_) => Status::NotFound,
        Error::File { source, .. } if source.kind() == ErrorKind::NotFound => Status::NotFound,
        Error::TryAgain(_)
        | Error::Store(StoreError::Busy | StoreError::Conflict | StoreError::Unavailable(_)) => {
            Status::TryAgain
        }
        Error::Output(_) | Error::Unreported(_) => Status::Output,
        _ => Status::Refused,
    }
}

/// Iterates over an error and its sources.
fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

fn failure<E>(error: &(dyn StdError + 'static)) -> Option<Failure>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let error = error.downcast_ref::<SdkError<E>>()?;
    if let Some(code) = error.code() {
        return Some(Failure::Refused {
            code: code.to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        });
    }
    let cause = root(error);
    Some(match wrong_place(&cause) {
        Some(reason) => Failure::WrongPlace { reason },
        None => Failure::NoAnswer { cause },
    })
}

const NO_HOST: &str = "host not found; check the region and the endpoint";

/// Substrings of the messages of permanent DNS, TLS and HTTP errors, each with an explanation for
/// operators.
const WRONG_PLACES: [(&str, &str); 5] = [
    ("Name or service not known", NO_HOST),
    ("nodename nor servname", NO_HOST),
    ("No address associated", NO_HOST),
    (
        "InvalidContentType",
        "the server does not use TLS; use http:// instead of https://",
    ),
    ("invalid peer certificate", "the certificate is not trusted"),
];

fn wrong_place(cause: &str) -> Option<&'static str> {
    let mut known = WRONG_PLACES.into_iter();
    known
        .find(|(part, _)| cause.contains(part))
        .map(|(_, reason)| reason)
}

impl Failure {
    fn status(&self) -> Status {
        match self {
            Self::Busy | Self::NoAnswer { .. } => Status::TryAgain,
            Self::WrongPlace { .. } => Status::Usage,
            Self::Refused { code, .. } if code == NO_TABLE => Status::NotFound,
            Self::Refused { code, .. }
                if TEMPORARY.contains(&code.as_str())
                    || code.contains("Throttl")
                    || code.contains("ThroughputExceeded") =>
            {
                Status::TryAgain
            }
            Self::Refused { .. } => Status::Refused,
        }
    }
}

/// The prefix that Rust adds to DNS errors.
const LOOKUP: &str = "failed to lookup address information: ";

/// Rust's message for text that is not UTF-8.
const NOT_UTF_8: &str = "stream did not contain valid UTF-8";

/// Returns whether the error is a missing table.
pub(crate) fn is_missing_table(error: &Error) -> bool {
    let failed = causes(error).find_map(failed_call);
    matches!(failed, Some((_, Failure::Refused { code, .. })) if code == NO_TABLE)
}

/// Returns the root cause.
pub(crate) fn root(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(plain_message).unwrap_or_default()
}

/// Returns the message without what Rust adds for developers: the number of an operating-system
/// error and the prefix of a DNS error. Shortens the error about UTF-8.
fn plain_message(error: &(dyn StdError + 'static)) -> String {
    let text = error.to_string();
    if text == NOT_UTF_8 {
        return "not valid UTF-8".to_owned();
    }
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix(LOOKUP).unwrap_or(text);
    text.to_owned()
}

fn in_words(service: &str, failure: &Failure, place: &Place) -> String {
    // Tables and endpoint apply to DynamoDB alone.
    let region = Place::of_region(&place.region);
    let place = if service == "DynamoDB" {
        place
    } else {
        &region
    };
    let location = place.location();
    match failure {
        Failure::Busy => format!(
            "{service} is too busy {location}{}; try again",
            place.tables()
        ),
        Failure::NoAnswer { cause } => {
            let tables = place.tables();
            let advice = match place.endpoint {
                Some(_) => "check that it is running there",
                None => "try again",
            };
            format!("{service} did not answer {location}{tables}: {cause}; {advice}")
        }
        Failure::WrongPlace { reason } => {
            let tables = place.tables();
            format!("{service} cannot be reached {location}{tables}: {reason}")
        }
        Failure::Refused { code, .. } if code == NO_TABLE => {
            let missing = match place.tables.as_slice() {
                [table] => format!("table {table} not found"),
                tables => format!("one of these tables was not found: {}", tables.join(", ")),
            };
            format!("{missing} {location}; check the names and the region")
        }
        Failure::Refused { code, message } if BAD_CREDENTIALS.contains(&code.as_str()) => {
            let tables = place.tables();
            let reason = reason(code, message);
            format!("AWS rejected the credentials {location}{tables}: {reason}")
        }
        Failure::Refused { code, message } => {
            if let Some(permission) = permission(message) {
                format!("permission denied: {permission} {location}")
            } else {
                let tables = place.tables();
                let reason = reason(code, message);
                format!("{service} refused the request {location}{tables}: {reason}")
            }
        }
    }
}

/// Joins the code and the message, which may be empty.
fn reason(code: &str, message: &str) -> String {
    match message.trim() {
        "" => code.to_owned(),
        message => format!("{code}: {message}"),
    }
}

/// Extracts the action and the resource from IAM's denial message: "User: ARN is not authorized to
/// perform: ACTION on resource: ARN because …".
pub(crate) fn permission(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(" is not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let resource = rest.split_once(" on resource: ");
    let resource = resource.and_then(|(_, rest)| rest.split_whitespace().next());
    let Some(resource) = resource else {
        return Some(action.to_owned());
    };
    Some(match resource.split_once(":table/") {
        None => format!("{action} on {resource}"),
        Some((_, table)) => match table.split_once("/index/") {
            None => format!("{action} on table {table}"),
            Some((table, index)) => format!("{action} on index {index} of table {table}"),
        },
    })
}

impl Place {
    fn of_region(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            endpoint: None,
            tables: vec![],
        }
    }

    fn location(&self) -> String {
        match &self.endpoint {
            Some(url) => format!("at {url} (region {})", self.region),
            None => format!("in {}", self.region),
        }
    }

    /// Returns the tables for a message, with a leading space.
    fn tables(&self) -> String {
        match self.tables.as_slice() {
            [] => String::new(),
            [table] => format!(" for table {table}"),
            tables => format!(" for tables {}", tables.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_call_names_the_permission() {
        let denied = |resource: &str| {
            permission(&format!(
                "User: arn:aws:sts::123456789012:assumed-role/Operators/jo is not authorized to \
                 perform: dynamodb:Query on resource: {resource} because no identity-based policy \
                 allows the dynamodb:Query action"
            ))
        };
        for (resource, expected) in [
            (
                "arn:aws:dynamodb:eu-west-1:123456789012:table/Users/index/email-index",
                "dynamodb:Query on index email-index of table Users",
            ),
            (
                "arn:aws:dynamodb:eu-west-1:123456789012:table/Users",
                "dynamodb:Query on table Users",
            ),
            (
                "arn:aws:kms:eu-west-1:123456789012:key/1",
                "dynamodb:Query on arn:aws:kms:eu-west-1:123456789012:key/1",
            ),
        ] {
            assert_eq!(denied(resource).as_deref(), Some(expected));
        }
        assert_eq!(permission("no"), None);
    }

    #[test]
    fn a_host_that_does_not_exist_is_a_permanent_failure() {
        let unknown = "failed to lookup address information: Name or service not known";
        assert_eq!(wrong_place(unknown), Some(NO_HOST));
        let busy = std::io::Error::other(format!("{LOOKUP}Temporary failure in name resolution"));
        assert_eq!(wrong_place(&busy.to_string()), None);
        assert_eq!(root(&busy), "Temporary failure in name resolution");
    }
}
