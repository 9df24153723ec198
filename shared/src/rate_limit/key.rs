//! The keys of the Limits table: names and sources.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::users::UsernameKey;

/// The key of an item of the Limits table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitKey(pub(super) String);

impl RateLimitKey {
    /// A user name that was typed in, whether or not it exists. The key contains only its digest,
    /// because people type passwords into user name boxes.
    #[must_use]
    pub fn name(kind: &str, name: &UsernameKey) -> Self {
        Self(format!("{kind}#{}", name.digest()))
    }

    /// A user name that was typed in, from one source.
    #[must_use]
    pub fn name_at_source(kind: &str, name: &UsernameKey, source: &str) -> Self {
        Self(format!("{kind}#{}#{}", name.digest(), network(source)))
    }

    /// The network that requests come from.
    #[must_use]
    pub fn source(kind: &str, source: &str) -> Self {
        Self(format!("{kind}-source#{}", network(source)))
    }
}

/// The well-known prefix of IPv4 addresses in IPv6, `64:ff9b::/96` (RFC 6052 section 2.1).
const NAT64: u128 = 0x0064_ff9b << 64;

/// The network of an address. For IPv6 this is the first 64 bits, which one customer gets. An IPv4
/// address in IPv6 notation (mapped or NAT64) counts as that IPv4 address.
fn network(source: &str) -> String {
    match source.parse() {
        Ok(IpAddr::V6(address)) => network_v6(address),
        _ => source.to_owned(),
    }
}

fn network_v6(address: Ipv6Addr) -> String {
    let bits = address.to_bits();
    let translated = || {
        let [.., a, b, c, d] = address.octets();
        (bits >> 32 == NAT64).then(|| Ipv4Addr::new(a, b, c, d))
    };
    match address.to_ipv4_mapped().or_else(translated) {
        Some(address) => address.to_string(),
        None => format!("{}/64", Ipv6Addr::from_bits(bits >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_in_the_keys() {
        let name = UsernameKey::new("p@55wOrd");
        let RateLimitKey(of_anyone) = RateLimitKey::name("reset", &name);
        assert!(!of_anyone.contains("p@55"), "{of_anyone}");
        let RateLimitKey(of_one) = RateLimitKey::name_at_source("login", &name, "192.0.2.1");
        assert!(of_one.ends_with("#192.0.2.1") && !of_one.contains("p@55"));
    }

    #[test]
    fn a_source_is_a_network() {
        for (source, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "192.0.2.1"),
            ("64:FF9B::c000:0201", "192.0.2.1"),
            // Neither the well-known prefix nor mapped.
            ("64:ff9b:1::192.0.2.1", "64:ff9b:1::/64"),
            ("::192.0.2.1", "::/64"),
            ("accounts", "accounts"),
            ("", ""),
        ] {
            assert_eq!(network(source), expected, "{source}");
        }
    }
}
