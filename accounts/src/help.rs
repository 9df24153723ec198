//! `completions` and `man`: shell completions and manual pages.

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::{Console, Error};

/// Prints the completion script for a shell.
pub(crate) fn completions<A: CommandFactory>(
    shell: Shell,
    console: &mut Console,
) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut A::command(), "accounts", &mut script);
    Ok(console.raw(&script)?)
}

/// Prints the manual page of the program, or of the command with this path, such as `brand set`.
pub(crate) fn man<A: CommandFactory>(path: &[String], console: &mut Console) -> Result<(), Error> {
    let mut root = A::command();
    root.build();
    let mut command: &Command = &root;
    for name in path {
        let found = command.find_subcommand(name);
        command = found.ok_or_else(|| {
            let path = path.join(" ");
            Error::NotFound(format!("command {path} not found; see `accounts help`"))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(console.raw(&page)?)
}
