//! Checks of the emails: every reset of a customer is mailed once, by its own request or by the
//! sweep, and nobody is mailed beyond the limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local::ses::Mail;

use super::lanes::{RESETS, UPDATES};
use super::people::{CUSTOMERS, FLOODED, HAMMERED, UPDATED, in_turn};
use super::traffic::Driven;
use crate::accounts::email;

/// The demo accounts that sample events use.
const SAMPLES: [&str; 2] = ["a@example.com", "bob@pumpalarm.com"];

/// The outcome of the resets that customers requested.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Resets {
    pub(super) asked_for: usize,
    /// Mailed by its own request.
    pub(super) at_once: usize,
    /// Mailed by a sweep.
    pub(super) by_sweep: usize,
    pub(super) lost: usize,
    /// Second emails: SES accepted the first one too late for the floor, and the sweep sent
    /// another.
    pub(super) too_many: usize,
}

/// The resets of customers, by the request that each email is tagged with.
pub(super) fn resets(driven: &[Driven], mails: &[Mail]) -> Resets {
    let calls = driven.iter().filter(|driven| driven.lane == RESETS);
    let calls: Vec<_> = calls.flat_map(|driven| &driven.calls).collect();
    let ids: BTreeSet<_> = calls.iter().map(|call| call.id.as_str()).collect();
    let mut asked_for = BTreeMap::<String, usize>::new();
    for call in &calls {
        let account = in_turn(&CUSTOMERS, call.number);
        *asked_for.entry(email(account)).or_default() += 1;
    }
    let (mut at_once, mut mailed) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for mail in mails {
        let Some(recipient) = mail.to.first().filter(|to| asked_for.contains_key(*to)) else {
            continue;
        };
        *mailed.entry(recipient).or_default() += 1;
        at_once.extend(request(mail).filter(|id| ids.contains(id)));
    }
    let mut resets = Resets {
        asked_for: calls.len(),
        at_once: at_once.len(),
        ..Resets::default()
    };
    for (address, asked_for) in &asked_for {
        let mailed = mailed.get(address.as_str()).copied().unwrap_or_default();
        resets.lost += asked_for.saturating_sub(mailed);
        resets.too_many += mailed.saturating_sub(*asked_for);
    }
    resets.by_sweep = resets.asked_for - resets.at_once - resets.lost;
    resets
}

fn request(mail: &Mail) -> Option<&str> {
    mail.tags.get("request_id").map(String::as_str)
}

/// The number of resets mailed to the targets of hostile traffic, and the maximum that the limits
/// allow.
pub(super) struct Bounded {
    pub(super) whom: &'static str,
    pub(super) resets: usize,
    pub(super) at_most: u64,
}

/// The maximum number of emails of a load of this duration, with the default limits
/// (`docs/limits.md`).
pub(super) fn bounded(mails: &[Mail], took: Duration) -> [Bounded; 2] {
    let seconds = took.as_secs() + 1;
    let flooded: BTreeSet<_> = FLOODED.map(email).collect();
    let hammered = email(HAMMERED);
    [
        Bounded {
            whom: "names that the flood requests",
            resets: mailed_resets(mails, |address| flooded.contains(address)),
            at_most: 60 + seconds,
        },
        Bounded {
            whom: "one name requested from many sources",
            resets: mailed_resets(mails, |address| address == hammered),
            at_most: (1 + seconds / 60).min(5 + seconds / 720),
        },
    ]
}

/// The minimum number of resets that were mailed. If SES accepts an email too late for the floor, a
/// sweep emails the reset again; both emails count as one.
fn mailed_resets(mails: &[Mail], is_counted: impl Fn(&str) -> bool) -> usize {
    let mut by_address = BTreeMap::<&str, [usize; 2]>::new();
    for mail in mails {
        if let Some(address) = mail.to.first().filter(|address| is_counted(address)) {
            let [at_once, by_sweep] = by_address.entry(address).or_default();
            *(if is_by_sweep(mail) { by_sweep } else { at_once }) += 1;
        }
    }
    let resets = by_address.into_values();
    resets
        .map(|[at_once, by_sweep]| at_once.max(by_sweep))
        .sum()
}

/// A sweep appends the number of the attempt to its own request id.
fn is_by_sweep(mail: &Mail) -> bool {
    request(mail).is_some_and(|id| uuid::Uuid::parse_str(id).is_err())
}

/// Updates that were not mailed exactly once.
pub(super) fn updates_not_mailed(driven: &[Driven], mails: &[Mail]) -> usize {
    let calls = driven.iter().filter(|driven| driven.lane == UPDATES);
    let calls = calls.flat_map(|driven| &driven.calls);
    let is_wrong = |id: &str| {
        let of_it = mails.iter().filter(|mail| request(mail) == Some(id));
        of_it.count() != 1
    };
    calls.filter(|call| is_wrong(&call.id)).count()
}

/// Emails to accounts for which no legitimate request was made.
pub(super) fn to_others(mails: &[Mail]) -> usize {
    let accounts = CUSTOMERS.chain(UPDATED).chain(FLOODED);
    let mut expected: BTreeSet<_> = accounts.chain([HAMMERED]).map(email).collect();
    expected.extend(SAMPLES.map(str::to_owned));
    count(mails, |address| !expected.contains(address))
}

fn count(mails: &[Mail], is_counted: impl Fn(&str) -> bool) -> usize {
    let is_counted = |mail: &&Mail| mail.to.iter().any(|address| is_counted(address));
    mails.iter().filter(is_counted).count()
}

/// The last password that was mailed to each customer.
pub(super) fn last_passwords(mails: &[Mail]) -> BTreeMap<u64, String> {
    let customers: BTreeMap<_, _> = CUSTOMERS.map(|number| (email(number), number)).collect();
    let mut passwords = BTreeMap::new();
    for mail in mails {
        let number = mail.to.first().and_then(|to| customers.get(to));
        if let (Some(number), Some(password)) = (number, mail.password()) {
            passwords.insert(*number, password.to_owned());
        }
    }
    passwords
}
