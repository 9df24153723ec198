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
mod console;
mod error;
mod failure;
mod identity;
mod import;
mod keys;
mod look;
mod reset;
mod roles;
mod set_email;
mod suppression;

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::clock::Clock;
use shared::config::Env;

use access::{Connection, Session};
use console::Done;
use error::Error;
use failure::explain;

pub use console::Console;
pub use import::{Existing, Import, Imported, Importer};

/// Manages the accounts of the password services.
///
/// Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "accounts", version)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Print JSON, one object a line
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
}

/// The variable that says who is at work.
const OPERATOR: &str = "USER";
/// The variables of everything that reaches AWS.
const AWS: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

impl Command {
    /// The variables that the command needs, so that all that are missing can be named at once.
    fn variables(&self) -> Vec<&'static str> {
        let names: &[&str] = match self {
            Self::Import(arguments) => arguments.variables(),
            Self::Show { .. } | Self::Pending => &["USERS_TABLE"],
            Self::Audit { .. } => &["AUDIT_TABLE"],
            Self::Brand(brand::Command::Set { .. }) => &["BRANDS_TABLE", "AUDIT_TABLE", OPERATOR],
            Self::Brand(_) => &["BRANDS_TABLE"],
            Self::CheckKeys(arguments) => arguments.variables(),
            Self::Reset { .. } => &reset::VARIABLES,
            Self::Add(_)
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::SetEmail { .. } => &["USERS_TABLE", "AUDIT_TABLE", OPERATOR],
        };
        let aws = if names.is_empty() { &[][..] } else { &AWS };
        [aws, names].concat()
    }
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
    let place = session.place(&arguments.command.variables());
    match execute(&session, &arguments.command, console).await {
        Ok(exit_code) => exit_code,
        // Whoever reads the output has read enough.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&explain(&error, &place));
            error.exit_code()
        }
    }
}

async fn execute(
    session: &Session<'_>,
    command: &Command,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let variables = command.variables();
    session.require(&variables)?;
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
    };
    shown(console.done(&done))
}

fn shown(printed: std::io::Result<()>) -> Result<ExitCode, Error> {
    printed?;
    Ok(ExitCode::SUCCESS)
}
