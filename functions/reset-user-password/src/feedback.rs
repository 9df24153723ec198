//! What became of a mail after SES had accepted it, as SES tells EventBridge (SES developer guide,
//! "Monitoring Amazon SES sending using EventBridge").

use std::collections::HashMap;

use lambda_http::lambda_runtime::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::audit::Entry;
use shared::clock::Timestamp;
use shared::lambda::Event;
use shared::metrics::{self, Metric};
use shared::users::{self, Account, StoreError, UsernameKey};

use crate::operation::{Failure, ResetUserPassword};

/// What SES has to say of a mail.
struct Feedback {
    /// EventBridge's kind of event.
    kind: &'static str,
    /// Ours, in the log and the audit trail.
    event: &'static str,
    metric: Metric,
    /// The mail did not and will not arrive.
    is_lost: bool,
    /// Mail to the address is no use.
    is_bad_address: bool,
}

const FEEDBACK: [Feedback; 4] = [
    Feedback {
        kind: "Email Bounced",
        event: "mail.bounced",
        metric: Metric::MailBounced,
        is_lost: true,
        is_bad_address: true,
    },
    Feedback {
        kind: "Email Complaint Received",
        event: "mail.complained",
        metric: Metric::MailComplained,
        is_lost: false,
        is_bad_address: true,
    },
    Feedback {
        kind: "Email Rejected",
        event: "mail.rejected",
        metric: Metric::MailRejected,
        is_lost: true,
        is_bad_address: false,
    },
    Feedback {
        kind: "Email Delivery Delayed",
        event: "mail.delayed",
        metric: Metric::MailDelayed,
        is_lost: false,
        is_bad_address: false,
    },
];

/// Of the event's `detail`, what is used here.
#[derive(Deserialize)]
struct Detail {
    mail: Mail,
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

impl ResetUserPassword {
    /// Takes note of what SES says of a mail; nothing when it is of another kind of event.
    pub(crate) async fn note(
        &self,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Option<Result<Value, Error>> {
        let feedback = FEEDBACK.iter().find(|known| known.kind == event.kind)?;
        let mail = serde_json::from_value(event.detail.clone()).map(|Detail { mail }| mail);
        Some(match mail {
            Ok(mail) => self.apply(feedback, &mail, request_id, now).await,
            Err(_) => Err("the event lacks the mail it is about".into()),
        })
    }

    async fn apply(
        &self,
        feedback: &Feedback,
        mail: &Mail,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Value, Error> {
        metrics::count(feedback.metric);
        let (event, mail_request_id) = (feedback.event, mail.tag("request_id"));
        tracing::warn!(%request_id, mail_request_id, event, "mail");
        let mut accounts = 0;
        for address in &mail.destination {
            for account in self.users.with_email(&users::email_key(address)).await? {
                let digest = UsernameKey::new(&account.username).digest();
                if mail.tag("account") == Some(&digest) {
                    self.apply_to(feedback, &account, mail_request_id, request_id, now)
                        .await?;
                    accounts += 1;
                }
            }
        }
        Ok(json!({ "function": "ResetUserPassword", "event": event, "accounts": accounts }))
    }

    async fn apply_to(
        &self,
        feedback: &Feedback,
        account: &Account,
        mail_request_id: Option<&str>,
        request_id: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if let Some(lost) = mail_request_id.filter(|_| feedback.is_lost) {
            let row = entry(account, "password.temporary_withdrawn", request_id, now);
            let audit = self.audit.put(&row)?;
            unless_changed(self.users.withdraw(&account.username, lost, audit).await)?;
        }
        let row = entry(account, feedback.event, request_id, now);
        if feedback.is_bad_address {
            let audit = self.audit.put(&row)?;
            unless_changed(self.users.mark_address(account, now, audit).await)?;
        } else {
            self.audit.record(&row).await;
        }
        Ok(())
    }
}

fn entry<'a>(
    account: &'a Account,
    event: &'static str,
    request_id: &'a str,
    now: Timestamp,
) -> Entry<'a> {
    Entry {
        username: &account.username,
        at: now,
        event,
        request_id,
        source: "ses",
        actor: None,
        requester: None,
        detail: None,
    }
}

/// What the mail was about may be over: the account has another password or another address.
fn unless_changed(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Conflict) => Ok(()),
        result => result,
    }
}
