//! Checks of SES configuration sets: sending, reported events and suppression.

use aws_sdk_sesv2::operation::get_configuration_set::GetConfigurationSetOutput;
use aws_sdk_sesv2::types::{
    EventDestination, EventType, SendingOptions, SuppressionListReason, SuppressionOptions,
};

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult, existing};

/// The events that the functions handle.
const EVENTS: [EventType; 4] = [
    EventType::Bounce,
    EventType::Complaint,
    EventType::Reject,
    EventType::DeliveryDelay,
];
/// The reasons for which SES should suppress an address.
const REASONS: [SuppressionListReason; 2] = [
    SuppressionListReason::Bounce,
    SuppressionListReason::Complaint,
];

/// Checks a configuration set.
pub(super) async fn checks(deployment: &Deployment<'_>, name: &str) -> Vec<Check> {
    let subject = |what: &str| format!("configuration set {name}{what}");
    let set = read(deployment, name).await;
    let found = || existing(&set, "configuration set");
    let state = match &set {
        Ok(None) => Ok(Finding::failed(
            "configuration set not found: mail that uses it cannot be sent",
            "create it with aws sesv2 create-configuration-set",
        )),
        _ => found().map(sending),
    };
    let events = match found() {
        Ok(_) => events(deployment, name).await,
        Err(error) => Err(error),
    };
    vec![
        Check::new(subject(""), state),
        Check::new(subject(" events"), events),
        Check::new(subject(" suppression"), found().map(suppression)),
    ]
}

async fn read(
    deployment: &Deployment<'_>,
    name: &str,
) -> CheckResult<Option<GetConfigurationSetOutput>> {
    let request = deployment.ses()?.get_configuration_set();
    let set = request.configuration_set_name(name).send().await;
    match set.map_err(|error| CheckError::of("ses:GetConfigurationSet", &error)) {
        Ok(set) => Ok(Some(set)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn sending(set: &GetConfigurationSetOutput) -> Finding {
    // Without the option, sending is enabled.
    if set
        .sending_options()
        .is_none_or(SendingOptions::sending_enabled)
    {
        return Finding::ok("sending is enabled");
    }
    Finding::failed(
        "sending is paused: mail that uses this configuration set cannot be sent",
        format!(
            "run aws sesv2 put-configuration-set-sending-options --sending-enabled {}",
            named(set)
        ),
    )
}

/// Returns the AWS CLI option that names the set.
fn named(set: &GetConfigurationSetOutput) -> String {
    let name = set.configuration_set_name().unwrap_or_default();
    format!("--configuration-set-name {name}")
}

fn suppression(set: &GetConfigurationSetOutput) -> Finding {
    let reasons = set
        .suppression_options()
        .map(SuppressionOptions::suppressed_reasons);
    let reasons = reasons.unwrap_or_default();
    if REASONS.iter().all(|reason| reasons.contains(reason)) {
        return Finding::ok("addresses with bounces or complaints are suppressed");
    }
    Finding::warning(
        "addresses with bounces or complaints are not suppressed, which harms the reputation of the sender",
        format!(
            "run aws sesv2 put-configuration-set-suppression-options --suppressed-reasons BOUNCE \
             COMPLAINT {}",
            named(set)
        ),
    )
}

async fn events(deployment: &Deployment<'_>, name: &str) -> CheckResult<Finding> {
    let request = deployment.ses()?.get_configuration_set_event_destinations();
    let output = request.configuration_set_name(name).send().await;
    let action = "ses:GetConfigurationSetEventDestinations";
    let output = output.map_err(|error| CheckError::of(action, &error))?;
    let reported = |event: &EventType| {
        let mut destinations = output.event_destinations().iter();
        destinations.any(|destination| reports(destination, event))
    };
    let missing = EVENTS.iter().filter(|event| !reported(event));
    let missing: Vec<_> = missing.map(EventType::as_str).collect();
    Ok(if missing.is_empty() {
        Finding::ok("all events are reported to EventBridge")
    } else {
        Finding::failed(
            format!("not reported to EventBridge: {}", missing.join(", ")),
            "add an event destination with aws sesv2 create-configuration-set-event-destination",
        )
    })
}

fn reports(destination: &EventDestination, event: &EventType) -> bool {
    destination.enabled()
        && destination.event_bridge_destination().is_some()
        && destination.matching_event_types().contains(event)
}
