//! The operators' command line: manages accounts, passwords, roles and brands, and checks the
//! deployment.
//!
//! | module | commands |
//! |---|---|
//! | `search` | `find`, `list` |
//! | `show` | `show` |
//! | `trail` | `audit` |
//! | `pending` | `pending` |
//! | `add` | `add` |
//! | `set` | `set` |
//! | `set_password` | `set-password` |
//! | `reset`, `reset_many`, `resetter` | `reset` |
//! | `expire` | `expire` |
//! | `change` | `end-sessions`, `disable`, `enable`, `grant`, `revoke` |
//! | `delete` | `delete` |
//! | `import` | `import` |
//! | `keys` | `check-keys` |
//! | `doctor` | `doctor` |
//! | `brand`, `preview` | `brand list`, `brand show`, `brand preview`, `brand set`, `brand remove` |
//! | `help` | `completions`, `man` |
//!
//! Every command that changes an account or a brand writes the audit row in the same transaction.
//! The exception is `import` without `--overwrite`, which writes rows for granted roles only.

mod access;
mod add;
mod address;
mod aws;
mod brand;
mod brand_table;
mod change;
mod command;
mod connection;
mod console;
mod count;
mod credentials;
mod delete;
mod doctor;
mod error;
mod expire;
mod failure;
mod fields;
mod help;
mod identity;
mod import;
mod keys;
mod last_admin;
mod notice;
mod password_policy;
mod pending;
mod preview;
mod probe;
mod profile_options;
mod quantity;
mod reset;
mod reset_many;
mod resetter;
mod search;
mod set;
mod set_password;
mod settings;
mod show;
mod similar;
mod stack;
mod suggestion;
mod suppression;
mod table;
mod time_argument;
mod trail;
mod unreadable;
mod usage;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind as UsageKind;
use shared::clock::Clock;
use shared::config::Env;

use access::Session;
use command::{Change, Command, OPERATOR};
use console::Done;
use error::{Error, Status};
use failure::{Problem, explain, is_missing_table};
use usage::Usage;

pub use command::Arguments;
pub use console::Console;
pub use import::{Existing, Import, Imported, Importer};

/// Parses the command line. Prints help, version and usage errors to the console, and returns the
/// exit code for them.
pub fn parse(
    line: impl IntoIterator<Item = OsString>,
    console: &mut Console,
) -> Result<Arguments, ExitCode> {
    let line: Vec<_> = line.into_iter().collect();
    let error = match Arguments::try_parse_from(&line) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    let is_json = line.iter().any(|argument| argument == "--json");
    let is_help = error.kind() == UsageKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || (is_help && !is_json) {
        // A closed pipe while printing help is not an error.
        let _ = error.print();
    } else {
        console.set_json(is_json);
        let Usage { text, hint } = Usage::of(&error);
        let status = Status::Usage;
        console.error(&Problem { text, status });
        if let Some(hint) = hint.filter(|_| !is_json) {
            let _ = console.note(&hint);
        }
    }
    Err(u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs one command. Prints an error as one line to the console.
pub async fn run(
    arguments: Arguments,
    variables: Env<'_>,
    clock: &Clock,
    console: &mut Console,
) -> ExitCode {
    console.set_json(arguments.json);
    let session = Session::new(&arguments.connection, variables, clock.clone());
    match execute(&session, &arguments.command, console).await {
        Ok(exit_code) => exit_code,
        // The reader of the output closed the pipe, as `head` does.
        Err(Error::Output(error) | Error::Unreported(error))
            if error.kind() == ErrorKind::BrokenPipe =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            let error = session.settings.name_option(error);
            let mut place = session.settings.place(arguments.command.variables());
            if place.tables.len() > 1 && is_missing_table(&error) {
                let missing = probe::missing_table(&session, &place.tables).await;
                place.tables = missing.map_or(place.tables, |table| vec![table]);
            }
            let problem = explain(&error, &place);
            console.error(&problem);
            problem.status.into()
        }
    }
}

async fn execute(
    session: &Session<'_>,
    command: &Command,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let variables = command.variables();
    if !variables.is_empty() {
        session.settings.resolve(variables).await?;
    }
    if variables.contains(&OPERATOR) {
        session.identify().await?;
    }
    match command {
        Command::Find { text } => search::find(session, text, console).await?,
        Command::List(filters) => search::list(session, filters, console).await?,
        Command::Show { user } => {
            let record = show::show(session, user, console).await?;
            console.record(&record)?;
        }
        Command::Audit(arguments) => trail::audit(session, arguments, console).await?,
        Command::Pending => pending::pending(session, console).await?,
        Command::Expire(arguments) => expire::expire(session, arguments, console).await?,
        Command::Reset(arguments) => return reset::reset(session, arguments, console).await,
        Command::Import(arguments) => return import::import(session, arguments, console).await,
        Command::CheckKeys(arguments) => {
            return keys::check_keys(session, arguments, console).await;
        }
        Command::Doctor(arguments) => return doctor::doctor(session, arguments, console).await,
        Command::Brand(brand::Command::List) => console.rows(&brand::list(session).await?)?,
        Command::Brand(brand::Command::Show { key }) => {
            console.record(&brand::show(session, key).await?)?;
        }
        Command::Brand(brand::Command::Preview(arguments)) => {
            arguments.run(session, console).await?;
        }
        Command::Completions { shell } => help::completions::<Arguments>(*shell, console)?,
        Command::Man { command } => help::man::<Arguments>(command, console)?,
        Command::Brand(brand::Command::Set { key, values }) => {
            let done = brand::set(session, key, values).await?;
            console.done(&done).map_err(Error::Unreported)?;
        }
        Command::Brand(brand::Command::Remove { key, yes }) => {
            let done = brand::remove(session, key, !yes, console).await?;
            console.done(&done).map_err(Error::Unreported)?;
        }
        Command::Change(command) => {
            let done = change(session, command, console).await?;
            console.done(&done).map_err(Error::Unreported)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that changes one account.
async fn change(
    session: &Session<'_>,
    command: &Change,
    console: &mut Console,
) -> Result<Done, Error> {
    match command {
        Change::Add(arguments) => add::add(session, arguments, console).await,
        Change::Set(arguments) => set::set(session, arguments).await,
        Change::SetPassword(arguments) => {
            set_password::set_password(session, arguments, console).await
        }
        Change::EndSessions { user } => change::end_sessions(session, user).await,
        Change::Disable { user, force } => change::disable(session, user, *force).await,
        Change::Enable { user } => change::enable(session, user).await,
        Change::Grant { role, user, force } => change::grant(session, role, user, *force).await,
        Change::Revoke { role, user, force } => change::revoke(session, role, user, *force).await,
        Change::Delete(arguments) => delete::delete(session, arguments, console).await,
    }
}
