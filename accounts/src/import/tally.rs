//! What became of the rows, in counts.

use super::check::{Refusal, TAKEN};
use super::write::{Existing, Imported};
use crate::console::{Console, Record};

/// Why an account that was to be overwritten is not: it is no longer as it was shown.
const CHANGED: &str = "the account was changed meanwhile; run the import again";

/// What became of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Written,
    /// The account exists, and was left alone.
    Present,
    /// The name is that of another customer.
    Taken,
    /// Another change of the account came first.
    Changed,
}

impl Outcome {
    /// What an attempt to write came to.
    pub(super) fn of(imported: Imported, existing: Existing) -> Self {
        match (imported, existing) {
            (Imported::Written, _) => Self::Written,
            (Imported::Taken, _) => Self::Taken,
            (Imported::Present, Existing::Keep) => Self::Present,
            (Imported::Present, Existing::Overwrite) => Self::Changed,
        }
    }
}

/// What became of the rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) good: u64,
    /// Good rows that have roles.
    pub(super) with_roles: u64,
    pub(super) written: u64,
    /// Rows whose accounts exist and are left alone, those included that are as the row has them.
    pub(super) present: u64,
    pub(super) refused: u64,
    pub(super) disabled: u64,
}

impl Tally {
    /// Counts what became of an account; a refusal if it was not written.
    pub(super) fn count(&mut self, line: u64, outcome: Outcome) -> Option<Refusal> {
        let reason = match outcome {
            Outcome::Written => {
                self.written += 1;
                return None;
            }
            Outcome::Present => {
                self.present += 1;
                return None;
            }
            Outcome::Taken => TAKEN,
            Outcome::Changed => CHANGED,
        };
        self.refused += 1;
        let reasons = vec![reason.to_owned()];
        Some(Refusal { line, reasons })
    }
}

/// Names a row that is refused, with the reasons.
pub(super) fn refuse(
    console: &mut Console,
    Refusal { line, reasons }: &Refusal,
) -> std::io::Result<()> {
    if console.is_json() {
        let reasons = reasons.as_slice().into();
        return console.json(&Record::new([
            ("line", (*line).into()),
            ("refused", reasons),
        ]));
    }
    console.line(&format!("line {line}: {}", reasons.join("; ")))
}

/// How an import ended.
pub(super) enum End {
    /// Nothing was to be written.
    DryRun,
    /// Rows are refused, so nothing is written.
    Stopped,
    /// The good rows are written.
    Written {
        /// Whether accounts that the file lacks are disabled.
        disables: bool,
    },
}

impl Tally {
    /// Prints the counts.
    pub(super) fn print(
        &self,
        end: &End,
        existing: Existing,
        console: &mut Console,
    ) -> std::io::Result<()> {
        let (present, name) = match existing {
            Existing::Keep => ("there already", "present"),
            Existing::Overwrite => ("unchanged", "unchanged"),
        };
        if console.is_json() {
            return console.json(&self.record(end, name));
        }
        let Self {
            good,
            refused,
            present: kept,
            ..
        } = self;
        let writable = good - kept;
        console.line(&match end {
            End::DryRun => {
                format!("{writable} can be written, {kept} {present}, {refused} refused")
            }
            End::Stopped => format!(
                "nothing is written, because {refused} of {} rows are refused; correct them, or \
                 leave them out with --skip-refused",
                good + refused
            ),
            End::Written { .. } => {
                let disabled = match self.disabled {
                    0 => String::new(),
                    disabled => format!(", {disabled} disabled"),
                };
                let written = self.written;
                format!("{written} written, {kept} {present}, {refused} refused{disabled}")
            }
        })
    }

    fn record(&self, end: &End, present: &'static str) -> Record {
        let outcome = match end {
            End::DryRun => ("writable", (self.good - self.present).into()),
            End::Stopped | End::Written { .. } => ("written", self.written.into()),
        };
        let counts = [
            outcome,
            (present, self.present.into()),
            ("refused", self.refused.into()),
        ];
        let disabled = matches!(end, End::Written { disables: true });
        let disabled = disabled.then_some(("disabled", self.disabled.into()));
        Record::new(counts.into_iter().chain(disabled))
    }
}
