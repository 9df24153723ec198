//! The report: one line per check, and a summary.

use std::process::ExitCode;
use std::{io, mem};

use anstyle::{AnsiColor, Style};

use super::check::{Check, Outcome};
use crate::quantity::quantity;
use crate::{Console, Error};

/// The width of the longest label of a result.
const WIDTH: usize = 11;

/// Prints checks and counts their results.
pub(super) struct Report<'c> {
    console: &'c mut Console,
    outcomes: Vec<Outcome>,
    /// The reasons for which checks were skipped, with the number of checks.
    skipped: Vec<(String, u64)>,
}

impl<'c> Report<'c> {
    pub(super) fn new(console: &'c mut Console) -> Self {
        Self {
            console,
            outcomes: vec![],
            skipped: vec![],
        }
    }

    /// Prints checks. For people, skipped ones are only counted: `end` prints a line for each reason.
    pub(super) fn add(&mut self, checks: &[Check]) -> io::Result<()> {
        for check in checks {
            let outcome = check.outcome();
            self.outcomes.push(outcome);
            if self.console.is_json() {
                self.console.json(&check.record())?;
            } else if let Some(reason) = check.skipped() {
                self.count_skipped(reason);
            } else {
                self.line(outcome, &check.line())?;
            }
        }
        Ok(())
    }

    fn count_skipped(&mut self, reason: &str) {
        match self.skipped.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += 1,
            None => self.skipped.push((reason.to_owned(), 1)),
        }
    }

    fn line(&mut self, outcome: Outcome, text: &str) -> io::Result<()> {
        let (style, mark) = (style(outcome), outcome.label());
        let line = format!("{style}{mark:WIDTH$}{style:#}  {text}");
        self.console.line(&line)
    }

    /// Prints the skipped checks and the summary. Returns exit code 1 if a check failed.
    pub(super) fn end(mut self) -> Result<ExitCode, Error> {
        for (reason, count) in mem::take(&mut self.skipped) {
            let text = format!("{}: {reason}", quantity(count, "check"));
            self.line(Outcome::NotChecked, &text)?;
        }
        let count = |outcome| -> u64 {
            let outcomes = self.outcomes.iter();
            outcomes.map(|found| u64::from(*found == outcome)).sum()
        };
        let counts = Outcome::ALL.map(|outcome| (outcome, count(outcome)));
        let words = counts.map(|(outcome, count)| match outcome {
            Outcome::Warning => quantity(count, outcome.label()),
            _ => format!("{count} {}", outcome.label()),
        });
        let members = counts.map(|(outcome, count)| (outcome.name(), count.into()));
        self.console.summary(&words.join(", "), members)?;
        Ok(if self.outcomes.contains(&Outcome::Failed) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Ok => AnsiColor::Green.on_default(),
        Outcome::Warning => AnsiColor::Yellow.on_default(),
        Outcome::Failed => AnsiColor::Red.on_default().bold(),
        Outcome::NotChecked => Style::new().dimmed(),
    }
}
