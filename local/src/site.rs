//! The pages of this program, in addition to those of the services.

use std::net::SocketAddr;

use axum::{Router, middleware};
use shared::mail::Brand;

use crate::backend::Backend;
use crate::{guard, previews, ses, table_pages, trial};

/// Makes the pages. `brand` is the default brand, and `address` is the address of this program, to
/// which the forms send requests.
pub fn pages(backend: &Backend, brand: Brand, address: SocketAddr) -> Router {
    trial::pages(backend, address)
        .merge(ses::pages(backend.outbox.clone()))
        .merge(previews::pages(backend, brand))
        .merge(table_pages::pages(backend))
        .route_layer(middleware::from_fn(guard::refuse_other_sites))
}
