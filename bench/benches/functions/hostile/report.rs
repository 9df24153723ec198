//! The report on the load, including the errors that were found.

use std::time::Duration;

use local::ses::Mail;

use super::mails;
use super::traffic::Driven;
use crate::function::Error;
use crate::statistic::percentile;

/// The maximum growth of a process in the second half, in MiB.
const GROWTH: f64 = 2.0;
/// The number of wrong answers that are printed, and their maximum length.
const SHOWN: usize = 20;
const SHOWN_LENGTH: usize = 400;

/// The resident memory of the processes of each function, in MiB.
pub(super) struct Memory {
    pub(super) early: [Vec<f64>; 2],
    pub(super) late: [Vec<f64>; 2],
}

/// The results of the load.
pub(super) struct Report {
    pub(super) driven: Vec<Driven>,
    pub(super) took: Duration,
    pub(super) mails: Vec<Mail>,
    /// The number of accounts that were tested, and of those with a wrong password.
    pub(super) logins: (usize, usize),
    /// Whether the accounts that must not change are unchanged.
    pub(super) is_untouched: bool,
    pub(super) memory: Memory,
}

impl Report {
    #[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
    pub(super) fn print(&self) {
        println!(
            "\nhostile, {:.0?} | calls | wrong answers | median | p99",
            self.took
        );
        for driven in &self.driven {
            let took = |percent| percentile(driven.calls.iter().map(|call| call.took), percent);
            println!(
                "{} | {} | {} | {:.0?} | {:.0?}",
                driven.lane,
                driven.calls.len(),
                driven
                    .calls
                    .iter()
                    .filter(|call| call.fault.is_some())
                    .count(),
                took(50),
                took(99),
            );
        }
        let resets = mails::resets(&self.driven, &self.mails);
        println!("\nresets by customers | mailed at once | by a sweep | lost | surplus emails");
        println!(
            "{} | {} | {} | {} | {}",
            resets.asked_for, resets.at_once, resets.by_sweep, resets.lost, resets.too_many
        );
        println!("\nresets mailed | number | at most");
        for bounded in mails::bounded(&self.mails, self.took) {
            println!(
                "{} | {} | {}",
                bounded.whom, bounded.resets, bounded.at_most
            );
        }
        println!(
            "\npasswords tried at the end | wrong\n{} | {}",
            self.logins.0, self.logins.1
        );
        println!("\nmemory | processes | halfway | at the end | grown by at most");
        for (function, row) in ["reset", "update"].iter().zip(self.memory.rows()) {
            println!("{function} | {row}");
        }
    }

    /// Returns an error that describes all problems, if there are any.
    #[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
    pub(super) fn judge(&self) -> Result<(), Error> {
        let faults = self.faults();
        for fault in faults.iter().take(SHOWN) {
            let end = fault.floor_char_boundary(SHOWN_LENGTH);
            println!("wrong: {}", fault.get(..end).unwrap_or(fault));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(format!("{} problems found", faults.len()).into())
        }
    }

    fn faults(&self) -> Vec<String> {
        let resets = mails::resets(&self.driven, &self.mails);
        let counts = [
            ("resets lost", resets.lost),
            ("surplus emails for resets", resets.too_many),
            (
                "updates not mailed exactly once",
                mails::updates_not_mailed(&self.driven, &self.mails),
            ),
            ("emails to others", mails::to_others(&self.mails)),
            ("passwords that do not open their account", self.logins.1),
            (
                "changes to accounts that nothing may change",
                usize::from(!self.is_untouched),
            ),
            (
                "processes that need more and more memory",
                self.memory.grown(),
            ),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let mut faults: Vec<_> = counts
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        for bounded in mails::bounded(&self.mails, self.took) {
            if bounded.resets as u64 > bounded.at_most {
                faults.push(format!(
                    "{} resets mailed to {}",
                    bounded.resets, bounded.whom
                ));
            }
        }
        let answers = self.driven.iter().flat_map(|driven| {
            let faults = driven
                .calls
                .iter()
                .filter_map(|call| Some((call.number, call.fault.as_ref()?)));
            faults.map(|(number, fault)| format!("{}, call {number}: {fault}", driven.lane))
        });
        faults.extend(answers);
        faults
    }
}

impl Memory {
    /// The memory of each process of each function, before and after.
    fn functions(&self) -> impl Iterator<Item = (&Vec<f64>, &Vec<f64>)> {
        self.early.iter().zip(&self.late)
    }

    /// The processes that have grown too much.
    fn grown(&self) -> usize {
        let growth = self
            .functions()
            .flat_map(|(early, late)| growth(early, late));
        growth.filter(|growth| *growth > GROWTH).count()
    }

    fn rows(&self) -> Vec<String> {
        let rows = self.functions().map(|(early, late)| {
            let most = growth(early, late).fold(f64::MIN, f64::max);
            let (count, early, late) = (early.len(), range(early), range(late));
            format!("{count} | {early} | {late} | {most:.1} MiB")
        });
        rows.collect()
    }
}

/// The growth of each process.
fn growth(early: &[f64], late: &[f64]) -> impl Iterator<Item = f64> {
    early.iter().zip(late).map(|(early, late)| late - early)
}

fn range(memory: &[f64]) -> String {
    let least = memory.iter().copied().fold(f64::MAX, f64::min);
    let most = memory.iter().copied().fold(f64::MIN, f64::max);
    format!("{least:.1} to {most:.1} MiB")
}
