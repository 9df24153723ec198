//! `add`: adds an account with a chosen password.

use clap::Args;
use shared::brands::row_key;
use shared::dynamodb::StoreError;
use shared::users::{NewAccount, Profile, admin};

use crate::access::Session;
use crate::change::check_role;
use crate::import::{GRANTED, Row, column, joined};
use crate::password_policy::hash;
use crate::profile_options::ProfileOptions;
use crate::{Console, Done, Error, brand_table};

/// Add an account
///
/// Asks for the password without echo.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name
    user: String,
    /// The customer number
    #[arg(long, value_name = "NUMBER", value_parser = column::id, allow_negative_numbers = true)]
    id: u64,
    #[command(flatten)]
    owner: ProfileOptions,
    /// A role, for instance Admin (repeatable)
    #[arg(long)]
    role: Vec<String>,
    /// Add the account even if a role resembles Admin
    #[arg(long)]
    force: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Add the account without a password; a reset emails the first one
    #[arg(long, conflicts_with = "password_stdin")]
    no_password: bool,
}

pub(crate) async fn add(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<Done, Error> {
    let mut account = account(arguments)?;
    if !arguments.force {
        account.roles.iter().try_for_each(|role| check_role(role))?;
    }
    if session
        .users()?
        .find(&account.profile.username)
        .await?
        .is_some()
    {
        return Err(exists(&account.profile));
    }
    if let Some(email) = &account.profile.email {
        let (username, brand) = (&account.profile.username, account.profile.brand.as_deref());
        session.check_address(username, email, brand).await?;
        if let Some(warning) = session.name_clash(&account.profile, email).await? {
            console.note(&warning)?;
        }
    }
    if let Some(warning) = session.address_clash(&account.profile).await? {
        console.note(&warning)?;
    }
    if !arguments.no_password {
        let password = console.password(arguments.password_stdin)?;
        account.password_hash = Some(hash(session, &account.profile, &password)?);
    }
    let change = admin::add(&account, session.now);
    let event = "account.added";
    let roles = joined(&account.roles);
    let profile = account.profile;
    let mut events = vec![(event, None)];
    events.extend(roles.as_deref().map(|roles| (GRANTED, Some(roles))));
    match session
        .change_with(&profile.username, &change, &events, None)
        .await
    {
        Err(Error::Store(StoreError::Conflict)) => return Err(exists(&profile)),
        result => result?,
    }
    let brand = row_key(profile.brand.as_deref());
    let warning = brand_table::warning(session, &brand.into_iter().collect()).await;
    Ok(Done {
        key: ("username", profile.username.as_str().to_owned()),
        event: Some(event),
        text: format!("{}: added", profile.display_username),
        note: warning,
    })
}

fn exists(profile: &Profile) -> Error {
    let text = format!("account {} already exists", profile.display_username);
    Error::Refused(text)
}

/// Builds the account by the rules of an import.
fn account(arguments: &Arguments) -> Result<NewAccount, Error> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let row = Row {
        username: arguments.user.clone(),
        id: arguments.id.to_string(),
        email: text(&arguments.owner.email),
        display_name: text(&arguments.owner.name),
        brand: text(&arguments.owner.brand),
        language: text(&arguments.owner.language),
        roles: arguments.role.join(";"),
        ..Row::default()
    };
    row.check()
        .map_err(|reasons| Error::Usage(reasons.join("; ")))
}
