//! Checks of the alarms: subscription, actions and states.

use serde_json::{Value, json};

use super::check::{Check, Finding, REDEPLOY};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use crate::aws::{Api, Call};

/// Maximum number of alarms per call (CloudWatch API reference, `DescribeAlarms`).
const PAGE: usize = 100;

/// Checks the subscription of the topic and the alarms.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let subscriptions = Check::new("Alarm subscription", subscriptions(deployment).await);
    let alarms = alarms(deployment).await;
    let alarms = || alarms.as_deref().map_err(Clone::clone);
    let topic = deployment.output("AlarmTopicArn");
    let actions = topic.and_then(|topic| Ok(actions(alarms()?, topic.unwrap_or_default())));
    vec![
        subscriptions,
        Check::new("Alarm actions", actions),
        Check::new("Alarm states", alarms().map(states)),
    ]
}

/// Checks that the topic has a confirmed subscription.
async fn subscriptions(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let topic = deployment.output("AlarmTopicArn")?;
    let topic = topic.ok_or_else(|| {
        CheckError::Unknown(
            "the stack has no output AlarmTopicArn; deploy the current template".into(),
        )
    })?;
    let input = [("TopicArn".to_owned(), topic.to_owned())];
    let call = Call::query(Api::Sns, "ListSubscriptionsByTopic", &input);
    let answer = deployment.send(call).await?;
    let found = answer.pointer("/ListSubscriptionsByTopicResult/Subscriptions");
    let found = found.and_then(Value::as_array).map(Vec::as_slice);
    let arns: Vec<_> = found.unwrap_or_default().iter().map(arn).collect();
    let pending = arns.iter().filter(|arn| !arn.starts_with("arn:")).count();
    Ok(match (arns.len() - pending, pending) {
        (0, 0) => Finding::failed(
            "no subscription: alarms notify nobody",
            "deploy with AlarmEmail, or subscribe another endpoint to the topic",
        ),
        (0, _) => Finding::failed(
            "no confirmed subscription: alarms notify nobody",
            "open the link in the email from AWS Notifications; if it has expired (after two days), \
             subscribe the address again with aws sns subscribe",
        ),
        (confirmed, 0) => Finding::ok(format!("{confirmed} confirmed")),
        (confirmed, pending) => Finding::warning(
            format!("{confirmed} confirmed, {pending} unconfirmed"),
            "open the link in the email from AWS Notifications",
        ),
    })
}

/// Returns the ARN of a subscription, which is `PendingConfirmation` until it is confirmed.
fn arn(subscription: &Value) -> &str {
    let arn = subscription.get("SubscriptionArn");
    arn.and_then(Value::as_str).unwrap_or_default()
}

/// Reads the alarms of the stack from CloudWatch.
async fn alarms(deployment: &Deployment<'_>) -> CheckResult<Vec<Value>> {
    let names = deployment.resources_of("AWS::CloudWatch::Alarm")?;
    let names: Vec<_> = names.iter().map(|alarm| alarm.id.as_str()).collect();
    if names.is_empty() {
        let text = "the stack has no alarms; deploy the current template";
        return Err(CheckError::Unknown(text.to_owned()));
    }
    let mut alarms = Vec::new();
    for names in names.chunks(PAGE) {
        let input = json!({ "AlarmNames": names, "MaxRecords": PAGE });
        let call = Call::json(Api::CloudWatch, "DescribeAlarms", &input);
        let answer = deployment.send(call).await?;
        let found = answer.get("MetricAlarms").and_then(Value::as_array);
        alarms.extend(found.into_iter().flatten().cloned());
    }
    if alarms.len() == names.len() {
        Ok(alarms)
    } else {
        let text = format!(
            "CloudWatch has {} of the stack's {} alarms; {REDEPLOY}",
            alarms.len(),
            names.len()
        );
        Err(CheckError::Unknown(text))
    }
}

fn name(alarm: &Value) -> &str {
    alarm
        .get("AlarmName")
        .and_then(Value::as_str)
        .unwrap_or("unknown")
}

fn names(alarms: &[&Value]) -> String {
    let names: Vec<_> = alarms.iter().map(|alarm| name(alarm)).collect();
    names.join(", ")
}

/// Checks that all alarms notify the topic.
fn actions(alarms: &[Value], topic: &str) -> Finding {
    let is_told = |alarm: &&Value| {
        let actions = alarm.get("AlarmActions").and_then(Value::as_array);
        let mut actions = actions.into_iter().flatten();
        let is_on = alarm.get("ActionsEnabled").and_then(Value::as_bool);
        is_on == Some(true) && actions.any(|action| action == topic)
    };
    let silent: Vec<_> = alarms.iter().filter(|alarm| !is_told(alarm)).collect();
    if silent.is_empty() {
        return Finding::ok(format!("all {} alarms notify the topic", alarms.len()));
    }
    Finding::failed(
        format!(
            "these alarms do not notify the topic of the stack: {}",
            names(&silent)
        ),
        "with the deployer's role, run aws cloudwatch enable-alarm-actions --alarm-names with these names",
    )
}

/// Checks that no alarm is active.
fn states(alarms: &[Value]) -> Finding {
    let is_active = |alarm: &&Value| {
        alarm
            .get("StateValue")
            .is_some_and(|state| state == "ALARM")
    };
    let active: Vec<_> = alarms.iter().filter(is_active).collect();
    if active.is_empty() {
        return Finding::ok("no active alarm");
    }
    Finding::warning(
        format!("active: {}", names(&active)),
        "see docs/operations.md, \"Alarms\"",
    )
}
