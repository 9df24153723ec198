//! The fault matrix: one row for each call, one column for each failure.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::{Failure, Injection};
use local::Error;

/// The number of cells that prepare and check at once. With more, calls that should not fail would
/// wait until the SDK's timeout.
static WORKPLACES: Semaphore = Semaphore::const_new(2);

/// Waits for a permit for CPU-bound work.
pub async fn work_permit() -> Option<SemaphorePermit<'static>> {
    // The semaphore is never closed.
    WORKPLACES.acquire().await.ok()
}

/// The results of every failure of every call.
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

/// The calls that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All calls, except those between the first and the last of consecutive calls with the same
    /// name, such as the sweep's queries of the partitions.
    WithoutRepeats,
    /// All calls.
    Whole,
}

impl Extent {
    /// The numbers of the calls that fail.
    fn rows(self, calls: &[String]) -> Vec<usize> {
        let is_between = |number: usize| {
            let neighbours = (calls.get(number.wrapping_sub(1)), calls.get(number + 1));
            neighbours == (calls.get(number), calls.get(number))
        };
        let all = 0..calls.len();
        all.filter(|number| self == Self::Whole || !is_between(*number))
            .collect()
    }
}

/// A table to fill.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The heading of the column of calls.
    pub title: &'static str,
    /// The calls that fail.
    pub extent: Extent,
    /// The number of cells that run at once. With a response floor, a cell whose call hangs spends
    /// most of its time waiting for the answer to be due, so more cells can run at once. But the
    /// more cells run, the less of the floor is left when the call that must fail is reached.
    pub at_once: usize,
}

/// Fills every cell. `cell` makes one call fail in one way and returns the result. `calls` are the
/// calls of a run without failures, so that a new call gets a row automatically.
pub async fn fill<F>(
    plan: Plan,
    calls: Vec<String>,
    cell: impl Fn(Injection) -> F,
) -> Result<Matrix, Error>
where
    F: Future<Output = String> + Send + 'static,
{
    let at_once = Arc::new(Semaphore::new(plan.at_once));
    let mut working = JoinSet::new();
    let numbers = plan.extent.rows(&calls);
    for (row, call) in numbers.iter().copied().enumerate() {
        for (column, failure) in Failure::ALL.into_iter().enumerate() {
            let (cell, at_once) = (cell(Injection { call, failure }), Arc::clone(&at_once));
            working.spawn(async move {
                let _permit = at_once.acquire_owned().await;
                (row, column, cell.await)
            });
        }
    }
    let empty = vec![String::new(); Failure::ALL.len()];
    let row = |call: &String| Row {
        call: call.clone(),
        cells: empty.clone(),
    };
    let called = numbers.iter().filter_map(|number| calls.get(*number));
    let mut rows: Vec<_> = called.map(row).collect();
    while let Some(done) = working.join_next().await {
        let (row, column, text) = done?;
        let row = rows.get_mut(row);
        if let Some(cell) = row.and_then(|row| row.cells.get_mut(column)) {
            *cell = text;
        }
    }
    Ok(Matrix {
        title: plan.title,
        rows,
    })
}

impl Matrix {
    /// Whether there are rows, and no cell is empty.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        !self.rows.is_empty() && cells.all(|cell| !cell.is_empty())
    }
}

impl fmt::Display for Matrix {
    /// Writes the matrix as Markdown.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_between_calls_of_the_same_name_are_left_out() {
        let rows = |extent: Extent, calls: &str| {
            let calls: Vec<_> = calls.chars().map(String::from).collect();
            extent.rows(&calls)
        };
        assert_eq!(
            rows(Extent::WithoutRepeats, "abbbbcbbab"),
            [0, 1, 4, 5, 6, 7, 8, 9]
        );
        assert_eq!(rows(Extent::WithoutRepeats, "aaa"), [0, 2]);
        assert_eq!(rows(Extent::Whole, "abbbc"), [0, 1, 2, 3, 4]);
    }
}
