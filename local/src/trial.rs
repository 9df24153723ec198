//! The page at `/`, with a form for each operation, and the pages of the results.
//!
//! A form sends a real request to this program's own port and redirects to a page that shows it
//! with the response, the emails and the audit rows. Reloading that page does not repeat the
//! request.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::backend::Backend;
use crate::calls::{Format, Protocol, Update};
use crate::demo;
use crate::error::{Error, causes};
use crate::html::page;
use crate::ses::{Mail, Outbox};
use crate::trail::{Account, Row, Trail};
use crate::wire::{self, Request};

/// The maximum number of results that are kept.
const MAX_RESULTS: usize = 100;
/// The password that the form suggests for the customer.
const NEW_PASSWORD: &str = "lamp-Sodium-4417";
/// The title of the results of `ResetUserPassword`.
const RESET: &str = "Reset a password";
const MASK: &str = "********";

/// The state that the handlers share.
#[derive(Clone)]
struct Trial {
    outbox: Outbox,
    trail: Trail,
    /// The address of this program, to which requests are sent.
    address: SocketAddr,
    results: Arc<Mutex<VecDeque<Arc<Exchange>>>>,
}

/// A request with its response and consequences.
struct Exchange {
    id: String,
    title: &'static str,
    format: &'static str,
    /// The request, with masked passwords.
    request: String,
    is_masked: bool,
    response: String,
    mails: Vec<Mail>,
    /// Whether the account that the request names exists.
    is_known: bool,
    rows: Vec<Row>,
}

impl Exchange {
    fn is_ok(&self) -> bool {
        self.response.starts_with("HTTP/1.1 200 ")
    }
}

/// Makes the pages. `address` is the address of this program.
pub(crate) fn pages(backend: &Backend, address: SocketAddr) -> Router {
    let trial = Trial {
        outbox: backend.outbox.clone(),
        trail: Trail {
            client: backend.clients.dynamodb.clone(),
            tables: backend.tables.clone(),
        },
        address,
        results: Arc::default(),
    };
    Router::new()
        .route("/", get(home))
        .route("/try/reset", post(reset))
        .route("/try/update", post(update))
        .route("/try/{id}", get(result))
        .with_state(trial)
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    password: &'static str,
    new_password: &'static str,
}

async fn home() -> Response {
    page(&HomePage {
        password: demo::PASSWORD,
        new_password: NEW_PASSWORD,
    })
}

#[derive(Deserialize)]
struct ResetForm {
    username: String,
    format: Protocol,
}

async fn reset(State(trial): State<Trial>, Form(form): Form<ResetForm>) -> Response {
    let request = form.format.reset(&form.username);
    let call = Call {
        title: RESET,
        format: name(&Protocol::ALL, &form.format),
        shown: request.text(trial.address, request.body.len()),
        request,
    };
    trial.show(call, &Concerned::Name(form.username)).await
}

#[derive(Deserialize)]
struct UpdateForm {
    admin: String,
    password: String,
    email: String,
    new_password: String,
    /// Present if the box is ticked.
    send_reset_email: Option<String>,
    format: Format,
}

async fn update(State(trial): State<Trial>, Form(form): Form<UpdateForm>) -> Response {
    let real = Update {
        admin: form.admin,
        password: form.password,
        email: form.email,
        new_password: form.new_password,
        send_reset_email: form.send_reset_email.is_some(),
    };
    // The suggested passwords are public, and whoever tries the services wants to copy the
    // request. Any other password may be somebody's own.
    let masked = Update {
        password: masked(&real.password, demo::PASSWORD),
        new_password: masked(&real.new_password, NEW_PASSWORD),
        ..real.clone()
    };
    let request = form.format.update(&real);
    let shown = form.format.update(&masked);
    let call = Call {
        title: "Set a password",
        format: name(&Format::ALL, &form.format),
        shown: shown.text(trial.address, request.body.len()),
        request,
    };
    let concerned = Concerned::Customer {
        email: real.email,
        admin: real.admin,
    };
    trial.show(call, &concerned).await
}

fn masked(password: &str, public: &str) -> String {
    let shown = if password == public { public } else { MASK };
    shown.to_owned()
}

/// The name of a format.
fn name<F: PartialEq>(all: &[(F, &'static str, &'static str)], format: &F) -> &'static str {
    let named = all.iter().find(|(each, ..)| each == format);
    named.map_or("", |(_, _, name)| name)
}

/// A request to send.
struct Call {
    title: &'static str,
    format: &'static str,
    request: Request,
    /// The request as the page shows it.
    shown: String,
}

/// The accounts that a request concerns.
enum Concerned {
    /// The account with this user name.
    Name(String),
    /// The accounts with this address, and the account that is signed in.
    Customer { email: String, admin: String },
}

impl Trial {
    async fn show(&self, call: Call, concerned: &Concerned) -> Response {
        match self.send(call, concerned).await {
            Ok(id) => Redirect::to(&format!("/try/{id}")).into_response(),
            Err(error) => {
                let text = format!(
                    "The request could not be sent, or its result could not be read: {}\n",
                    causes(&*error)
                );
                (StatusCode::BAD_GATEWAY, text).into_response()
            }
        }
    }

    /// Sends a request, keeps the result and returns its id.
    async fn send(&self, call: Call, concerned: &Concerned) -> Result<String, Error> {
        let before: HashSet<_> = self
            .outbox
            .mails()
            .into_iter()
            .map(|mail| mail.id)
            .collect();
        let request = call.request.text(self.address, call.request.body.len());
        let response = wire::exchange(self.address, &request).await?;
        let (accounts, callers) = self.accounts(concerned).await?;
        let is_theirs = |to: &str| {
            accounts
                .iter()
                .any(|each| each.email.as_deref() == Some(to))
        };
        let mut mails = self.outbox.mails_to(is_theirs);
        mails.retain(|mail| !before.contains(&mail.id));
        let is_known = !accounts.is_empty();
        let rows = self.trail.rows(&[accounts, callers].concat()).await?;
        let id = uuid::Uuid::new_v4().to_string();
        self.keep(Exchange {
            id: id.clone(),
            title: call.title,
            format: call.format,
            is_masked: call.shown != request,
            request: call.shown,
            response,
            mails,
            is_known,
            rows,
        });
        Ok(id)
    }

    /// The accounts that get the emails, and the others whose audit rows are of interest.
    async fn accounts(&self, concerned: &Concerned) -> Result<(Vec<Account>, Vec<Account>), Error> {
        Ok(match concerned {
            Concerned::Name(name) => (self.trail.by_name(name).await?, Vec::new()),
            Concerned::Customer { email, admin } => {
                let customers = self.trail.by_email(email).await?;
                let mut callers = self.trail.by_name(admin).await?;
                callers.retain(|caller| !customers.contains(caller));
                (customers, callers)
            }
        })
    }

    fn keep(&self, exchange: Exchange) {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if results.len() == MAX_RESULTS {
            results.pop_front();
        }
        results.push_back(Arc::new(exchange));
    }

    fn find(&self, id: &str) -> Option<Arc<Exchange>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.iter().find(|result| result.id == id).cloned()
    }
}

#[derive(Template)]
#[template(path = "result.html")]
struct ResultPage {
    exchange: Arc<Exchange>,
}

async fn result(State(trial): State<Trial>, Path(id): Path<String>) -> Response {
    match trial.find(&id) {
        Some(exchange) => page(&ResultPage { exchange }),
        None => (StatusCode::NOT_FOUND, "no such result\n").into_response(),
    }
}
