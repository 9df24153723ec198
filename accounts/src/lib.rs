//! The operators' command line: who is on file, who may log in, what they may do, and in whose name
//! they get mail.
//!
//! | module | commands |
//! |---|---|
//! | `import` | `import` |
//! | `add` | `add` |
//! | `brand` | `brand list`, `brand show`, `brand set` |
//! | `change` | `disable`, `enable`, `grant`, `revoke` |
//! | `set_email` | `set-email` |
//! | `keys` | `check-keys` |
//! | `look` | `show`, `audit`, `pending` |
//! | `reset` | `reset` |
//!
//! Whatever changes one account or a brand writes its audit row in the same transaction.

mod access;
mod add;
mod brand;
mod brand_table;
mod change;
mod connection;
mod console;
mod credentials;
mod error;
mod failure;
mod help;
mod identity;
mod import;
mod keys;
mod look;
mod reset;
mod roles;
mod set_email;
mod stack;
mod suppression;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use shared::clock::Clock;
use shared::config::Env;

use access::Session;
use connection::Connection;
use console::Done;
use error::{Error, Status};
use failure::{Problem, explain};

pub use console::Console;
pub use import::{Existing, Import, Imported, Importer};

/// Manages the accounts of the password services.
///
/// Exit codes: 0 done; 1 refused; 2 wrong usage, or a setting is missing; 3 not found; 75 try again
/// later.
#[derive(Debug, Parser)]
#[command(name = "accounts", version)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Print JSON, one object a line, errors too
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Arguments),
    Add(add::Arguments),
    /// Show an account
    Show {
        /// The user name
        user: String,
    },
    /// Let an account log in no more, and end its sessions
    Disable {
        /// The user name
        user: String,
        /// Even if nobody is left who has the role Admin
        #[arg(long)]
        force: bool,
    },
    /// Let a disabled account log in again
    Enable {
        /// The user name
        user: String,
    },
    /// Give an account a role
    Grant {
        /// The role, for instance Admin
        role: String,
        /// The user name
        user: String,
        /// Even if the role is spelled almost like Admin
        #[arg(long)]
        force: bool,
    },
    /// Take a role from an account
    Revoke {
        /// The role, spelled as the account has it
        role: String,
        /// The user name
        user: String,
        /// Even if nobody is left who has the role Admin
        #[arg(long)]
        force: bool,
    },
    /// Change the address of an account, and forget that mail to it failed
    ///
    /// Another address ends sessions and all that was mailed to the old one, which is told. SES's
    /// suppression of the new one is lifted.
    SetEmail {
        /// The user name
        user: String,
        /// The e-mail address
        address: String,
    },
    /// Mail an account a new password, as `ResetUserPassword` does
    ///
    /// Reads the environment variables of that function, which should be the same as the
    /// function's own.
    Reset {
        /// The user name
        user: String,
    },
    /// List what happened to an account, oldest first
    Audit {
        /// The user name
        user: String,
    },
    /// List the resets whose mail is not accepted yet
    Pending,
    CheckKeys(keys::Arguments),
    /// Look at brands and change them: in whose name mails go out
    #[command(subcommand)]
    Brand(brand::Command),
    /// Print the completions of a shell, for its start-up file
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a manual page: `accounts man | man -l -`
    Man {
        /// The command, for instance `brand set`; else the program
        command: Vec<String>,
    },
}

/// The variable that says who is at work.
const OPERATOR: &str = "USER";
impl Command {
    /// The variables that the command needs, so that all that are missing can be named at once.
    fn variables(&self) -> &'static [&'static str] {
        match self {
            Self::Import(arguments) => arguments.variables(),
            Self::Show { .. } | Self::Pending => &["USERS_TABLE"],
            Self::Audit { .. } => &["AUDIT_TABLE"],
            Self::Brand(brand::Command::Set { .. }) => &["BRANDS_TABLE", "AUDIT_TABLE", OPERATOR],
            Self::Brand(_) => &["BRANDS_TABLE"],
            Self::CheckKeys(arguments) => arguments.variables(),
            Self::Reset { .. } => &reset::VARIABLES,
            Self::Completions { .. } | Self::Man { .. } => &[],
            Self::Add(_)
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::SetEmail { .. } => &["USERS_TABLE", "AUDIT_TABLE", OPERATOR],
        }
    }
}

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
    let session = Session::new(&arguments.connection, variables, clock.now());
    match execute(&session, &arguments.command, console).await {
        Ok(exit_code) => exit_code,
        // Whoever reads the output has read enough.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let place = session.place(arguments.command.variables());
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
        session.connect(variables).await?;
    }
    if variables.contains(&OPERATOR) {
        session.identify().await?;
    }
    let done = match command {
        Command::Import(arguments) => return import::import(session, arguments, console).await,
        Command::Add(arguments) => add::add(session, arguments, console).await?,
        Command::Disable { user, force } => change::disable(session, user, *force).await?,
        Command::Enable { user } => change::enable(session, user).await?,
        Command::Grant { role, user, force } => change::grant(session, role, user, *force).await?,
        Command::Revoke { role, user, force } => {
            change::revoke(session, role, user, *force).await?
        }
        Command::SetEmail { user, address } => set_email::set_email(session, user, address).await?,
        Command::CheckKeys(arguments) => {
            return keys::check_keys(session, arguments, console).await;
        }
        Command::Reset { user } => reset::reset(session, user).await?,
        Command::Show { user } => return shown(console.record(&look::show(session, user).await?)),
        Command::Audit { user } => return shown(console.rows(&look::audit(session, user).await?)),
        Command::Brand(brand::Command::Set { key, values }) => {
            brand::set(session, key, values).await?
        }
        Command::Brand(brand::Command::Show { key }) => {
            return shown(console.record(&brand::show(session, key).await?));
        }
        Command::Brand(brand::Command::List) => {
            return shown(console.rows(&brand::list(session).await?));
        }
        Command::Pending => return shown(console.rows(&look::pending(session).await?)),
        Command::Completions { shell } => {
            help::completions::<Arguments>(*shell, console)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Man { command } => {
            help::man::<Arguments>(command, console)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    shown(console.done(&done))
}

fn shown(printed: std::io::Result<()>) -> Result<ExitCode, Error> {
    printed?;
    Ok(ExitCode::SUCCESS)
}
