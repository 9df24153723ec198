//! `set-email`: another address, or the same again.

use shared::brands::Brands;
use shared::config;
use shared::mail::{AddressChanged, MailError, Mailer, entered};
use shared::users::{Account, NOBODY, Profile, admin, email_key};

use crate::access::Session;
use crate::suppression;
use crate::{Done, Error};

const EVENT: &str = "account.email_set";

/// Changes the address of an account, ends what was mailed to the old one and tells it, and takes
/// the new one off SES's suppression list. The same address again is a change too: the mark that
/// mail to it failed goes.
pub(crate) async fn set_email(
    session: &Session<'_>,
    username: &str,
    address: &str,
) -> Result<Done, Error> {
    let email = entered(address).map_err(|error| {
        let address = address.trim();
        Error::Usage(format!("{address:?} {error}"))
    })?;
    if email_key(&email) == NOBODY {
        return Err(Error::Usage(format!("{email:?} is too long")));
    }
    let account = session.find(username).await?;
    let profile = &account.profile;
    session
        .check_address(&profile.username, &email, profile.brand.as_deref())
        .await?;
    let is_other = admin::is_other_address(&account, &email);
    let mut events = vec![(EVENT, None)];
    if is_other {
        events.extend(withdrawn(&account).map(|event| (event, None)));
    }
    let change = admin::set_email(&account, &email, session.now);
    session
        .change_with(&profile.username, &change, &events)
        .await?;
    let mut text = format!("{} has the address {email}", profile.display_username);
    let mut say = |more: &str| text = format!("{text}; {more}");
    if is_other && account.must_change_password {
        say(
            "the password mailed to the old one is withdrawn, so the account has none until a reset",
        );
    }
    let clash = session.name_clash(profile, &email).await?;
    let told = tell(session, &account, is_other).await?;
    let lifted = lift(session, &email).await?;
    for more in [clash, told, lifted].into_iter().flatten() {
        say(&more);
    }
    Ok(Done {
        key: ("username", account.profile.username.as_str().to_owned()),
        event: Some(EVENT),
        text,
    })
}

/// The audit events of what was mailed, or will be, to the old address.
fn withdrawn(account: &Account) -> impl Iterator<Item = &'static str> {
    let is_mailed = account.temporary.is_some() || account.must_change_password;
    let mailed = is_mailed.then_some("password.temporary_withdrawn");
    let pending = account
        .reset
        .is_some()
        .then_some("password.reset_abandoned");
    mailed.into_iter().chain(pending)
}

/// Mails the old address; says so if that was not possible.
async fn tell(
    session: &Session<'_>,
    account: &Account,
    is_other: bool,
) -> Result<Option<String>, Error> {
    let is_told = is_other && account.email_failed_at.is_none();
    if !is_told || account.profile.email.is_none() {
        return Ok(None);
    }
    let brand = session.configured(config::brand);
    let table = session.configured(|env| env.required("BRANDS_TABLE"));
    let (brand, table) = match (brand, table, session.ses()?) {
        (Ok(brand), Ok(table), Some(_)) => (brand, table),
        (Err(error), ..) | (_, Err(error), _) => {
            return Ok(Some(format!("the old address is not told: {error}")));
        }
        (.., None) => {
            return Ok(Some(
                "the old address is not told: no SES is given".to_owned(),
            ));
        }
    };
    let brands = Brands::new(session.clients()?.dynamodb.clone(), table, brand);
    let sent = send(session, &brands, &account.profile).await?;
    Ok(sent
        .err()
        .map(|error| format!("the old address is not told: {error}")))
}

async fn send(
    session: &Session<'_>,
    brands: &Brands,
    recipient: &Profile,
) -> Result<Result<(), MailError>, Error> {
    let ctx = session.context()?;
    let brand = brands.find(recipient.brand.as_deref(), &ctx).await;
    let mail = AddressChanged {
        brand: &brand,
        recipient,
        at: session.now,
        request_id: ctx.request_id,
    };
    let mailer = Mailer::new(session.clients()?.ses.clone());
    Ok(match mail.render() {
        Ok(mail) => mailer.send(&brand, recipient, &mail, ctx.request_id).await,
        Err(error) => Err(error),
    })
}

/// Takes the address off SES's suppression list, if it is there.
async fn lift(session: &Session<'_>, email: &str) -> Result<Option<String>, Error> {
    Ok(match suppression::find(session, email).await? {
        Ok(None) => None,
        Ok(Some(found)) => {
            let (since, reason) = (found.since.rfc3339(), found.reason);
            match suppression::lift(session, email).await? {
                Ok(()) => Some(format!(
                    "SES suppressed it since {since} ({reason}), no more"
                )),
                Err(error) => Some(format!(
                    "SES still suppresses it, since {since} ({reason}): {error}"
                )),
            }
        }
        Err(error) => Some(format!("whether SES suppresses it is not known: {error}")),
    })
}
