//! The command line: its commands, and the settings that each command needs.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::connection::Connection;
use crate::{
    add, brand, delete, doctor, expire, import, keys, reset, search, set, set_password, trail,
};

/// Manages the accounts of the password services.
///
/// Exit codes: 0 success; 1 refused; 2 wrong usage or a missing setting; 3 not found; 74 the output
/// could not be written; 75 temporary failure, try again later.
#[derive(Debug, Parser)]
#[command(name = "accounts", version)]
pub struct Arguments {
    /// Print results and errors as JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find accounts by email address, customer number or part of a name
    ///
    /// If the text is the complete address of an account, finds it in an index. If not, reads the
    /// whole table, and matches the customer number or part of the user name, display name or
    /// address.
    Find {
        /// The address, customer number or part of a name
        text: String,
    },
    /// List accounts that match all filters
    ///
    /// Reads the table in its internal order until the limit is reached.
    List(search::List),
    /// Show an account
    Show {
        /// The user name
        user: String,
    },
    Audit(trail::Arguments),
    /// List unfinished resets
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
    /// Show and change brands: the sender, product name and links in emails
    #[command(subcommand)]
    Brand(brand::Command),
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a manual page; view it with `accounts man | man -l -`
    Man {
        /// The command, for instance `brand set`; without it, the page for `accounts` itself
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
    /// Disable an account and end its sessions
    Disable {
        /// The user name
        user: String,
        /// Disable the account even if no other account can use the role Admin
        #[arg(long)]
        force: bool,
    },
    /// Enable a disabled account
    Enable {
        /// The user name
        user: String,
    },
    /// Grant a role to an account
    Grant {
        /// The role, for instance Admin
        role: String,
        /// The user name
        user: String,
        /// Grant the role even if it resembles Admin or the arguments look swapped
        #[arg(long)]
        force: bool,
    },
    /// Revoke a role from an account
    Revoke {
        /// The role, spelled exactly as the account has it
        role: String,
        /// The user name
        user: String,
        /// Revoke the role even if no other account can use the role Admin, or the arguments look
        /// swapped
        #[arg(long)]
        force: bool,
    },
    Delete(delete::Arguments),
}

/// The variable with the name of the operator.
pub(crate) const OPERATOR: &str = "USER";

impl Command {
    /// Returns the variables that the command needs, so that one error can name all missing ones.
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
            Self::Brand(brand::Command::Set { .. } | brand::Command::Remove { .. }) => {
                &["BRANDS_TABLE", "AUDIT_TABLE", OPERATOR]
            }
            Self::Brand(brand::Command::Preview(_)) => &[
                "BRANDS_TABLE",
                "PRODUCT_NAME",
                "MAIL_FROM",
                "SUPPORT_CONTACT",
                "LOGIN_URL",
            ],
            Self::Brand(_) => &["BRANDS_TABLE"],
            Self::Completions { .. } | Self::Man { .. } => &[],
            Self::Change(_) => &["USERS_TABLE", "AUDIT_TABLE", OPERATOR],
        }
    }
}
