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
mod import;
mod keys;
mod look;
mod reset;
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
    },
    /// Take a role from an account
    Revoke {
        /// The role
        role: String,
        /// The user name
        user: String,
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

/// Carries out one command. What is wrong is one line on the console.
pub async fn run(
    arguments: Arguments,
    variables: Env<'_>,
    clock: &Clock,
    console: &mut Console,
) -> ExitCode {
    console.set_json(arguments.json);
    match execute(arguments, variables, clock, console).await {
        Ok(exit_code) => exit_code,
        // Whoever reads the output has read enough.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error);
            error.exit_code()
        }
    }
}

async fn execute(
    arguments: Arguments,
    variables: Env<'_>,
    clock: &Clock,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let session = Session::new(&arguments.connection, variables, clock.now());
    let done = match arguments.command {
        Command::Import(arguments) => return import::import(&session, &arguments, console).await,
        Command::Add(arguments) => add::add(&session, &arguments, console).await?,
        Command::Disable { user } => change::disable(&session, &user).await?,
        Command::Enable { user } => change::enable(&session, &user).await?,
        Command::Grant { role, user } => change::grant(&session, &role, &user).await?,
        Command::Revoke { role, user } => change::revoke(&session, &role, &user).await?,
        Command::SetEmail { user, address } => {
            set_email::set_email(&session, &user, &address).await?
        }
        Command::CheckKeys(arguments) => {
            return keys::check_keys(&session, &arguments, console).await;
        }
        Command::Reset { user } => reset::reset(&session, &user).await?,
        Command::Show { user } => {
            return shown(console.record(&look::show(&session, &user).await?));
        }
        Command::Audit { user } => {
            return shown(console.rows(&look::audit(&session, &user).await?));
        }
        Command::Brand(brand::Command::Set { key, values }) => {
            brand::set(&session, &key, &values).await?
        }
        Command::Brand(brand::Command::Show { key }) => {
            return shown(console.record(&brand::show(&session, &key).await?));
        }
        Command::Brand(brand::Command::List) => {
            return shown(console.rows(&brand::list(&session).await?));
        }
        Command::Pending => return shown(console.rows(&look::pending(&session).await?)),
    };
    shown(console.done(&done))
}

fn shown(printed: std::io::Result<()>) -> Result<ExitCode, Error> {
    printed?;
    Ok(ExitCode::SUCCESS)
}
