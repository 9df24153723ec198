//! The operators' command line: who is on file, who may log in, what they may do, and in whose name
//! they get mail.
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
//! | `brand` | `brand list`, `brand show`, `brand set` |
//! | `help` | `completions`, `man` |
//!
//! Whatever changes one account or a brand writes its audit row in the same transaction.

mod access;
mod add;
mod address;
mod brand;
mod brand_table;
mod change;
mod command;
mod connection;
mod console;
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
mod near;
mod password_policy;
mod pending;
mod preview;
mod reset;
mod reset_many;
mod resetter;
mod search;
mod set;
mod set_password;
mod settings;
mod show;
mod stack;
mod suppression;
mod table;
mod time_argument;
mod trail;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser as _;
use shared::clock::Clock;
use shared::config::Env;

use access::Session;
use command::{Change, Command, OPERATOR};
use console::Done;
use error::{Error, Status};
use failure::{Problem, explain};

pub use command::Arguments;
pub use console::Console;
pub use import::{Existing, Import, Imported, Importer};

/// Reads the command line. What cannot be read is on the console, as are help and version.
pub fn parse(
    line: impl IntoIterator<Item = OsString>,
    console: &mut Console,
) -> Result<Arguments, ExitCode> {
    let line: Vec<_> = line.into_iter().collect();
    let error = match Arguments::try_parse_from(&line) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    if !error.use_stderr() || !line.iter().any(|argument| argument == "--json") {
        // Help that nobody reads to its end is no error.
        let _ = error.print();
    } else {
        console.set_json(true);
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        console.error(&Problem {
            text: text.trim_start_matches("error: ").to_owned(),
            status: Status::Usage,
        });
    }
    Err(u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Carries out one command. What is wrong is one line on the console.
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
        // Whoever reads the output has read enough.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let place = session.settings.place(arguments.command.variables());
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
        session.settings.connect(variables).await?;
    }
    if variables.contains(&OPERATOR) {
        session.identify().await?;
    }
    match command {
        Command::Find { text } => search::find(session, text, console).await?,
        Command::List(filters) => search::list(session, filters, console).await?,
        Command::Show { user } => console.record(&show::show(session, user).await?)?,
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
            console.done(&brand::set(session, key, values).await?)?;
        }
        Command::Change(command) => {
            let done = change(session, command, console).await?;
            console.done(&done)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Carries out a command that changes one account.
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
