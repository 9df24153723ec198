//! Sending emails through SES v2.

use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_sesv2::types::{
    Body, Content, Destination, EmailContent, Message as SesMessage, MessageHeader, MessageTag,
};
use aws_sdk_sesv2::{Client, Config};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use tokio::time::Instant;

use super::address;
use super::{Brand, MailError, Message};
use crate::metrics::{self, Metric};
use crate::users::Profile;

/// The SDK's authentication scheme without a signature.
const NO_AUTH: AuthSchemeId = AuthSchemeId::new("noAuth");

/// Headers that prevent out-of-office replies: RFC 3834 section 5, and Exchange's own
/// (`[MS-OXCMAIL]`). They do not suppress reports about undeliverable mail.
const HEADERS: [(&str, &str); 2] = [
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "OOF, AutoReply"),
];

/// Sends emails through SES v2.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
}

impl Mailer {
    /// Makes a mailer that uses this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Opens the connection to SES, so that the first email does not have to wait for it. SES has
    /// no operation without side effects that every role may call, and another operation would make
    /// the binary larger. This `SendEmail` is therefore empty and unsigned: SES refuses it before
    /// it checks permissions, so CloudTrail records no denied call by the role. Any answer will do,
    /// so there are no retries.
    pub async fn connect(&self) -> Result<(), MailError> {
        let unsigned = Config::builder()
            .retry_config(RetryConfig::disabled())
            .allow_no_auth()
            .auth_scheme_preference([NO_AUTH]);
        let call = self.client.send_email().customize();
        match call.config_override(unsigned).send().await {
            Err(error) if error.raw_response().is_none() => {
                Err(MailError::Unavailable("no answer".to_owned()))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Sends an email. `Ok` means that SES accepted it for delivery. Tags put the id of the request
    /// and a digest of the account into SES's reports about the email.
    pub async fn send(
        &self,
        brand: &Brand,
        recipient: &Profile,
        message: &Message,
        request_id: &str,
    ) -> Result<(), MailError> {
        let to = recipient.email.as_deref().and_then(address::recipient);
        let to = to.ok_or(MailError::Address)?;
        let part = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let body = Body::builder()
            .text(part(&message.text)?)
            .html(part(&message.html)?)
            .build();
        let headers = HEADERS.map(|(name, value)| header(name, value));
        let simple = SesMessage::builder()
            .subject(part(&message.subject)?)
            .body(body)
            .set_headers(Some(headers.into_iter().collect::<Result<_, _>>()?))
            .build();
        let began = Instant::now();
        let sent = self
            .client
            .send_email()
            .from_email_address(&brand.from)
            .destination(Destination::builder().to_addresses(to.as_ref()).build())
            .content(EmailContent::builder().simple(simple).build())
            .set_reply_to_addresses(brand.reply_to.clone().map(|address| vec![address]))
            .set_configuration_set_name(brand.configuration_set.clone())
            .email_tags(tag("request_id", request_id)?)
            .email_tags(tag("account", &recipient.username.digest())?)
            .send()
            .await;
        metrics::time(Metric::MailTime, began.elapsed());
        sent.map(|_| ()).map_err(|error| {
            metrics::count(Metric::MailFailures);
            let status = error
                .raw_response()
                .map(|response| response.status().as_u16());
            classify(status, error.code())
        })
    }
}

/// Classifies a failure by what it means for the next attempt. `status` is `None` if SES did not
/// answer. The codes are those of `SendEmail` in the SES API v2 reference and its "Common errors".
fn classify(status: Option<u16>, code: Option<&str>) -> MailError {
    let name = code.unwrap_or("no answer").to_owned();
    match (status, code) {
        (Some(..500), Some("MessageRejected" | "BadRequestException")) => MailError::Refused(name),
        (Some(..500), Some(code)) if !OUTAGES.contains(&code) => MailError::Sender(name),
        _ => MailError::Unavailable(name),
    }
}

/// Codes of errors that are temporary, or that end once the account may send again.
const OUTAGES: [&str; 5] = [
    "TooManyRequestsException",
    "ThrottlingException",
    "LimitExceededException",
    "SendingPausedException",
    "AccountSuspendedException",
];

fn tag(name: &str, value: &str) -> Result<MessageTag, BuildError> {
    MessageTag::builder().name(name).value(value).build()
}

fn header(name: &str, value: &str) -> Result<MessageHeader, BuildError> {
    MessageHeader::builder().name(name).value(value).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every error that SES documents for `SendEmail`, and errors of proxies and lost connections.
    #[test]
    fn only_errors_of_the_mail_itself_are_refusals() {
        for (status, code, expected) in [
            (Some(400), Some("MessageRejected"), "refused"),
            (Some(400), Some("BadRequestException"), "refused"),
            (
                Some(400),
                Some("MailFromDomainNotVerifiedException"),
                "sender",
            ),
            (Some(404), Some("NotFoundException"), "sender"),
            (Some(403), Some("AccessDeniedException"), "sender"),
            (Some(400), Some("UnrecognizedClientException"), "sender"),
            (Some(429), Some("TooManyRequestsException"), "unavailable"),
            (Some(400), Some("ThrottlingException"), "unavailable"),
            (Some(400), Some("LimitExceededException"), "unavailable"),
            (Some(400), Some("SendingPausedException"), "unavailable"),
            (Some(400), Some("AccountSuspendedException"), "unavailable"),
            (Some(500), Some("InternalFailure"), "unavailable"),
            (Some(503), None, "unavailable"),
            (Some(403), None, "unavailable"),
            (None, None, "unavailable"),
        ] {
            let class = match classify(status, code) {
                MailError::Refused(_) => "refused",
                MailError::Sender(_) => "sender",
                MailError::Unavailable(_) => "unavailable",
                other => panic!("{other}"),
            };
            assert_eq!(class, expected, "{status:?} {code:?}");
        }
    }
}
