//! Backends for tests.

use local::tables::TableNames;
use local::{Backend, Storage};
use password::Cost;
use shared::config::Env;

use crate::sdk_clock::SdkClock;

/// Starts a backend with the demo data in memory, on its own embedded DynamoDB. The SDK's timeouts
/// are stopped, so that calls may take any amount of time. Hashes have a negligible cost.
///
/// With `TEST_DYNAMODB_URL`, it uses new tables in the DynamoDB at that URL, so that the tests can
/// run on another implementation.
///
/// # Panics
/// If it cannot be started.
pub async fn backend() -> Backend {
    backend_with(TableNames::default(), Cost::NEGLIGIBLE).await
}

/// Does the same as [`backend`], with these table names and this hash cost. With
/// `TEST_DYNAMODB_URL`, a suffix makes the names unique.
///
/// # Panics
/// If it cannot be started.
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
pub async fn backend_with(tables: TableNames, cost: Cost) -> Backend {
    let started = match Env::of_process().optional("TEST_DYNAMODB_URL") {
        Some(url) => {
            let suffix = uuid::Uuid::new_v4();
            let with_suffix = |name| format!("{name}.{suffix}");
            let tables = TableNames {
                users: with_suffix(tables.users),
                limits: with_suffix(tables.limits),
                audit: with_suffix(tables.audit),
                brands: with_suffix(tables.brands),
                sessions: with_suffix(tables.sessions),
            };
            Backend::start_with_cost(Storage::Running(url), tables, cost).await
        }
        None => Backend::start_with_cost(Storage::Memory, tables, cost).await,
    };
    let backend = started.expect("the backend did not start");
    Backend {
        clients: SdkClock::of(&backend.clients).clients(&backend.clients),
        ..backend
    }
}
