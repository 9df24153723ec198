//! `set`: changes the profile of an account.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};
use shared::brands::row_key;
use shared::users::{Change, Profile, admin, brand_key};

use crate::access::Session;
use crate::address::{self, AddressChange};
use crate::import::column;
use crate::last_admin::other_admin;
use crate::profile_options::ProfileOptions;
use crate::{Done, Error, brand_table};

/// The audit event of a changed profile.
const CHANGED: &str = "account.changed";

/// Change the address, customer number, name, brand or language of an account
///
/// Other values stay unchanged. A new address ends sessions, withdraws passwords mailed to the old
/// address and notifies the old address. Setting the same address again clears the record
/// that mail to it failed, and removes the address from SES's suppression list.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["email", "id", "name", "brand", "language", "unset"])))]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    #[command(flatten)]
    values: Values,
    /// Change the account even if no other account can use the role Admin
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct Values {
    #[command(flatten)]
    owner: ProfileOptions,
    /// The customer number
    #[arg(long, value_name = "NUMBER", value_parser = column::id, allow_negative_numbers = true)]
    id: Option<u64>,
    /// Remove a value (repeatable)
    #[arg(long, value_name = "WHAT",
        value_parser = PossibleValuesParser::new(["email", "name", "brand", "language"]))]
    unset: Vec<String>,
}

/// Changes an account. Writes one audit row for the address and one for the other values.
pub(crate) async fn set(session: &Session<'_>, arguments: &Arguments) -> Result<Done, Error> {
    let Arguments {
        user,
        values,
        force,
    } = arguments;
    values.check()?;
    let account = session.find(user).await?;
    let profile = values.apply(&account.profile)?;
    check_address(session, &account.profile, &profile).await?;
    let fields = changed(&account.profile, &profile);
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let detail = names.join(", ");
    let address_change = values.sets_address().then_some(AddressChange {
        account: &account,
        new: profile.email.as_deref(),
    });
    let (mut changes, mut events, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(change) = admin::set_profile(&account, &profile) {
        changes.push(change);
        events.push((CHANGED, Some(detail.as_str())));
        texts.extend(fields.into_iter().map(|(name, value)| match value {
            Some(value) => format!("{name} set to {value}"),
            None => format!("{name} removed"),
        }));
    }
    if let Some(address_change) = &address_change {
        changes.push(admin::set_email(&account, address_change.new, session.now));
        events.extend(
            address_change
                .events()
                .into_iter()
                .map(|event| (event, None)),
        );
        texts.push(address_change.text());
    }
    let Some(change) = changes.into_iter().reduce(Change::and) else {
        return Ok(Done::unchanged(&account, "nothing to change"));
    };
    let notice = match &address_change {
        Some(address_change) => address_change.notice(session).await?,
        None => None,
    };
    let other_admin = match &address_change {
        Some(address_change) if address_change.locks_out() => {
            other_admin(session, &account, *force).await?
        }
        _ => None,
    };
    let Profile { username, .. } = &account.profile;
    session
        .change_with(username, &change, &events, other_admin)
        .await?;
    let (mut event, mut remarks) = (CHANGED, Vec::new());
    if let Some(address_change) = &address_change {
        event = address::EVENT;
        remarks = address_change.follow_up(session, notice.as_ref()).await?;
    }
    if values.owner.brand.is_some() {
        let brand = row_key(profile.brand.as_deref());
        remarks.extend(brand_table::warning(session, &brand.into_iter().collect()).await);
    }
    let name = &account.profile.display_username;
    Ok(Done {
        text: format!("{name}: {}", texts.join("; ")),
        key: ("username", username.as_str().to_owned()),
        event: Some(event),
        note: (!remarks.is_empty()).then(|| remarks.join("; ")),
    })
}

/// Refuses an address that another account of the same brand has.
async fn check_address(session: &Session<'_>, old: &Profile, new: &Profile) -> Result<(), Error> {
    let is_same = old.email == new.email && old.brand == new.brand;
    match &new.email {
        Some(email) if !is_same => {
            let brand = new.brand.as_deref();
            session.check_address(&new.username, email, brand).await
        }
        _ => Ok(()),
    }
}

/// Returns the names and new values of the changed fields, except the address.
fn changed(old: &Profile, new: &Profile) -> Vec<(&'static str, Option<String>)> {
    let brand = |profile: &Profile| brand_key(profile.brand.as_deref());
    let name = Some(new.display_name.clone()).filter(|name| !name.is_empty());
    let values = [
        ("id", old.id != new.id, Some(new.id.to_string())),
        ("name", old.display_name != new.display_name, name),
        ("brand", brand(old) != brand(new), new.brand.clone()),
        (
            "language",
            old.language != new.language,
            new.language.clone(),
        ),
    ];
    let differs = values.into_iter().filter(|(_, differs, _)| *differs);
    differs.map(|(name, _, value)| (name, value)).collect()
}

impl Values {
    fn is_unset(&self, name: &str) -> bool {
        self.unset.iter().any(|unset| unset == name)
    }

    fn sets_address(&self) -> bool {
        self.owner.email.is_some() || self.is_unset("email")
    }

    fn check(&self) -> Result<(), Error> {
        let given = [
            ("email", self.owner.email.is_some()),
            ("name", self.owner.name.is_some()),
            ("brand", self.owner.brand.is_some()),
            ("language", self.owner.language.is_some()),
        ];
        let both = given
            .iter()
            .find(|(name, given)| *given && self.is_unset(name));
        both.map_or(Ok(()), |(name, _)| {
            Err(Error::Usage(format!(
                "{name} cannot be set and unset at once"
            )))
        })
    }

    /// Applies the values to a profile, by the rules of an import.
    fn apply(&self, old: &Profile) -> Result<Profile, Error> {
        let mut new = old.clone();
        if let Some(id) = self.id {
            new.id = id;
        }
        if let Some(name) = &self.owner.name {
            new.display_name = column::display_name(name).map_err(Error::Usage)?;
        }
        if let Some(brand) = &self.owner.brand {
            new.brand = column::brand(brand).map_err(Error::Usage)?;
        }
        if let Some(language) = &self.owner.language {
            new.language = column::language(language).map_err(Error::Usage)?;
        }
        if let Some(address) = &self.owner.email {
            let email = column::email(address).map_err(Error::Usage)?;
            let empty =
                || Error::Usage("email is empty; use --unset email to remove it".to_owned());
            new.email = Some(email.ok_or_else(empty)?);
        }
        for name in &self.unset {
            match name.as_str() {
                "email" => new.email = None,
                "name" => new.display_name.clear(),
                "brand" => new.brand = None,
                _ => new.language = None,
            }
        }
        Ok(new)
    }
}
