//! A local SES v2: `SendEmail` (which keeps the emails), the suppression list, and pages that show
//! the emails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::clock::Clock;
use tokio::net::TcpListener;

use crate::html::{MAIL_POLICY, page, policy};

/// An email that SES accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// SES's message id.
    pub id: String,
    /// The time, in RFC 3339.
    pub at: String,
    /// The sender.
    pub from: String,
    /// The configuration set, if any.
    pub configuration_set: Option<String>,
    /// The tags that SES's reports about the email would have.
    pub tags: BTreeMap<String, String>,
    /// Additional headers, by name.
    pub headers: BTreeMap<String, String>,
    /// The recipients.
    pub to: Vec<String>,
    /// The addresses for replies, if they are not the sender's.
    pub reply_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl Mail {
    /// The password in an email that contains one. It is the second of four indented values in
    /// every language.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        let values = self.text.lines().filter(|line| line.starts_with("    "));
        let values: Vec<_> = values.collect();
        match values.as_slice() {
            [_, password, _, _] => password.split_whitespace().last(),
            _ => None,
        }
    }
}

/// The emails that SES accepted, oldest first, and the behaviour of SES.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    mails: Vec<Mail>,
    refusal: Option<&'static str>,
    delay: Duration,
    /// The reason and the time in epoch seconds, by address.
    suppressed: BTreeMap<String, (&'static str, u64)>,
}

impl Outbox {
    /// All emails.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.contents().mails.clone()
    }

    /// The emails to addresses for which `is_wanted` returns true.
    #[must_use]
    pub fn mails_to(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Mail> {
        let contents = self.contents();
        let mails = contents.mails.iter();
        let mails = mails.filter(|mail| mail.to.iter().any(|address| is_wanted(address)));
        mails.cloned().collect()
    }

    /// Deletes all emails.
    pub fn clear(&self) {
        self.contents().mails.clear();
    }

    /// Puts an address on the suppression list, for the reason `BOUNCE` or `COMPLAINT`. Emails to
    /// it are accepted, but not sent.
    pub fn suppress(&self, address: &str, reason: &'static str) {
        let since = Clock::system().now().0;
        let mut contents = self.contents();
        contents
            .suppressed
            .insert(address.to_owned(), (reason, since));
    }

    /// Whether an address is on the suppression list.
    #[must_use]
    pub fn is_suppressed(&self, address: &str) -> bool {
        self.contents().suppressed.contains_key(address)
    }

    /// Refuses every call from now on with this error from SES, or accepts calls again with `None`.
    pub fn refuse(&self, error: Option<&'static str>) {
        self.contents().refusal = error;
    }

    /// Delays the answer to every `SendEmail` from now on.
    pub fn delay(&self, delay: Duration) {
        self.contents().delay = delay;
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the endpoint on a free port and returns its URL.
pub async fn serve(outbox: Outbox) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/v2/email/outbound-emails", post(send_email))
        .route(
            "/v2/email/suppression/addresses/{address}",
            get(suppressed).delete(lift_suppression),
        )
        .with_state(outbox);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// The part of `SendEmail`'s request that the services use.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: String,
    #[serde(default)]
    reply_to_addresses: Vec<String>,
    configuration_set_name: Option<String>,
    #[serde(default)]
    email_tags: Vec<NameValue>,
    destination: SendDestination,
    content: SendContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendDestination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendContent {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: Parts,
    #[serde(default)]
    headers: Vec<NameValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parts {
    text: Part,
    html: Part,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameValue {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

async fn send_email(State(outbox): State<Outbox>, Json(request): Json<SendEmail>) -> Response {
    let delay = outbox.contents().delay;
    tokio::time::sleep(delay).await;
    let mut contents = outbox.contents();
    if let Some(error) = contents.refusal {
        return refusal(StatusCode::BAD_REQUEST, error);
    }
    let to = request.destination.to_addresses;
    // The domain must be in Punycode, and SES does not support SMTPUTF8 (SES API reference,
    // `Destination`).
    if !to.iter().all(|to| to.is_ascii()) {
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException");
    }
    let id = uuid::Uuid::new_v4().to_string();
    if to.iter().any(|to| contents.suppressed.contains_key(to)) {
        return Json(json!({ "MessageId": id })).into_response();
    }
    let Simple {
        subject,
        body,
        headers,
    } = request.content.simple;
    let headers = headers
        .into_iter()
        .map(|header| (header.name, header.value));
    let tags = request
        .email_tags
        .into_iter()
        .map(|tag| (tag.name, tag.value));
    contents.mails.push(Mail {
        id: id.clone(),
        at: Clock::system().now().rfc3339(),
        from: request.from_email_address,
        configuration_set: request.configuration_set_name,
        tags: tags.collect(),
        headers: headers.collect(),
        to,
        reply_to: request.reply_to_addresses,
        subject: subject.data,
        text: body.text.data,
        html: body.html.data,
    });
    Json(json!({ "MessageId": id })).into_response()
}

fn refusal(status: StatusCode, error: &'static str) -> Response {
    let body = Json(json!({ "message": "refused" }));
    (status, [("x-amzn-errortype", error)], body).into_response()
}

/// `GetSuppressedDestination`.
async fn suppressed(State(outbox): State<Outbox>, Path(address): Path<String>) -> Response {
    let contents = outbox.contents();
    if let Some(error) = contents.refusal {
        return refusal(StatusCode::BAD_REQUEST, error);
    }
    let Some((reason, since)) = contents.suppressed.get(&address) else {
        return refusal(StatusCode::NOT_FOUND, "NotFoundException");
    };
    let found = json!({ "EmailAddress": address, "Reason": reason, "LastUpdateTime": since });
    Json(json!({ "SuppressedDestination": found })).into_response()
}

/// `DeleteSuppressedDestination`.
async fn lift_suppression(State(outbox): State<Outbox>, Path(address): Path<String>) -> Response {
    let mut contents = outbox.contents();
    if let Some(error) = contents.refusal {
        return refusal(StatusCode::BAD_REQUEST, error);
    }
    match contents.suppressed.remove(&address) {
        Some(_) => Json(json!({})).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "NotFoundException"),
    }
}

/// Makes the pages that show the emails.
pub(crate) fn pages(outbox: Outbox) -> Router {
    Router::new()
        .route("/outbox", get(list))
        .route("/outbox/{id}", get(mail))
        .route("/outbox/{id}/html", get(mail_html))
        .route("/outbox.json", get(list_json).delete(clear))
        .with_state(outbox)
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct ListPage {
    mails: Vec<Mail>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    mail: Mail,
}

async fn list(State(outbox): State<Outbox>) -> Response {
    let mut mails = outbox.mails();
    mails.reverse();
    page(&ListPage { mails })
}

async fn mail(State(outbox): State<Outbox>, Path(id): Path<String>) -> Response {
    match find(&outbox, &id) {
        Some(mail) => page(&MailPage { mail }),
        None => not_found(),
    }
}

async fn mail_html(State(outbox): State<Outbox>, Path(id): Path<String>) -> Response {
    match find(&outbox, &id) {
        Some(mail) => (policy(MAIL_POLICY), Html(mail.html)).into_response(),
        None => not_found(),
    }
}

async fn list_json(State(outbox): State<Outbox>) -> Json<Vec<Mail>> {
    Json(outbox.mails())
}

async fn clear(State(outbox): State<Outbox>) -> StatusCode {
    outbox.clear();
    StatusCode::NO_CONTENT
}

fn find(outbox: &Outbox, id: &str) -> Option<Mail> {
    outbox.mails().into_iter().find(|mail| mail.id == id)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "no such email\n").into_response()
}
