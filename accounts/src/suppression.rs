//! SES's suppression list: addresses to which it accepts mails and never sends them.

use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use shared::clock::Timestamp;
use shared::mail::recipient;

use crate::Error;
use crate::access::Session;

/// The reason why nothing was asked of SES.
pub(crate) const NO_SES: &str = "no SES is given; see --ses-endpoint";

/// Why SES sends no mail to an address, and since when.
pub(crate) struct Suppression {
    /// `BOUNCE` or `COMPLAINT`.
    pub(crate) reason: String,
    /// When the address was put on the list.
    pub(crate) since: Timestamp,
}

/// What is known of an address; the text says why nothing is.
pub(crate) type Looked = Result<Option<Suppression>, String>;

/// Looks an address up.
pub(crate) async fn find(session: &Session<'_>, address: &str) -> Result<Looked, Error> {
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

/// Takes an address off the list. The text of an error says what failed.
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

/// In words; SES's own may name the address.
fn failed<E: ProvideErrorMetadata>(action: &str, error: &SdkError<E>) -> String {
    match error.code() {
        Some(code) if code.starts_with("AccessDenied") => {
            format!("the permission {action} is missing")
        }
        Some(code) => format!("{action} failed: {code}"),
        None => format!("{action} failed: no answer"),
    }
}
