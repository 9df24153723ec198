//! User names that are almost the one that was typed.

use std::ops::ControlFlow;

use shared::users::UsernameKey;

use crate::access::Session;
use crate::table::{Scan, key};
use crate::{Console, Error};

/// Similar user names that are named.
const MOST: usize = 5;

/// The first user names that have at most two letters more, less or other ones. Reads the Users table.
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
        if similar.len() < MOST {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    scan.visit(session, visit).await?;
    Ok(similar)
}

/// Whether a user name has at most two letters more, less or other ones.
pub(crate) fn is_similar(username: &str, wanted: &str) -> bool {
    username.len() > 2 && strsim::osa_distance(username, wanted) <= 2
}

/// The text of an error that names what is similar, if something is.
pub(crate) fn with(text: String, similar: &[String]) -> String {
    if similar.is_empty() {
        text
    } else {
        format!("{text}; similar: {}", similar.join(", "))
    }
}
