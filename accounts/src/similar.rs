//! User names similar to a mistyped one.

use std::ops::ControlFlow;

use shared::users::UsernameKey;

use crate::access::Session;
use crate::table::{Scan, key};
use crate::{Console, Error};

/// Maximum number of similar user names in an error.
const MAX_NAMES: usize = 5;

/// Returns the first user names within two typing mistakes. Reads the Users table.
pub(crate) async fn usernames(
    session: &Session<'_>,
    username: &str,
    console: &Console,
) -> Result<Vec<String>, Error> {
    let wanted = UsernameKey::new(username);
    let scan = Scan {
        attributes: &[],
        after: None,
        progress: console.progress(None, "reading"),
    };
    let mut similar = Vec::new();
    let visit = |item| {
        if is_similar(key(&item), wanted.as_str()) {
            similar.push(key(&item).to_owned());
        }
        if similar.len() < MAX_NAMES {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    scan.visit(session, visit).await?;
    Ok(similar)
}

/// Returns whether a user name differs by at most two typing mistakes.
pub(crate) fn is_similar(username: &str, wanted: &str) -> bool {
    username.len() > 2 && strsim::osa_distance(username, wanted) <= 2
}

/// Appends the similar names to an error message, if there are any.
pub(crate) fn with(text: String, similar: &[String]) -> String {
    if similar.is_empty() {
        text
    } else {
        format!("{text}; similar: {}", similar.join(", "))
    }
}
