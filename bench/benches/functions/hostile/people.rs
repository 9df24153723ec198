//! The accounts of the load, by number, and the addresses of its callers.

use std::net::Ipv4Addr;
use std::ops::Range;

/// Customers who each request a reset every two and a half minutes.
pub(super) const CUSTOMERS: Range<u64> = 0..600;
/// Customers whose password an administrator sets.
pub(super) const UPDATED: Range<u64> = 1_000..1_300;
/// The targets of a flood from one source.
pub(super) const FLOODED: Range<u64> = 2_000..2_600;
/// The target of many sources.
pub(super) const HAMMERED: u64 = 3_000;
/// Customers whose password no administrator sets.
pub(super) const UNTOUCHED: Range<u64> = 3_001..3_011;
/// All accounts except those of the demo data.
pub(super) const ALL: [Range<u64>; 5] = [
    CUSTOMERS,
    UPDATED,
    FLOODED,
    HAMMERED..HAMMERED + 1,
    UNTOUCHED,
];

/// The account of the call with this number, if the accounts are used in turn.
pub(super) fn in_turn(accounts: &Range<u64>, call: u64) -> u64 {
    accounts.start + call % (accounts.end - accounts.start)
}

/// A network of callers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Network {
    Customers = 1,
    Portal,
    Administrator,
    Flood,
    Crowd,
    Guessers,
    Strangers,
    Samples,
    Logins,
}

impl Network {
    /// The address of one of its hosts, which repeat after 62,500.
    pub(super) fn host(self, number: u64) -> Ipv4Addr {
        let [high, low] = [number / 250 % 250, number % 250].map(|part| part.to_le_bytes()[0]);
        Ipv4Addr::new(10, self as u8, high, low)
    }
}
