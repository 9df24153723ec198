//! `show`: shows an account without its hashes.

use shared::dynamodb::{Item, get_map, get_text};
use shared::users::UsernameKey;

use crate::access::Session;
use crate::console::Record;
use crate::fields::{algorithm, brand, flag, number, roles, text, time};
use crate::{Console, Error, similar, suppression, table};

/// Returns an account without its hashes, and the entry of its address in SES's suppression list.
pub(crate) async fn show(
    session: &Session<'_>,
    username: &str,
    console: &Console,
) -> Result<Record, Error> {
    let key = UsernameKey::new(username);
    let item = table::item(session, key.as_str()).await?;
    let Some(item) = item else {
        let similar = similar::usernames(session, username, console).await?;
        return Err(match session.unknown(username).await {
            Error::NotFound(text) => Error::NotFound(similar::with(text, &similar)),
            error => error,
        });
    };
    let suppression = match get_text(&item, "email") {
        Some(email) => suppression::find(session, email).await?,
        None => Ok(None),
    };
    let unknown = suppression.as_ref().err().cloned();
    let suppression = suppression.ok().flatten();
    let suppressed_at = suppression.as_ref().map(|found| found.since.rfc3339());
    let empty = Item::new();
    let map = |name| get_map(&item, name).unwrap_or(&empty);
    Ok(Record::new([
        ("username", text(&item, "username")),
        ("display_username", text(&item, "display_username")),
        ("id", number(&item, "id")),
        ("display_name", text(&item, "display_name")),
        ("email", text(&item, "email")),
        ("email_failed_at", time(&item, "email_failed_at")),
        ("suppressed_at", suppressed_at.into()),
        (
            "suppressed_for",
            suppression.map(|found| found.reason).into(),
        ),
        ("suppression_unknown", unknown.into()),
        ("brand", brand(&item)),
        ("language", text(&item, "language")),
        ("roles", Vec::from_iter(roles(&item)).into()),
        ("disabled", flag(&item, "disabled")),
        ("password", algorithm(&item).into()),
        ("password_changed_at", time(&item, "password_changed_at")),
        ("must_change_password", flag(&item, "must_change_password")),
        ("password_expires_at", time(&item, "password_expires_at")),
        ("temporary_expires_at", time(map("temporary"), "expires_at")),
        ("reset_attempts", number(map("reset"), "attempts")),
        ("reset_due_at", time(&item, "reset_due_at")),
        ("sessions_valid_after", time(&item, "sessions_valid_after")),
        ("imported_at", time(&item, "imported_at")),
        ("version", number(&item, "version")),
    ]))
}
