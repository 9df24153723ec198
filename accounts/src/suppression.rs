//! SES's suppression list: SES accepts mail to these addresses but does not send it.

use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use shared::clock::Timestamp;
use shared::mail::recipient;

use crate::Error;
use crate::access::Session;

/// The message for a command without SES.
pub(crate) const NO_SES: &str = "no SES endpoint given; use --ses-endpoint";

/// An entry of the suppression list.
pub(crate) struct Suppression {
    /// `BOUNCE` or `COMPLAINT`.
    pub(crate) reason: String,
    /// The time at which the address was added.
    pub(crate) since: Timestamp,
}

/// The entry of an address, if there is one. The error says why the list was not read.
pub(crate) type Lookup = Result<Option<Suppression>, String>;

/// Looks up an address.
pub(crate) async fn find(session: &Session<'_>, address: &str) -> Result<Lookup, Error> {
    let Some(address) = recipient(address) else {
        return Ok(Ok(None));
    };
    let Some(ses) = session.ses()? else {
        return Ok(Err(NO_SES.to_owned()));
    };
    let request = ses.get_suppressed_destination();
    Ok(match request.email_address(address).send().await {
        Ok(found) => Ok(found.suppressed_destination.map(|found| Suppression {
            reason: found.reason.as_str().to_owned(),
            since: Timestamp(u64::try_from(found.last_update_time.secs()).unwrap_or_default()),
        })),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(failed("ses:GetSuppressedDestination", &error)),
    })
}

/// Removes an address from the list. The text of the inner error says what failed.
pub(crate) async fn lift(
    session: &Session<'_>,
    address: &str,
) -> Result<Result<(), String>, Error> {
    let (Some(address), Some(ses)) = (recipient(address), session.ses()?) else {
        return Ok(Ok(()));
    };
    let request = ses.delete_suppressed_destination();
    Ok(match request.email_address(address).send().await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(failed("ses:DeleteSuppressedDestination", &error)),
    })
}

fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("NotFoundException")
}

/// Describes a failed call without SES's message, which may contain the address.
fn failed<E: ProvideErrorMetadata>(action: &str, error: &SdkError<E>) -> String {
    match error.code() {
        Some(code) if code.starts_with("AccessDenied") => {
            format!("permission {action} is missing")
        }
        Some(code) => format!("{action} failed: {code}"),
        None => format!("{action} failed: no answer"),
    }
}
