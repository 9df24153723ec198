//! `import`: the accounts of a file.
//!
//! The file is read for what may stand in several rows and for what is there already, then to check
//! all rows before the first one is written, and to write them. What is there already is left alone, so an import that
//! was interrupted is finished by running it again.

mod check;
pub(crate) mod column;
mod file;
mod missing;
mod preview;
mod row;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use shared::audit;
use shared::dynamodb::StoreError;
use shared::users::{NOBODY, NewAccount};
use tokio::task::JoinSet;

use crate::access::Session;
use crate::console::Record;
use crate::{Console, Error};
use check::{AccountFile, Checked, Refusal, TAKEN};
use file::Format;
use missing::Missing;
use preview::preview;
pub(crate) use row::Row;
pub use write::{Existing, Import, Imported, Importer};

/// Transactions at once. A DynamoDB on this machine writes one after the other, and must have done
/// with all of them before the SDK gives the last one up.
const CONCURRENCY: usize = 8;

/// The audit event of an account that was made as the file has it.
const IMPORTED: &str = "account.imported";
/// The audit event of roles that were given.
pub(crate) const GRANTED: &str = "role.granted";

/// Add the accounts of a file
///
/// All rows are checked before the first is written. An account that is there already is left
/// alone, so an import that was interrupted is finished by running it again.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Arguments {
    /// CSV with a heading, or JSON Lines
    file: PathBuf,
    /// How the file is written, if its name does not end in .csv, .jsonl or .ndjson
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Check all rows and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the good rows even if others are refused
    #[arg(long)]
    skip_refused: bool,
    /// Make accounts that are there already as the file has them
    #[arg(long)]
    overwrite: bool,
    /// Disable accounts that came with an import and are not in this file
    #[arg(long, conflicts_with = "skip_refused")]
    disable_missing: bool,
    /// Even if nobody is left who has the role Admin
    #[arg(long)]
    force: bool,
}

impl Arguments {
    /// The variables that the command needs: none to check a file alone.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        if self.dry_run && !self.takes_away() {
            &[]
        } else {
            &["USERS_TABLE", "AUDIT_TABLE", "USER"]
        }
    }
}

impl Arguments {
    /// Whether accounts that exist can lose something.
    fn takes_away(&self) -> bool {
        self.overwrite || self.disable_missing
    }
}

/// What became of the rows.
#[derive(Debug, Default)]
struct Tally {
    good: u64,
    /// Good rows that have roles.
    with_roles: u64,
    written: u64,
    present: u64,
    refused: u64,
    disabled: u64,
}

pub(crate) async fn import(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let format = arguments.format.or_else(|| Format::of(&arguments.file));
    let format = format.ok_or_else(|| {
        Error::Usage("say how the file is written, with --format csv or --format jsonl".to_owned())
    })?;
    if arguments.takes_away() {
        // What is missing for the audit rows must not show after the first batch.
        session.audit_row(NOBODY, IMPORTED, None)?;
    }
    let mut file = open(arguments, format, console)?;
    compare(session, &mut file, arguments, console).await?;
    let mut tally = check(&file, console)?;
    let is_stopped = tally.refused > 0 && !arguments.skip_refused;
    let is_looked_at = arguments.dry_run || !is_stopped;
    if arguments.overwrite && is_looked_at {
        preview(session, &file).await?.print(console)?;
    }
    let mut missing = Missing::default();
    if arguments.takes_away() && is_looked_at {
        missing = Missing::find(session, &file, arguments.disable_missing, console).await?;
    }
    if arguments.disable_missing && is_looked_at {
        missing.print(console)?;
    }
    if !arguments.force {
        missing.check_admin()?;
    }
    if !arguments.dry_run && !is_stopped {
        if tally.with_roles > 0 {
            session.audit_row(NOBODY, GRANTED, None)?;
        }
        tally.present = 0;
        let result = write(session, &file, console, &mut tally).await;
        if result.is_err() {
            console.note("the import was not finished; run it again to write the rest")?;
        }
        result?;
        tally.disabled = missing.disable(session, arguments.force, console).await?;
    }
    report(console, &tally, arguments, is_stopped)?;
    Ok(if tally.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn open<'a>(
    arguments: &'a Arguments,
    format: Format,
    console: &Console,
) -> Result<AccountFile<'a>, Error> {
    let existing = if arguments.overwrite {
        Existing::Overwrite
    } else {
        Existing::Keep
    };
    let progress = console.progress(None, "reading");
    let file = AccountFile::open(&arguments.file, format, existing, &progress);
    progress.finish_and_clear();
    file
}

/// Looks at what is there. A file can also be checked where there is no table.
async fn compare(
    session: &Session<'_>,
    file: &mut AccountFile<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Error> {
    match session.settings.connect(&["USERS_TABLE"]).await {
        Err(Error::Usage(reason)) if arguments.dry_run => {
            let text = format!("not compared with the accounts that are there: {reason}");
            return Ok(console.note(&text)?);
        }
        connected => connected?,
    }
    let progress = console.progress(None, "comparing");
    file.compare(session, progress).await
}

/// Checks all rows and names those that are refused.
fn check(file: &AccountFile<'_>, console: &mut Console) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let progress = console.progress(None, "checking");
    for row in file.accounts()? {
        progress.inc(1);
        match row? {
            Ok((line, account)) => {
                tally.good += 1;
                tally.with_roles += u64::from(!account.roles.is_empty());
                if file.has_name_clash(&account) {
                    progress.suspend(|| console.note(&format!("line {line}: {CLASH}")))?;
                }
                tally.present += u64::from(file.is_kept(&account));
            }
            Err(refusal) => {
                tally.refused += 1;
                progress.suspend(|| refuse(console, &refusal))?;
            }
        }
    }
    progress.finish_and_clear();
    Ok(tally)
}

/// The warning about names and addresses that are the same.
const CLASH: &str = "warning: an address and the user name of another account are the same; the \
                     account of that name alone logs in with it";

/// Writes the good rows, several batches at once.
async fn write(
    session: &Session<'_>,
    file: &AccountFile<'_>,
    console: &mut Console,
    tally: &mut Tally,
) -> Result<(), Error> {
    let importer = Importer::new(
        session.clients()?.dynamodb.clone(),
        session.users_table()?,
        file.existing,
        session.now,
    );
    let progress = console.progress(Some(tally.good), "writing");
    let mut rows = file.accounts()?;
    let mut writes = JoinSet::new();
    loop {
        let batch = next_batch(session, file, &mut rows)?;
        let is_end = batch.is_empty();
        if !is_end {
            writes.spawn(write_batch(importer.clone(), batch));
        }
        let most = if is_end { 0 } else { CONCURRENCY - 1 };
        while writes.len() > most
            && let Some(written) = writes.join_next().await
        {
            for (line, imported) in written?? {
                progress.inc(1);
                if let Some(refusal) = tally.count(line, imported) {
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

/// The next good rows with their audit rows. Those that are refused were named when all were
/// checked.
fn next_batch(
    session: &Session<'_>,
    file: &AccountFile<'_>,
    rows: &mut impl Iterator<Item = Result<Checked, Error>>,
) -> Result<Vec<(u64, Import)>, Error> {
    let good = rows.filter_map(|row| row.map(Result::ok).transpose());
    let imports = good.map(|row| {
        let (line, account) = row?;
        let audit = audit_rows(session, file, &account)?;
        Ok((line, Import { account, audit }))
    });
    imports.take(file.existing.batch()).collect()
}

/// The audit rows of an account: that it may replace another one, and what that changes of roles
/// and address.
fn audit_rows(
    session: &Session<'_>,
    file: &AccountFile<'_>,
    account: &NewAccount,
) -> Result<Vec<audit::Row>, Error> {
    let key = account.profile.username.as_str();
    let had = file.roles(account);
    let granted = joined(account.roles.difference(had));
    let revoked = joined(had.difference(&account.roles));
    let mut events = Vec::new();
    if file.existing == Existing::Overwrite {
        events.push((IMPORTED, None));
        events.extend(
            revoked
                .as_deref()
                .map(|roles| ("role.revoked", Some(roles))),
        );
        events.extend(
            file.is_moved(account)
                .then_some(("account.email_set", None)),
        );
    }
    events.extend(granted.as_deref().map(|roles| (GRANTED, Some(roles))));
    let rows = events.into_iter();
    rows.map(|(event, detail)| session.audit_row(key, event, detail))
        .collect()
}

/// Roles as the detail of an audit row; nothing when there are none.
pub(crate) fn joined<'r>(roles: impl IntoIterator<Item = &'r String>) -> Option<String> {
    let roles: Vec<_> = roles.into_iter().map(String::as_str).collect();
    (!roles.is_empty()).then(|| roles.join("; "))
}

async fn write_batch(
    importer: Importer,
    batch: Vec<(u64, Import)>,
) -> Result<Vec<(u64, Imported)>, StoreError> {
    let (lines, imports): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let results = importer.write(&imports).await?;
    Ok(lines.into_iter().zip(results).collect())
}

impl Tally {
    /// Counts what became of an account; a refusal if it was not written.
    fn count(&mut self, line: u64, imported: Imported) -> Option<Refusal> {
        match imported {
            Imported::Written => self.written += 1,
            Imported::Present => self.present += 1,
            Imported::Taken => {
                self.refused += 1;
                let reasons = vec![TAKEN.to_owned()];
                return Some(Refusal { line, reasons });
            }
        }
        None
    }
}

fn refuse(console: &mut Console, Refusal { line, reasons }: &Refusal) -> std::io::Result<()> {
    if console.is_json() {
        let reasons = reasons.as_slice().into();
        return console.json(&Record::new([
            ("line", (*line).into()),
            ("refused", reasons),
        ]));
    }
    console.line(&format!("line {line}: {}", reasons.join("; ")))
}

fn report(
    console: &mut Console,
    tally: &Tally,
    arguments: &Arguments,
    is_stopped: bool,
) -> std::io::Result<()> {
    let Tally {
        good,
        written,
        present,
        refused,
        ..
    } = tally;
    let writable = good - present;
    if console.is_json() {
        let outcome = if arguments.dry_run {
            ("writable", writable.into())
        } else {
            ("written", (*written).into())
        };
        let disabled = arguments.disable_missing && !arguments.dry_run;
        let disabled = disabled.then_some(("disabled", tally.disabled.into()));
        let counts = [
            outcome,
            ("present", (*present).into()),
            ("refused", (*refused).into()),
        ];
        return console.json(&Record::new(counts.into_iter().chain(disabled)));
    }
    console.line(&if arguments.dry_run {
        format!("{writable} can be written, {present} there already, {refused} refused")
    } else if is_stopped {
        format!(
            "nothing is written, because {refused} of {} rows are refused; correct them, or leave \
             them out with --skip-refused",
            good + refused
        )
    } else {
        let disabled = match tally.disabled {
            0 => String::new(),
            disabled => format!(", {disabled} disabled"),
        };
        format!("{written} written, {present} there already, {refused} refused{disabled}")
    })
}
