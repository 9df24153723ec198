//! The options of `import`.

use std::path::PathBuf;

use clap::Args;

use super::file::Format;

/// Import accounts from a file
///
/// Checks all rows before it writes the first one. Skips accounts that already exist, so that
/// running an interrupted import again completes it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Arguments {
    /// The file: CSV with a header line, or JSON Lines
    pub(super) file: PathBuf,
    /// The format of the file; by default from its extension .csv, .jsonl or .ndjson
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Check all rows and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write the valid rows even if others are refused
    #[arg(long)]
    pub(super) skip_refused: bool,
    /// Overwrite existing accounts with the values in the file
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Disable accounts that were imported earlier and are not in this file
    #[arg(long, conflicts_with = "skip_refused")]
    pub(super) disable_missing: bool,
    /// Do not ask for confirmation before overwriting or disabling
    #[arg(long)]
    pub(super) yes: bool,
    /// Import even if no account can use the role Admin afterwards, or if a role resembles Admin
    #[arg(long)]
    pub(super) force: bool,
}

impl Arguments {
    /// Returns the variables that the command needs. A plain dry run needs none.
    pub(crate) fn variables(&self) -> &'static [&'static str] {
        if self.dry_run && !self.changes_existing() {
            &[]
        } else {
            &["USERS_TABLE", "AUDIT_TABLE", "USER"]
        }
    }

    /// Returns whether the import may change existing accounts.
    pub(super) fn changes_existing(&self) -> bool {
        self.overwrite || self.disable_missing
    }

    /// Returns whether to ask for confirmation before existing accounts are changed.
    pub(super) fn needs_confirmation(&self) -> bool {
        self.changes_existing() && !self.dry_run && !self.yes
    }
}
