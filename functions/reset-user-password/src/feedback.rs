//! Handling of SES's reports about emails that it has accepted: bounces, complaints, rejections and
//! delays, which arrive through EventBridge (SES developer guide, "Monitoring Amazon SES sending
//! using EventBridge").

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::lambda::Event;
use shared::metrics::{self, Metric};
use shared::users::{self, Profile};

use crate::delivery::Delivery;

const BOUNCED: &str = "Email Bounced";

/// A kind of report.
struct Feedback {
    /// The event's `detail-type`.
    kind: &'static str,
    /// Whether this applies to `Permanent` bounces or to all others. `None` for reports other than
    /// bounces.
    is_permanent: Option<bool>,
    /// The name of the event in the log and the audit trail.
    event: &'static str,
    metric: Metric,
    /// Whether the email will not arrive.
    is_lost: bool,
    /// Whether further mail to the address is useless.
    is_bad_address: bool,
}

const FEEDBACK: [Feedback; 5] = [
    Feedback {
        kind: BOUNCED,
        is_permanent: Some(true),
        event: "mail.bounced",
        metric: Metric::MailBounced,
        is_lost: true,
        is_bad_address: true,
    },
    // A full mailbox, or an out-of-office reply to an email that arrived.
    Feedback {
        kind: BOUNCED,
        is_permanent: Some(false),
        event: "mail.soft_bounced",
        metric: Metric::MailSoftBounced,
        is_lost: false,
        is_bad_address: false,
    },
    Feedback {
        kind: "Email Complaint Received",
        is_permanent: None,
        event: "mail.complained",
        metric: Metric::MailComplained,
        is_lost: false,
        is_bad_address: true,
    },
    Feedback {
        kind: "Email Rejected",
        is_permanent: None,
        event: "mail.rejected",
        metric: Metric::MailRejected,
        is_lost: true,
        is_bad_address: false,
    },
    Feedback {
        kind: "Email Delivery Delayed",
        is_permanent: None,
        event: "mail.delayed",
        metric: Metric::MailDelayed,
        is_lost: false,
        is_bad_address: false,
    },
];

/// The part of the event's `detail` that is used.
#[derive(Deserialize)]
struct Detail {
    mail: Mail,
    bounce: Option<Bounce>,
}

/// A bounce, whose type is `Permanent`, `Transient` or `Undetermined`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
}

impl Detail {
    fn is_permanent_bounce(&self) -> bool {
        let is_permanent = |bounce: &Bounce| bounce.bounce_type == "Permanent";
        self.bounce.as_ref().is_some_and(is_permanent)
    }
}

#[derive(Deserialize)]
struct Mail {
    destination: Vec<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

impl Mail {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name)?.first().map(String::as_str)
    }
}

/// The reason a report could not be handled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedbackError {
    /// The event does not have the documented form.
    #[error("the event does not say which email it is about")]
    Malformed,
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handles SES's report about an email. `None` if the event is of a different kind.
pub(crate) async fn handle_feedback(
    delivery: &Delivery,
    event: &Event,
    request_id: &str,
    now: Timestamp,
) -> Option<Result<Value, FeedbackError>> {
    if !FEEDBACK.iter().any(|known| known.kind == event.kind) {
        return None;
    }
    let ctx = RequestContext {
        request_id,
        source: "ses",
        actor: None,
        requester: None,
        now,
    };
    let Ok(detail) = serde_json::from_value::<Detail>(event.detail.clone()) else {
        return Some(Err(FeedbackError::Malformed));
    };
    let is_permanent = detail.is_permanent_bounce();
    let feedback = FEEDBACK.iter().find(|known| {
        known.kind == event.kind && known.is_permanent.is_none_or(|p| p == is_permanent)
    })?;
    Some(apply(delivery, feedback, &detail.mail, &ctx).await)
}

/// Applies the report to every account that the email was about.
async fn apply(
    delivery: &Delivery,
    feedback: &Feedback,
    mail: &Mail,
    ctx: &RequestContext<'_>,
) -> Result<Value, FeedbackError> {
    metrics::count(feedback.metric);
    let (request_id, event) = (ctx.request_id, feedback.event);
    let mail_request_id = mail.tag("request_id");
    tracing::warn!(%request_id, mail_request_id, event, "mail");
    let mut accounts = 0;
    for address in &mail.destination {
        let profiles = delivery
            .users
            .with_email(&users::email_key(address))
            .await?;
        for profile in profiles {
            if mail.tag("account") == Some(&profile.username.digest()) {
                if let Some(lost) = mail_request_id.filter(|_| feedback.is_lost) {
                    withdraw(delivery, &profile, lost, ctx).await?;
                }
                mark_address(delivery, feedback, &profile, ctx).await?;
                accounts += 1;
            }
        }
    }
    Ok(json!({ "function": "ResetUserPassword", "event": event, "accounts": accounts }))
}

/// Withdraws the temporary password of a lost email.
async fn withdraw(
    delivery: &Delivery,
    profile: &Profile,
    mail_request_id: &str,
    ctx: &RequestContext<'_>,
) -> Result<(), StoreError> {
    let username = &profile.username;
    let entry = ctx.audit(username.as_str(), "password.temporary_withdrawn");
    let row = delivery.audit.row(&entry);
    let withdrawn = delivery.users.withdraw(username, mail_request_id, &row);
    unless_changed(withdrawn.await)
}

/// Records the report, and marks the address if further mail to it is useless.
async fn mark_address(
    delivery: &Delivery,
    feedback: &Feedback,
    profile: &Profile,
    ctx: &RequestContext<'_>,
) -> Result<(), StoreError> {
    let entry = ctx.audit(profile.username.as_str(), feedback.event);
    if feedback.is_bad_address {
        let row = delivery.audit.row(&entry);
        return unless_changed(delivery.users.mark_address(profile, ctx.now, &row).await);
    }
    delivery.audit.record(&entry).await;
    Ok(())
}

/// Ignores a conflict: the account has been given another password or address since the email was
/// sent.
fn unless_changed(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Conflict) => Ok(()),
        result => result,
    }
}
