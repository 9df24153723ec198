//! Pages that preview every email in each language and brand, on a phone and on a computer, in
//! light and dark mode.

use std::sync::Arc;

use askama::Template;
use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::brands::from_row;
use shared::clock::Clock;
use shared::mail::{Brand, Kind, Message, languages, render_sample};

use crate::backend::Backend;
use crate::html::{MAIL_POLICY, page, policy};

/// The name of the default brand in URLs.
const DEFAULT: &str = "-";

/// The brands whose emails can be previewed.
#[derive(Debug)]
struct Brands {
    client: Client,
    table: String,
    default: Brand,
}

/// Makes the pages. `default` is the default brand.
pub fn pages(backend: &Backend, default: Brand) -> Router {
    let brands = Brands {
        client: backend.clients.dynamodb.clone(),
        table: backend.tables.brands.clone(),
        default,
    };
    Router::new()
        .route("/mails", get(list))
        .route("/mails/{brand}/{language}/{kind}", get(mail))
        .route("/mails/{brand}/{language}/{kind}/html", get(html))
        .with_state(Arc::new(brands))
}

#[derive(Template)]
#[template(path = "mails.html")]
struct ListPage {
    /// The brands with their keys, which are percent-encoded.
    brands: Vec<(String, Brand)>,
}

impl ListPage {
    fn languages() -> impl Iterator<Item = &'static str> {
        languages()
    }
}

#[derive(Template)]
#[template(path = "mail_preview.html")]
struct MailPage {
    message: Message,
    from: String,
    url: String,
}

async fn list(State(brands): State<Arc<Brands>>) -> Response {
    let rows = brands.client.scan().table_name(&brands.table).send().await;
    let rows = rows.map(|output| output.items.unwrap_or_default());
    let mut found = vec![(DEFAULT.to_owned(), brands.default.clone())];
    for row in rows.unwrap_or_default() {
        if let Some(key) = row.get("brand").and_then(|key| key.as_s().ok()) {
            let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
            found.push((encoded, from_row(&row, key, &brands.default, "preview")));
        }
    }
    page(&ListPage { brands: found })
}

type Named = Path<(String, String, String)>;

async fn mail(State(brands): State<Arc<Brands>>, Path(named): Named) -> Response {
    let (key, language, kind) = &named;
    let url = format!("/mails/{key}/{language}/{kind}/html");
    match brands.message(&named).await {
        Some((brand, message)) => page(&MailPage {
            message,
            from: brand.from,
            url,
        }),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn html(State(brands): State<Arc<Brands>>, Path(named): Named) -> Response {
    match brands.message(&named).await {
        Some((_, message)) => (policy(MAIL_POLICY), Html(message.html)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Brands {
    /// Renders the email of a brand, language and kind, given by their names in URLs.
    async fn message(&self, named: &(String, String, String)) -> Option<(Brand, Message)> {
        let (key, language, kind) = named;
        let brand = self.find(key).await?;
        let now = Clock::system().now();
        let message = render_sample(kind.parse().ok()?, &brand, Some(language), now).ok()?;
        Some((brand, message))
    }

    async fn find(&self, key: &str) -> Option<Brand> {
        if key == DEFAULT {
            return Some(self.default.clone());
        }
        let request = self.client.get_item().table_name(&self.table);
        let request = request.key("brand", shared::dynamodb::text(key));
        let row = request.send().await.ok()?.item?;
        Some(from_row(&row, key, &self.default, "preview"))
    }
}
