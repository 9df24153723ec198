//! Checks of the passwords after the load, by logins.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use local::Backend;
use testkit::requests::basic;

use super::call::{Call, Target};
use super::fleet::Fleet;
use super::lanes::{UPDATES, chosen_password};
use super::mails::last_passwords;
use super::people::{Network, UNTOUCHED, UPDATED, in_turn};
use super::traffic::Driven;
use crate::accounts::username;
use crate::function::Error;

/// The number of concurrent logins.
const AT_ONCE: usize = 8;

/// The items of accounts that must not change.
pub(super) type Untouched = Vec<Option<HashMap<String, AttributeValue>>>;

/// Reads the items.
pub(super) async fn untouched(backend: &Backend) -> Result<Untouched, Error> {
    let mut items = Vec::new();
    for number in UNTOUCHED {
        let request = backend.clients.dynamodb.get_item().consistent_read(true);
        let key = AttributeValue::S(username(number));
        let request = request
            .table_name(&backend.tables.users)
            .key("username", key);
        items.push(request.send().await?.item);
    }
    Ok(items)
}

/// The number of accounts that were tested, and of those that do not have the last password that
/// was mailed or set.
pub(super) async fn logins(
    fleet: &Fleet,
    backend: &Backend,
    driven: &[Driven],
) -> Result<(usize, usize), Error> {
    let mut passwords = last_passwords(&backend.outbox.mails());
    passwords.extend(last_updates(driven));
    let all = passwords.len();
    let logins = passwords
        .into_iter()
        .map(|(number, password)| login(fleet, number, password));
    let logins = stream::iter(logins).buffer_unordered(AT_ONCE);
    let failed = logins.try_fold(0, async |failed, is_in| Ok(failed + usize::from(!is_in)));
    Ok((all, failed.await?))
}

fn last_updates(driven: &[Driven]) -> BTreeMap<u64, String> {
    let calls = driven.iter().filter(|driven| driven.lane == UPDATES);
    let mut numbers: Vec<_> = calls
        .flat_map(|driven| &driven.calls)
        .map(|call| call.number)
        .collect();
    numbers.sort_unstable();
    let passwords = numbers
        .into_iter()
        .map(|number| (in_turn(&UPDATED, number), chosen_password(number)));
    passwords.collect()
}

/// Whether this password is valid: the login then fails only because of the missing role.
async fn login(fleet: &Fleet, number: u64, password: String) -> Result<bool, Error> {
    let credential = format!("{}:{password}", username(number));
    let call = Call::sample(Target::Update, "error-role-missing")?
        .header("authorization", &basic(&credential))
        .from(Network::Logins.host(number));
    let invoked = fleet.invoke(&call).await?;
    Ok(call.fault(&invoked.outcome).is_none())
}
