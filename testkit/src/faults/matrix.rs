//! The table: one row a call, one column a failure.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::{Failure, Injection};
use local::Error;

/// Cells of one table that are begun at once: most of them wait for a timeout of the SDK.
const AT_ONCE: usize = 16;
/// Cells that prepare and check at once. More would keep calls waiting that are not meant to fail,
/// until the SDK gives them up.
static WORKPLACES: Semaphore = Semaphore::const_new(2);

/// Waits for a place to work at, for whatever takes the CPU.
pub async fn at_work() -> Option<SemaphorePermit<'static>> {
    // Nobody closes it.
    WORKPLACES.acquire().await.ok()
}

/// What came of every failure of every call.
#[derive(Debug)]
pub struct Matrix {
    title: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    call: String,
    cells: Vec<String>,
}

/// Works every cell: `cell` lets one call fail in one way and says what came of it. `calls` are
/// those of a run without failures, so that a new call gets its row by itself.
pub async fn fill<F>(
    title: &'static str,
    calls: Vec<String>,
    cell: impl Fn(Injection) -> F,
) -> Result<Matrix, Error>
where
    F: Future<Output = String> + Send + 'static,
{
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut working = JoinSet::new();
    for call in 0..calls.len() {
        for (column, failure) in Failure::ALL.into_iter().enumerate() {
            let (cell, at_once) = (cell(Injection { call, failure }), Arc::clone(&at_once));
            working.spawn(async move {
                let _permit = at_once.acquire_owned().await;
                (call, column, cell.await)
            });
        }
    }
    let empty = vec![String::new(); Failure::ALL.len()];
    let row = |call| Row {
        call,
        cells: empty.clone(),
    };
    let mut rows: Vec<_> = calls.into_iter().map(row).collect();
    while let Some(done) = working.join_next().await {
        let (row, column, text) = done?;
        let row = rows.get_mut(row);
        if let Some(cell) = row.and_then(|row| row.cells.get_mut(column)) {
            *cell = text;
        }
    }
    Ok(Matrix { title, rows })
}

impl Matrix {
    /// Whether there is a row, and no cell is empty.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        !self.rows.is_empty() && cells.all(|cell| !cell.is_empty())
    }
}

impl fmt::Display for Matrix {
    /// As Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = Failure::ALL.map(|failure| failure.name);
        writeln!(f, "| {} | {} |", self.title, heads.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(heads.len() + 1))?;
        for Row { call, cells } in &self.rows {
            writeln!(f, "| {call} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
