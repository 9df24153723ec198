//! Writes the valid rows, several batches at a time.

use shared::audit;
use shared::dynamodb::StoreError;
use shared::users::NewAccount;
use tokio::task::JoinSet;

use super::check::{AccountFile, Checked};
use super::events::{Events, of_roles};
use super::found;
use super::preview::Preview;
use super::replacement::{Plan, plan};
use super::tally::{Outcome, Tally, refuse};
use super::write::{Existing, Import, Importer};
use crate::access::Session;
use crate::{Console, Error};

/// Concurrent transactions. A local DynamoDB runs them one after the other, and the last one must
/// finish before the SDK times out.
const CONCURRENCY: usize = 8;

/// Writes the valid rows of a file.
pub(super) struct Writing<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) file: &'a AccountFile<'a>,
    /// The changes that were shown. No other change to an existing account is written.
    pub(super) preview: &'a Preview,
}

/// Line numbers with the outcomes.
type Settled = Vec<(u64, Outcome)>;

/// A batch: rows that already have an outcome, and rows to write.
#[derive(Default)]
struct Batch {
    settled: Settled,
    imports: Vec<(u64, Import)>,
}

impl Writing<'_> {
    /// Writes all rows, and prints those refused by the write.
    pub(super) async fn run(&self, console: &mut Console, tally: &mut Tally) -> Result<(), Error> {
        let importer = Importer::new(
            self.session.clients()?.dynamodb.clone(),
            self.session.users_table()?,
            self.session.now,
        );
        let progress = console.progress(Some(tally.good), "writing");
        let mut rows = self.file.accounts()?;
        let mut writes = JoinSet::new();
        loop {
            let good = next_rows(&mut rows, self.file.existing.batch())?;
            let is_end = good.is_empty();
            if !is_end {
                let batch = self.decide(good).await?;
                writes.spawn(write(importer.clone(), batch, self.file.existing));
            }
            let most = if is_end { 0 } else { CONCURRENCY - 1 };
            while writes.len() > most
                && let Some(written) = writes.join_next().await
            {
                for (line, outcome) in written?? {
                    progress.inc(1);
                    if let Some(refusal) = tally.count(line, outcome) {
                        progress.suspend(|| refuse(console, &refusal))?;
                    }
                }
            }
            if is_end {
                break;
            }
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// Plans each row. For an overwrite, reads the existing accounts first.
    async fn decide(&self, rows: Vec<(u64, NewAccount)>) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        if self.file.existing == Existing::Keep {
            for (line, account) in rows {
                let audit = self.audit_rows(&account, of_roles(&account))?;
                batch.imports.push((line, Import::new(account, audit)));
            }
            return Ok(batch);
        }
        let found = found::read(self.session, rows.iter().map(|(_, account)| account)).await?;
        for (line, account) in rows {
            let found = found.get(account.profile.username.as_str());
            let outcome = match plan(&account, found, self.session.now) {
                Plan::Add(events) => {
                    let audit = self.audit_rows(&account, events)?;
                    batch.imports.push((line, Import::new(account, audit)));
                    continue;
                }
                Plan::Replace(new) if self.preview.has_shown(&account, &new) => {
                    let audit = self.audit_rows(&account, new.events)?;
                    let import = Import::new(account, audit).replacing(new.change);
                    batch.imports.push((line, import));
                    continue;
                }
                Plan::Replace(_) => Outcome::Changed,
                Plan::Keep => Outcome::Present,
                Plan::Refuse => Outcome::Taken,
            };
            batch.settled.push((line, outcome));
        }
        Ok(batch)
    }

    fn audit_rows(&self, account: &NewAccount, events: Events) -> Result<Vec<audit::Row>, Error> {
        let key = account.profile.username.as_str();
        let rows = events.into_iter();
        rows.map(|(event, detail)| self.session.audit_row(key, event, detail.as_deref()))
            .collect()
    }
}

/// Returns the next valid rows. Refused rows were printed during the check.
fn next_rows(
    rows: &mut impl Iterator<Item = Result<Checked, Error>>,
    most: usize,
) -> Result<Vec<(u64, NewAccount)>, Error> {
    let good = rows.filter_map(|row| row.map(Result::ok).transpose());
    good.take(most).collect()
}

async fn write(
    importer: Importer,
    batch: Batch,
    existing: Existing,
) -> Result<Settled, StoreError> {
    let (lines, imports): (Vec<_>, Vec<_>) = batch.imports.into_iter().unzip();
    let results = importer.write(&imports).await?;
    let outcomes = results
        .into_iter()
        .map(|result| Outcome::of(result, existing));
    let mut settled = batch.settled;
    settled.extend(lines.into_iter().zip(outcomes));
    Ok(settled)
}
