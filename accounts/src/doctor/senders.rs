//! Checks of the senders of emails: SES identities, permissions to use them, DKIM, MAIL FROM and
//! DMARC.

use std::collections::BTreeSet;

use aws_sdk_sesv2::operation::get_email_identity::GetEmailIdentityOutput;
use aws_sdk_sesv2::types::{DkimAttributes, DkimStatus, MailFromAttributes, MailFromDomainStatus};
use shared::brands;
use shared::mail::brand::{CONFIGURATION_SET, FROM_ADDRESS};

use super::check::{Check, Finding};
use super::configuration_sets;
use super::deployment::Deployment;
use super::dmarc::{self, Dns};
use super::error::{CheckError, CheckResult, existing};
use crate::brand_table;
use crate::failure::explain;

/// The senders and configuration sets of all brands, including the default brand.
#[derive(Debug, Default)]
struct Used {
    senders: BTreeSet<String>,
    configuration_sets: BTreeSet<String>,
}

/// An SES identity.
struct Identity {
    name: String,
    found: GetEmailIdentityOutput,
}

/// Checks the senders and the configuration sets of all brands.
pub(super) async fn checks(deployment: &Deployment<'_>, dns: &Dns) -> Vec<Check> {
    let mut used = Used::default();
    let mut checks = Vec::new();
    for (variable, into) in [
        ("MAIL_FROM", &mut used.senders),
        ("CONFIGURATION_SET", &mut used.configuration_sets),
    ] {
        match deployment.variable(variable) {
            Ok(value) => drop(into.insert(value)),
            Err(error) => checks.push(Check::new(variable, Err(error))),
        }
    }
    let brands = read_brands(deployment, &mut used).await;
    checks.push(Check::new("Brands", brands));
    let domains: BTreeSet<_> = used.senders.iter().map(|sender| address(sender)).collect();
    for sender in domains {
        checks.extend(of_sender(deployment, &sender, dns).await);
    }
    for name in &used.configuration_sets {
        checks.extend(configuration_sets::checks(deployment, name).await);
        checks.push(covered_set(deployment, name));
    }
    checks
}

/// Adds the senders and configuration sets in the Brands table.
async fn read_brands(deployment: &Deployment<'_>, used: &mut Used) -> CheckResult<Finding> {
    let session = deployment.session;
    let rows = match brand_table::table(session) {
        Ok(table) => table.all().await.map_err(Into::into),
        Err(error) => Err(error),
    };
    let place = session.settings.place(&["BRANDS_TABLE"]);
    let rows = rows.map_err(|error| CheckError::Unknown(explain(&error, &place).text))?;
    for row in &rows {
        let value = |attribute| brands::value(row, &attribute).ok().flatten();
        used.senders.extend(value(FROM_ADDRESS).map(str::to_owned));
        used.configuration_sets
            .extend(value(CONFIGURATION_SET).map(str::to_owned));
    }
    Ok(Finding::ok(match rows.len() {
        0 => "only the default brand".to_owned(),
        count => format!("{count} in addition to the default brand"),
    }))
}

/// Returns the address of a sender, without a name in front of it.
fn address(sender: &str) -> String {
    let inner = sender
        .rsplit_once('<')
        .map(|(_, rest)| rest.trim_end_matches('>'));
    inner.unwrap_or(sender).trim().to_owned()
}

async fn of_sender(deployment: &Deployment<'_>, sender: &str, dns: &Dns) -> Vec<Check> {
    let identity = identity(deployment, sender).await;
    let found = || existing(&identity, "identity");
    let domain = domain(sender);
    let verified = match &identity {
        Ok(None) => Ok(Finding::failed(
            format!("no SES identity for the address or for {domain}"),
            format!(
                "run aws sesv2 create-email-identity --email-identity {domain}, then add its DKIM \
                 records to DNS"
            ),
        )),
        _ => found().map(verified),
    };
    let subject = |what: &str| format!("sender {sender}{what}");
    let covered = found().and_then(|identity| covered(deployment, identity));
    vec![
        Check::new(subject(""), verified),
        Check::new(subject(" in MailArns"), covered),
        Check::new(subject(" DKIM"), found().map(dkim)),
        Check::new(subject(" MAIL FROM"), found().map(mail_from)),
        Check::new(subject(" DMARC"), dmarc::check(dns, domain).await),
    ]
}

fn domain(address: &str) -> &str {
    address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain)
}

/// Finds the identity with which SES sends mail from an address: the address itself, its domain, or
/// a parent domain (SES developer guide, "Verified identities").
async fn identity(deployment: &Deployment<'_>, sender: &str) -> CheckResult<Option<Identity>> {
    let ses = deployment.ses()?;
    let domains = dmarc::with_parents(domain(sender));
    for name in std::iter::once(sender).chain(domains) {
        let found = ses.get_email_identity().email_identity(name).send().await;
        match found.map_err(|error| CheckError::of("ses:GetEmailIdentity", &error)) {
            Ok(found) => {
                let name = name.to_owned();
                return Ok(Some(Identity { name, found }));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn verified(identity: &Identity) -> Finding {
    let name = &identity.name;
    if identity.found.verified_for_sending_status() {
        return Finding::ok(format!("verified as {name}"));
    }
    Finding::failed(
        format!("{name} is not verified"),
        format!(
            "for a domain, add the records in the output of aws sesv2 get-email-identity \
             --email-identity {name} to DNS; for an address, open the link in the email from AWS"
        ),
    )
}

/// Checks that the functions may send with the identity.
fn covered(deployment: &Deployment<'_>, identity: &Identity) -> CheckResult<Finding> {
    let arns = deployment.parameter("MailArns")?;
    let suffix = format!(":identity/{}", identity.name);
    Ok(has_arn(arns, &suffix, &identity.name))
}

/// Checks that the functions may use a configuration set.
fn covered_set(deployment: &Deployment<'_>, name: &str) -> Check {
    let found = deployment.parameter("MailArns").map(|arns| {
        if deployment.output("ConfigurationSetName") == Ok(Some(name)) {
            return Finding::ok("created by the stack");
        }
        has_arn(arns, &format!(":configuration-set/{name}"), name)
    });
    Check::new(format!("configuration set {name} in MailArns"), found)
}

fn has_arn(arns: &str, suffix: &str, name: &str) -> Finding {
    if arns.split(',').any(|arn| arn.trim().ends_with(suffix)) {
        return Finding::ok("listed");
    }
    Finding::failed(
        "not listed: the functions are not allowed to send with it",
        format!("add the ARN of {name} to MailArns, and deploy"),
    )
}

fn dkim(identity: &Identity) -> Finding {
    let dkim = identity.found.dkim_attributes();
    let status = dkim.and_then(|dkim| dkim.status());
    let is_on = dkim.is_some_and(DkimAttributes::signing_enabled);
    if is_on && status == Some(&DkimStatus::Success) {
        return Finding::ok("emails are signed");
    }
    let status = status.map_or("not set up", DkimStatus::as_str);
    let name = domain(&identity.name);
    Finding::failed(
        format!("emails are not signed: {status}"),
        format!(
            "add the DKIM records in the output of aws sesv2 get-email-identity --email-identity \
             {name} to DNS"
        ),
    )
}

/// Checks the custom MAIL FROM domain. Without one, the return path is amazonses.com, and SPF does
/// not authenticate the sender.
fn mail_from(identity: &Identity) -> Finding {
    let found = identity.found.mail_from_attributes();
    let domain = found
        .map(MailFromAttributes::mail_from_domain)
        .unwrap_or_default();
    let status = found.map(MailFromAttributes::mail_from_domain_status);
    let name = self::domain(&identity.name);
    if domain.is_empty() {
        return Finding::warning(
            "not set up: the return path of emails is amazonses.com",
            format!(
                "run aws sesv2 put-email-identity-mail-from-attributes --email-identity {name} \
                 --mail-from-domain bounce.{name}, then add its MX and TXT records to DNS"
            ),
        );
    }
    match status {
        Some(MailFromDomainStatus::Success) => Finding::ok(domain),
        status => Finding::failed(
            format!(
                "{domain}: {}",
                status.map_or("unknown", MailFromDomainStatus::as_str)
            ),
            "add its MX and TXT records to DNS (SES developer guide, \"Using a custom MAIL FROM \
             domain\")",
        ),
    }
}
