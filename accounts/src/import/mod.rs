//! `import`: imports accounts from a file.
//!
//! Reads the file several times: to find repeated names and addresses, to check all rows against
//! each other and against existing accounts, and to write them. Nothing is written before all rows
//! are checked. Existing accounts are skipped unless they are to be overwritten, so running an
//! interrupted import again completes it.

mod arguments;
mod check;
pub(crate) mod column;
mod events;
mod existing_changes;
mod file;
mod found;
mod missing;
mod preview;
mod replacement;
mod row;
mod tally;
mod write;
mod writing;

use std::process::ExitCode;

use shared::brands::row_key;
use shared::users::NOBODY;

use crate::access::Session;
use crate::{Console, Error, brand_table};
use check::AccountFile;
use events::IMPORTED;
use existing_changes::ExistingChanges;
use file::Format;
use tally::{End, Tally, refuse};
use writing::Writing;

pub(crate) use arguments::Arguments;
pub(crate) use events::{GRANTED, REVOKED, joined};
pub(crate) use row::Row;
pub use write::{Existing, Import, Imported, Importer};

pub(crate) async fn import(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let format = arguments.format.or_else(|| Format::of(&arguments.file));
    let format = format.ok_or_else(|| {
        Error::Usage("the name of the file ends neither in .csv nor in .jsonl; use --format csv or --format jsonl".to_owned())
    })?;
    if arguments.changes_existing() {
        // If a setting for audit rows is missing, the import must fail before the first batch is written.
        session.audit_row(NOBODY, IMPORTED, None)?;
    }
    if arguments.needs_confirmation() {
        console.check_can_ask()?;
    }
    let mut file = open(arguments, format, console)?;
    compare(session, &mut file, arguments, console).await?;
    let mut tally = check(&file, console)?;
    if let Some(warning) = brand_table::warning(session, &tally.brands).await {
        console.note(&warning)?;
    }
    let end = if arguments.dry_run {
        End::DryRun
    } else if tally.refused > 0 && !arguments.skip_refused {
        End::Stopped
    } else {
        let disables = arguments.disable_missing;
        End::Written { disables }
    };
    if !matches!(end, End::Stopped) {
        let existing = ExistingChanges::find(session, &file, arguments, console).await?;
        tally.present += existing.preview.unchanged;
        if matches!(end, End::Written { .. }) {
            if arguments.needs_confirmation() {
                existing.confirm(console)?;
            }
            let writing = Writing {
                session,
                file: &file,
                preview: &existing.preview,
            };
            write(&writing, console, &mut tally).await?;
            tally.disabled = existing
                .missing
                .disable(session, arguments.force, console)
                .await?;
        }
    }
    tally.print(&end, file.existing, console)?;
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
    let progress = console.progress(None, "reading");
    let file = AccountFile::open(arguments, format, &progress);
    progress.finish_and_clear();
    file
}

/// Compares the file with existing accounts. A dry run without a table checks only the file.
async fn compare(
    session: &Session<'_>,
    file: &mut AccountFile<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Error> {
    match session.settings.resolve(&["USERS_TABLE"]).await {
        Err(Error::Usage(reason)) if arguments.dry_run => {
            let text = format!("warning: not compared with existing accounts: {reason}");
            return Ok(console.note(&text)?);
        }
        connected => connected?,
    }
    let progress = console.progress(None, "comparing");
    file.compare(session, progress).await
}

/// Checks all rows and prints the refused ones.
fn check(file: &AccountFile<'_>, console: &mut Console) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let progress = console.progress(None, "checking");
    for row in file.accounts()? {
        progress.inc(1);
        match row? {
            Ok((line, account)) => {
                tally.good += 1;
                tally
                    .brands
                    .extend(row_key(account.profile.brand.as_deref()));
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

/// The warning about an address that is another account's user name.
const CLASH: &str = "warning: the address of one account is the user name of another; only the \
                     account with that user name can log in with it";

/// Writes the valid rows.
async fn write(
    writing: &Writing<'_>,
    console: &mut Console,
    tally: &mut Tally,
) -> Result<(), Error> {
    if tally.with_roles > 0 {
        // As in `import`, missing settings must fail early: roles of new accounts need audit rows.
        writing.session.audit_row(NOBODY, GRANTED, None)?;
    }
    tally.present = 0;
    let result = writing.run(console, tally).await;
    if result.is_err() {
        console.note("the import is incomplete; run it again to write the remaining rows")?;
    }
    result
}
