//! Check of the DMARC record, which tells receivers what to do with mail that falsely claims to be
//! from a domain.

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::check::Finding;
use super::error::{CheckError, CheckResult};

/// Maximum number of labels of a queried domain (RFC 9989 section 4.10, "DNS Tree Walk").
const MAX_LABELS: usize = 8;

/// The DNS servers to query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dns {
    /// The DNS servers of this machine.
    System,
    /// This server.
    Server(SocketAddr),
    /// No DNS queries, because a deployment behind a custom endpoint sends no real mail.
    Disabled,
}

/// Checks the record of a domain, or of the nearest parent domain with a record.
pub(super) async fn check(dns: &Dns, domain: &str) -> CheckResult<Finding> {
    let resolver = resolver(*dns)?;
    for name in with_parents(domain) {
        if let Some(record) = record(&resolver, name).await? {
            return Ok(judge(&record, name));
        }
    }
    Ok(Finding::failed(
        "no DMARC record: receivers cannot detect forged mail",
        format!(
            "add the TXT record \"v=DMARC1; p=none; rua=mailto:ADDRESS\" at _dmarc.{domain}; once the \
             reports sent to ADDRESS show that your own mail passes, change p=none to p=quarantine"
        ),
    ))
}

/// Iterates over a domain and its parents, down to two labels.
pub(super) fn with_parents(domain: &str) -> impl Iterator<Item = &str> {
    let domains = std::iter::successors(Some(domain), |domain| {
        domain.split_once('.').map(|(_, above)| above)
    });
    domains.filter(|domain| (2..=MAX_LABELS).contains(&domain.split('.').count()))
}

fn resolver(dns: Dns) -> CheckResult<TokioResolver> {
    let built = match dns {
        Dns::Disabled => {
            let text = "skipped with --endpoint; use --dns-server to check it";
            return Err(CheckError::Skipped(text.to_owned()));
        }
        Dns::System => TokioResolver::builder_tokio(),
        Dns::Server(address) => {
            let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            let server = NameServerConfig::new(address.ip(), true, connections.into());
            let config = ResolverConfig::from_parts(None, vec![], vec![server]);
            Ok(TokioResolver::builder_with_config(
                config,
                TokioRuntimeProvider::default(),
            ))
        }
    };
    let built = built.and_then(ResolverBuilder::build);
    built.map_err(|_| {
        CheckError::Unknown("no DNS server configured on this machine; use --dns-server".to_owned())
    })
}

/// Queries the record of a domain. Ignores other TXT records.
async fn record(resolver: &TokioResolver, domain: &str) -> CheckResult<Option<String>> {
    let found = match resolver.txt_lookup(format!("_dmarc.{domain}.")).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() => return Ok(None),
        Err(_) => {
            return Err(CheckError::Unknown(format!(
                "the DNS server did not answer for _dmarc.{domain}; try another one with --dns-server"
            )));
        }
    };
    let texts = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        });
    let mut texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
    Ok(texts.find(|text| text.trim_start().starts_with("v=DMARC1")))
}

/// Evaluates a record. A record without `p` has no effect.
fn judge(record: &str, domain: &str) -> Finding {
    let tag = |name: &str| {
        let mut tags = record.split(';').filter_map(|tag| tag.split_once('='));
        let (_, value) = tags.find(|(found, _)| found.trim() == name)?;
        Some(value.trim().to_ascii_lowercase())
    };
    match tag("p").as_deref() {
        Some(policy @ ("none" | "quarantine" | "reject")) => {
            Finding::ok(format!("p={policy} at _dmarc.{domain}"))
        }
        _ => Finding::failed(
            format!("the record at _dmarc.{domain} has no policy"),
            "add p=none, p=quarantine or p=reject to it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_of_a_domain_end_at_two_labels() {
        let found: Vec<_> = with_parents("a.mail.example.com").collect();
        assert_eq!(
            found,
            ["a.mail.example.com", "mail.example.com", "example.com"]
        );
        assert_eq!(with_parents("com").count(), 0);
    }

    #[test]
    fn a_record_without_a_policy_fails() {
        for (record, is_ok) in [
            ("v=DMARC1; p=none", true),
            ("v=DMARC1;p=Reject;rua=mailto:a@example.com", true),
            ("v=DMARC1; sp=reject", false),
            ("v=DMARC1; p=perhaps", false),
        ] {
            let finding = judge(record, "example.com");
            assert_eq!(matches!(finding, Finding::Ok(_)), is_ok, "{record}");
        }
    }
}
