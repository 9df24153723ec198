//! Checks of the SES account in the region: standing, sandbox, rate and daily quota.

use aws_sdk_sesv2::operation::get_account::GetAccountOutput;
use aws_sdk_sesv2::types::SendQuota;

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};

/// Checks the SES account.
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

async fn account(deployment: &Deployment<'_>) -> CheckResult<GetAccountOutput> {
    let account = deployment.ses()?.get_account().send().await;
    account.map_err(|error| CheckError::of("ses:GetAccount", &error))
}

/// Checks the enforcement status: `HEALTHY`, `PROBATION` or `SHUTDOWN` (SES API reference,
/// `GetAccount`).
fn standing(account: &GetAccountOutput) -> Finding {
    let status = account.enforcement_status().unwrap_or("unknown");
    match (account.sending_enabled(), status) {
        (true, "HEALTHY") => Finding::ok("sending is enabled"),
        (true, "PROBATION") => Finding::warning(
            "under review: SES may pause sending",
            "check bounces and complaints on the reputation page of SES",
        ),
        (_, status) => Finding::failed(
            format!("sending is paused (enforcement status {status})"),
            "see the case in AWS Support Center; if somebody paused it on purpose, an \
             administrator runs aws sesv2 put-account-sending-attributes --sending-enabled",
        ),
    }
}

fn sandbox(account: &GetAccountOutput) -> Finding {
    if account.production_access_enabled() {
        return Finding::ok("the account has production access");
    }
    Finding::failed(
        "the account is in the sandbox: only verified addresses receive mail",
        "request production access (docs/deploy.md, \"Leave the SES sandbox\")",
    )
}

/// Checks that the rate of SES exceeds `MailRate`, which sweeps use, so that some is left for
/// requests.
fn rate(account: &GetAccountOutput, deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let quota = account.send_quota().map_or(0.0, SendQuota::max_send_rate);
    let variable = deployment.variable("MAIL_RATE")?;
    let mail_rate: f64 = variable
        .parse()
        .map_err(|_| CheckError::Unknown("MAIL_RATE is not a number".to_owned()))?;
    let found = format!("{quota} emails per second; sweeps use up to {mail_rate}");
    Ok(if quota > mail_rate {
        Finding::ok(found)
    } else {
        let advice = "request a higher rate from SES, or lower MailRate";
        Finding::failed(found, advice)
    })
}

fn daily(account: &GetAccountOutput) -> Finding {
    let Some(quota) = account.send_quota() else {
        return Finding::warning("SES did not report the quota", "try again later");
    };
    let (most, sent) = (quota.max24_hour_send(), quota.sent_last24_hours());
    // -1 means no quota.
    if most < 0.0 {
        return Finding::ok("unlimited");
    }
    let found = format!("{sent} of {most} emails sent in the last 24 hours");
    if sent < most * 0.8 {
        Finding::ok(found)
    } else {
        Finding::warning(found, "request a higher quota from SES")
    }
}
