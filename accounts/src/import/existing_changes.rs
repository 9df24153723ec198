//! Changes that an import makes to existing accounts, which are shown and confirmed before anything
//! is written.

use super::arguments::Arguments;
use super::check::AccountFile;
use super::missing::Missing;
use super::preview::{Preview, preview};
use crate::access::Session;
use crate::quantity::quantity;
use crate::{Console, Error};

/// The changes to existing accounts.
#[derive(Default)]
pub(super) struct ExistingChanges {
    /// Accounts to overwrite.
    pub(super) preview: Preview,
    /// Accounts to disable.
    pub(super) missing: Missing,
}

impl ExistingChanges {
    /// Finds and prints the changes to existing accounts. Refuses an import after which no account
    /// can use the role `Admin`.
    pub(super) async fn find(
        session: &Session<'_>,
        file: &AccountFile<'_>,
        arguments: &Arguments,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let mut existing = Self::default();
        if arguments.overwrite {
            existing.preview = preview(session, file).await?;
            existing.preview.print(console)?;
        }
        if arguments.changes_existing() {
            let disables = arguments.disable_missing;
            existing.missing = Missing::find(session, file, disables, console).await?;
        }
        if arguments.disable_missing {
            existing.missing.print(console)?;
        }
        if !arguments.force {
            existing.missing.check_admin()?;
        }
        Ok(existing)
    }

    /// Asks for confirmation, if an existing account changes.
    pub(super) fn confirm(&self, console: &mut Console) -> Result<(), Error> {
        let (changed, missing) = (self.preview.changed, self.missing.count());
        let question = match (changed, missing) {
            (0, 0) => return Ok(()),
            (changed, 0) => format!("Overwrite {}?", quantity(changed, "account")),
            (0, missing) => format!("Disable {}?", quantity(missing, "account")),
            (changed, missing) => {
                format!(
                    "Overwrite {} and disable {missing}?",
                    quantity(changed, "account")
                )
            }
        };
        if console.confirm(&question)? {
            Ok(())
        } else {
            Err(Error::Refused(
                "not confirmed; nothing was changed".to_owned(),
            ))
        }
    }
}
