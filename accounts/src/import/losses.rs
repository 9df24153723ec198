//! What accounts that exist lose by an import: shown, and confirmed, before anything is written.

use super::arguments::Arguments;
use super::check::AccountFile;
use super::missing::Missing;
use super::preview::{Preview, preview};
use crate::access::Session;
use crate::{Console, Error};

/// What an import takes away.
#[derive(Default)]
pub(super) struct Losses {
    /// Accounts that are overwritten.
    pub(super) preview: Preview,
    /// Accounts that are disabled.
    pub(super) missing: Missing,
}

impl Losses {
    /// Finds and prints what the import changes of accounts that exist. Refuses one after which
    /// nobody could administer.
    pub(super) async fn find(
        session: &Session<'_>,
        file: &AccountFile<'_>,
        arguments: &Arguments,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let mut losses = Self::default();
        if arguments.overwrite {
            losses.preview = preview(session, file).await?;
            losses.preview.print(console)?;
        }
        if arguments.takes_away() {
            let disables = arguments.disable_missing;
            losses.missing = Missing::find(session, file, disables, console).await?;
        }
        if arguments.disable_missing {
            losses.missing.print(console)?;
        }
        if !arguments.force {
            losses.missing.check_admin()?;
        }
        Ok(losses)
    }

    /// Asks whether to go on, if an account that exists changes.
    pub(super) fn confirm(&self, console: &mut Console) -> Result<(), Error> {
        let (changed, missing) = (self.preview.changed, self.missing.count());
        let question = match (changed, missing) {
            (0, 0) => return Ok(()),
            (changed, 0) => format!("Overwrite {}?", accounts(changed)),
            (0, missing) => format!("Disable {}?", accounts(missing)),
            (changed, missing) => {
                format!("Overwrite {} and disable {missing}?", accounts(changed))
            }
        };
        if console.confirm(&question)? {
            Ok(())
        } else {
            Err(Error::Refused("nothing was changed".to_owned()))
        }
    }
}

fn accounts(count: u64) -> String {
    match count {
        1 => "1 account".to_owned(),
        count => format!("{count} accounts"),
    }
}
