//! The command line: its commands, and the settings that each of them needs.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::connection::Connection;
use crate::{
    add, brand, delete, doctor, expire, import, keys, reset, search, set, set_password, trail,
};

/// Manages the accounts of the password services.
///
/// Exit codes: 0 done; 1 refused; 2 wrong usage, or a setting is missing; 3 not found; 75 try again
/// later.
#[derive(Debug, Parser)]
#[command(name = "accounts", version)]
pub struct Arguments {
    /// Print JSON, one object a line, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find accounts by address, customer number or part of a name
    ///
    /// An address is looked up in an index. Anything else reads the whole table and matches a customer
    /// number, or a part of a user name, a name or an address.
    Find {
        /// What to look for
        text: String,
    },
    /// List accounts that pass all filters
    ///
    /// Reads the whole table, in its own order, until the limit is reached.
    List(search::List),
    /// Show an account
    Show {
        /// The user name
        user: String,
    },
    Audit(trail::Arguments),
    /// List the resets that are not finished
    ///
    /// Reads the whole table.
    Pending,
    #[command(flatten)]
    Change(Change),
    Reset(reset::Arguments),
    Expire(expire::Arguments),
    Import(import::Arguments),
    CheckKeys(keys::Arguments),
    Doctor(doctor::Arguments),
    /// Show and change brands: in whose name mails go out
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

/// Commands that change one account.
#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    Add(add::Arguments),
    Set(set::Arguments),
    SetPassword(set_password::Arguments),
    /// End all sessions of an account
    EndSessions {
        /// The user name
        user: String,
    },
    /// Disable logins of an account, and end its sessions
    Disable {
        /// The user name
        user: String,
        /// Even if nobody is left who has the role Admin
        #[arg(long)]
        force: bool,
    },
    /// Enable logins of a disabled account
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
    Delete(delete::Arguments),
}

/// The variable that says who is at work.
pub(crate) const OPERATOR: &str = "USER";

impl Command {
    /// The variables that the command needs, so that all that are missing can be named at once.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        match self {
            Self::Find { .. } | Self::List(_) | Self::Show { .. } | Self::Pending => {
                &["USERS_TABLE"]
            }
            Self::Audit(_) => &["AUDIT_TABLE"],
            Self::Import(arguments) => arguments.variables(),
            Self::CheckKeys(arguments) => arguments.variables(),
            Self::Expire(arguments) => arguments.variables(),
            Self::Reset(arguments) => arguments.variables(),
            Self::Doctor(_) => &["USERS_TABLE", "AUDIT_TABLE", "BRANDS_TABLE", "LIMITS_TABLE"],
            Self::Brand(brand::Command::Set { .. }) => &["BRANDS_TABLE", "AUDIT_TABLE", OPERATOR],
            Self::Brand(_) => &["BRANDS_TABLE"],
            Self::Completions { .. } | Self::Man { .. } => &[],
            Self::Change(_) => &["USERS_TABLE", "AUDIT_TABLE", OPERATOR],
        }
    }
}
