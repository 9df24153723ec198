//! Counts of the outcomes of rows.

use std::collections::BTreeSet;

use super::check::{Refusal, TAKEN};
use super::write::{Existing, Imported};
use crate::console::{BAD, Console, Record};

/// The reason for not overwriting an account that changed after the preview.
const CHANGED: &str = "account changed by someone else in the meantime; run the import again";

/// The outcome of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Written,
    /// The account already exists and was skipped.
    Present,
    /// The user name belongs to another customer.
    Taken,
    /// Someone else changed the account in the meantime.
    Changed,
}

impl Outcome {
    /// Converts the result of a write.
    pub(super) fn of(imported: Imported, existing: Existing) -> Self {
        match (imported, existing) {
            (Imported::Written, _) => Self::Written,
            (Imported::Taken, _) => Self::Taken,
            (Imported::Present, Existing::Keep) => Self::Present,
            (Imported::Present, Existing::Overwrite) => Self::Changed,
        }
    }
}

/// The counts of an import.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) good: u64,
    /// The keys of the brands in valid rows.
    pub(super) brands: BTreeSet<String>,
    /// Valid rows with roles.
    pub(super) with_roles: u64,
    pub(super) written: u64,
    /// Rows whose accounts already exist and are skipped or unchanged.
    pub(super) present: u64,
    pub(super) refused: u64,
    pub(super) disabled: u64,
}

impl Tally {
    /// Counts an outcome. Returns a refusal if the account was neither written nor skipped.
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

/// Prints a refused row with the reasons.
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
    let reasons = reasons.join("; ");
    console.line(&format!("{BAD}line {line}:{BAD:#} {reasons}"))
}

/// The end of an import.
pub(super) enum End {
    /// A dry run: nothing was written.
    DryRun,
    /// Nothing was written, because rows were refused.
    Stopped,
    /// The valid rows were written.
    Written {
        /// Whether accounts missing from the file were disabled.
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
            Existing::Keep => ("already present", "present"),
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
                "nothing written: {refused} of {} rows refused; correct them, or skip them with \
                 --skip-refused (not allowed with --disable-missing)",
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
