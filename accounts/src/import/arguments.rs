//! The options of `import`.

use std::path::PathBuf;

use clap::Args;

use super::file::Format;

/// Add the accounts of a file
///
/// All rows are checked before the first is written. An account that exists is left alone, so an
/// import that was interrupted is finished by running it again.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Arguments {
    /// CSV with a heading, or JSON Lines
    pub(super) file: PathBuf,
    /// How the file is written, if its name does not end in .csv, .jsonl or .ndjson
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Check all rows and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write the good rows even if others are refused
    #[arg(long)]
    pub(super) skip_refused: bool,
    /// Make accounts that exist as the file has them
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Disable accounts that came with an import and are not in this file
    #[arg(long, conflicts_with = "skip_refused")]
    pub(super) disable_missing: bool,
    /// Overwrite and disable without asking
    #[arg(long)]
    pub(super) yes: bool,
    /// Even if nobody is left who has the role Admin
    #[arg(long)]
    pub(super) force: bool,
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

    /// Whether accounts that exist can lose something.
    pub(super) fn takes_away(&self) -> bool {
        self.overwrite || self.disable_missing
    }

    /// Whether the operator is asked before accounts that exist are changed.
    pub(super) fn asks(&self) -> bool {
        self.takes_away() && !self.dry_run && !self.yes
    }
}
