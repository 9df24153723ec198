//! SES's account in the region: sandbox, quota, and the list of addresses that get no mail.

use aws_sdk_sesv2::operation::get_account::GetAccountOutput;
use aws_sdk_sesv2::types::SendQuota;

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::gap::{Answer, Gap};

/// Checks SES's account.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let account = account(deployment).await;
    let account = || account.as_ref().map_err(Clone::clone);
    let rate = account().and_then(|account| rate(account, deployment));
    vec![
        Check::new("SES account", account().map(standing)),
        Check::new("SES sandbox", account().map(sandbox)),
        Check::new("SES rate", rate),
        Check::new("SES daily quota", account().map(daily)),
    ]
}

async fn account(deployment: &Deployment<'_>) -> Answer<GetAccountOutput> {
    let account = deployment.ses()?.get_account().send().await;
    account.map_err(|error| Gap::of("ses:GetAccount", &error))
}

/// `HEALTHY`, `PROBATION` or `SHUTDOWN` (SES API reference, `GetAccount`).
fn standing(account: &GetAccountOutput) -> Finding {
    let status = account.enforcement_status().unwrap_or("unknown");
    match (account.sending_enabled(), status) {
        (true, "HEALTHY") => Finding::ok("sending is enabled"),
        (true, "PROBATION") => Finding::warning(
            "under review: SES may pause sending",
            "check bounces and complaints on SES's reputation page",
        ),
        (_, status) => Finding::failed(
            format!("sending is paused: {status}"),
            "see the case in AWS Support Center; if you paused it: aws sesv2 \
             put-account-sending-attributes --sending-enabled",
        ),
    }
}

fn sandbox(account: &GetAccountOutput) -> Finding {
    if account.production_access_enabled() {
        return Finding::ok("the account has production access");
    }
    Finding::failed(
        "the account is in the sandbox: only verified addresses receive mail",
        "request production access (docs/deploy.md, \"SES sandbox\")",
    )
}

/// A sweep mails `MailRate` a second, and requests need some of SES's rate, too.
fn rate(account: &GetAccountOutput, deployment: &Deployment<'_>) -> Answer<Finding> {
    let quota = account.send_quota().map_or(0.0, SendQuota::max_send_rate);
    let variable = deployment.variable("MAIL_RATE")?;
    let mail_rate: f64 = variable
        .parse()
        .map_err(|_| Gap::Unknown("MAIL_RATE is no number".to_owned()))?;
    let found = format!("{quota} mails a second; sweeps use up to {mail_rate}");
    Ok(if quota > mail_rate {
        Finding::ok(found)
    } else {
        let advice = "request a higher rate from SES, or lower MailRate";
        Finding::failed(found, advice)
    })
}

fn daily(account: &GetAccountOutput) -> Finding {
    let Some(quota) = account.send_quota() else {
        return Finding::warning("SES does not report it", "try again later");
    };
    let (most, sent) = (quota.max24_hour_send(), quota.sent_last24_hours());
    // SES says -1 for no quota.
    if most < 0.0 {
        return Finding::ok("unlimited");
    }
    let found = format!("{sent} of {most} mails sent within 24 hours");
    if sent < most * 0.8 {
        Finding::ok(found)
    } else {
        Finding::warning(found, "request a higher quota from SES")
    }
}
