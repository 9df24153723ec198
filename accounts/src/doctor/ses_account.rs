//! SES's account in the region: sandbox, quota, and the list of addresses that get no mail.

use aws_sdk_sesv2::operation::get_account::GetAccountOutput;
use aws_sdk_sesv2::types::SendQuota;

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::gap::{Answer, Gap};
use crate::suppression::NO_SES;

/// Checks SES's account.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let account = account(deployment).await;
    let of = |read: &dyn Fn(&GetAccountOutput) -> Answer<Finding>| match &account {
        Ok(account) => read(account),
        Err(gap) => Err(gap.clone()),
    };
    vec![
        Check::new("SES account", of(&|account| Ok(standing(account)))),
        Check::new("SES sandbox", of(&|account| Ok(sandbox(account)))),
        Check::new("SES rate", of(&|account| rate(account, deployment))),
        Check::new("SES daily quota", of(&|account| Ok(daily(account)))),
    ]
}

async fn account(deployment: &Deployment<'_>) -> Answer<GetAccountOutput> {
    let ses = deployment.session.ses()?;
    let ses = ses.ok_or_else(|| Gap::Unknown(NO_SES.to_owned()))?;
    let account = ses.get_account().send().await;
    account.map_err(|error| Gap::of("ses:GetAccount", &error))
}

/// `HEALTHY`, `PROBATION` or `SHUTDOWN` (SES API reference, `GetAccount`).
fn standing(account: &GetAccountOutput) -> Finding {
    let status = account.enforcement_status().unwrap_or("unknown");
    match (account.sending_enabled(), status) {
        (true, "HEALTHY") => Finding::ok("may send"),
        (true, "PROBATION") => Finding::warning(
            "under review: SES may pause it",
            "see the reputation page of SES for bounces and complaints",
        ),
        (_, status) => Finding::failed(
            format!("may not send: {status}"),
            "see AWS Support Center for the case, or aws sesv2 put-account-sending-attributes \
             --sending-enabled if you paused it",
        ),
    }
}

fn sandbox(account: &GetAccountOutput) -> Finding {
    if account.production_access_enabled() {
        return Finding::ok("out of it");
    }
    Finding::failed(
        "the account is in the sandbox: only verified addresses get mail",
        "ask for production access (docs/deployment.md, \"SES sandbox\")",
    )
}

/// A sweep mails `MailRate` a second, and requests need some of SES's rate, too.
fn rate(account: &GetAccountOutput, deployment: &Deployment<'_>) -> Answer<Finding> {
    let quota = account.send_quota().map_or(0.0, SendQuota::max_send_rate);
    let variable = deployment.variable("MAIL_RATE")?;
    let mail_rate: f64 = variable
        .parse()
        .map_err(|_| Gap::Unknown("MAIL_RATE is no number".to_owned()))?;
    let found = format!("{quota} mails a second, of which sweeps use {mail_rate}");
    Ok(if quota > mail_rate {
        Finding::ok(found)
    } else {
        let advice = "ask SES for a higher rate, or lower MailRate";
        Finding::failed(found, advice)
    })
}

fn daily(account: &GetAccountOutput) -> Finding {
    let Some(quota) = account.send_quota() else {
        return Finding::warning("SES does not say it", "try again later");
    };
    let (most, sent) = (quota.max24_hour_send(), quota.sent_last24_hours());
    // SES says -1 for no quota.
    if most < 0.0 {
        return Finding::ok("none");
    }
    let found = format!("{sent} of {most} mails sent within 24 hours");
    if sent < most * 0.8 {
        Finding::ok(found)
    } else {
        Finding::warning(found, "ask SES for a higher quota")
    }
}
