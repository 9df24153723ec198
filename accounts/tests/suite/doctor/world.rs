//! The answers from AWS services about a healthy deployment.

use serde_json::{Map, Value, json};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/k-1";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

/// Returns the answers by call. The answer to `DescribeStacks` is built from `outputs` and
/// `parameters`.
pub(super) fn answers() -> Value {
    let mut answers = Map::new();
    answers.extend(stack());
    answers.extend(tables());
    answers.extend(functions());
    answers.extend(mail());
    answers.extend(alarms());
    answers.insert("denied".to_owned(), json!([]));
    Value::Object(answers)
}

type Answers = Vec<(String, Value)>;

fn stack() -> Answers {
    let outputs = json!({
        "UsersTableName": "Users",
        "AuditTableName": "Audit",
        "BrandsTableName": "Brands",
        "LimitsTableName": "Limits",
        "SessionsTableName": "Sessions",
        "ConfigurationSetName": "mails",
        "KeyArn": KEY,
        "AlarmTopicArn": TOPIC,
    });
    let parameters = json!({
        "MailFrom": "Flood Watch <no-reply@mail.example.com>",
        "MailArns": "arn:aws:ses:eu-west-1:123456789012:identity/mail.example.com,\
                     arn:aws:ses:eu-west-1:123456789012:identity/help@acme.example,\
                     arn:aws:ses:eu-west-1:123456789012:configuration-set/acme",
        "MailRate": "12",
        "Argon2MemoryKib": "19456",
        "Argon2Iterations": "2",
        "AnonymousRate": "10",
        "AnonymousBurst": "20",
        "ResponseFloorMs": "500",
        "ResetConcurrency": "0",
        "ResetPerHour": "5",
        "SourcePerMinute": "60",
        "AsmxProtocols": "HttpGet,HttpPost,Soap,Soap12,Documentation",
        "SelfTest": "ENABLED",
        "SelfTestUsername": "self-test",
    });
    let resources = [
        (
            "ResetUserPasswordFunction",
            "AWS::Lambda::Function",
            "reset-1",
        ),
        (
            "UpdateUserRegistrationPasswordFunction",
            "AWS::Lambda::Function",
            "update-1",
        ),
        ("ResetUserPasswordRole", "AWS::IAM::Role", "reset-role"),
        (
            "UpdateUserRegistrationPasswordRole",
            "AWS::IAM::Role",
            "update-role",
        ),
        ("UsersTable", "AWS::DynamoDB::Table", "Users"),
        ("AuditTable", "AWS::DynamoDB::Table", "Audit"),
        ("BrandsTable", "AWS::DynamoDB::Table", "Brands"),
        ("LimitsTable", "AWS::DynamoDB::Table", "Limits"),
        ("SessionsTable", "AWS::DynamoDB::Table", "Sessions"),
        ("ConfigurationSet", "AWS::SES::ConfigurationSet", "mails"),
        ("Key", "AWS::KMS::Key", "k-1"),
        (
            "SweepsMissingAlarm",
            "AWS::CloudWatch::Alarm",
            "passwords-SweepsMissingAlarm",
        ),
        (
            "DeadLettersAlarm",
            "AWS::CloudWatch::Alarm",
            "passwords-DeadLettersAlarm",
        ),
    ];
    let resources = resources.map(|(name, kind, id)| {
        json!({
            "LogicalResourceId": name,
            "PhysicalResourceId": id,
            "ResourceType": kind,
            "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
            "ResourceStatus": "CREATE_COMPLETE",
        })
    });
    // The API returns the resources in pages.
    let (first, second) = resources.split_at(resources.len() / 2);
    vec![
        ("outputs".to_owned(), outputs),
        ("parameters".to_owned(), parameters),
        (
            "ListStackResources".to_owned(),
            json!({ "StackResourceSummaries": first, "NextToken": "2" }),
        ),
        (
            "ListStackResources 2".to_owned(),
            json!({ "StackResourceSummaries": second }),
        ),
    ]
}

fn key_schema(names: &[&str]) -> Value {
    let kinds = ["HASH", "RANGE"].iter();
    let keys = names.iter().zip(kinds);
    keys.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }))
        .collect()
}

fn tables() -> Answers {
    let mut answers = Vec::new();
    let indexes = json!([
        {
            "IndexName": "email-index",
            "IndexStatus": "ACTIVE",
            "KeySchema": key_schema(&["email_key", "brand"]),
            "Projection": {
                "ProjectionType": "INCLUDE",
                "NonKeyAttributes": ["id", "email", "display_name", "display_username", "language"],
            },
        },
        {
            "IndexName": "pending-reset-index",
            "IndexStatus": "ACTIVE",
            "KeySchema": key_schema(&["reset_queue", "reset_due_at"]),
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        },
    ]);
    for (name, key) in [
        ("Users", &["username"][..]),
        ("Audit", &["username", "at"]),
        ("Brands", &["brand"]),
        ("Limits", &["subject"]),
        ("Sessions", &["id"]),
    ] {
        let indexes = if name == "Users" {
            &indexes
        } else {
            &Value::Null
        };
        let table = json!({ "Table": {
            "GlobalSecondaryIndexes": indexes,
            "TableName": name,
            "TableStatus": "ACTIVE",
            "KeySchema": key_schema(key),
            "DeletionProtectionEnabled": true,
            "SSEDescription": { "Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY },
        } });
        answers.push((format!("DescribeTable {name}"), table));
        let expiry = json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at" });
        let expiry = json!({ "TimeToLiveDescription": expiry });
        answers.push((format!("DescribeTimeToLive {name}"), expiry));
        let recovery = json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "ENABLED" },
        } });
        answers.push((format!("DescribeContinuousBackups {name}"), recovery));
    }
    let account = json!({ "Item": {
        "username": { "S": "self-test" },
        "display_username": { "S": "self-test" },
        "id": { "N": "999999999" },
        "email": { "S": "success@simulator.amazonses.com" },
    } });
    answers.push(("GetItem Users".to_owned(), account));
    let brands = json!({ "Items": [{
        "brand": { "S": "acme" },
        "from_address": { "S": "Acme <help@acme.example>" },
        "configuration_set": { "S": "acme" },
    }], "Count": 1, "ScannedCount": 1 });
    answers.push(("Scan Brands".to_owned(), brands));
    let key = json!({ "KeyMetadata": { "KeyId": "k-1", "KeyState": "Enabled", "Enabled": true } });
    answers.push(("DescribeKey".to_owned(), key));
    answers
}

fn functions() -> Answers {
    let mut answers = Vec::new();
    for (id, role) in [("reset-1", "reset-role"), ("update-1", "update-role")] {
        let function = json!({
            "FunctionName": id,
            "Role": format!("arn:aws:iam::123456789012:role/{role}"),
            "MemorySize": 1769,
            "Version": "7",
            "State": "Active",
            "LastUpdateStatus": "Successful",
        });
        answers.push((
            format!("/2015-03-31/functions/{id}/configuration"),
            function,
        ));
    }
    let limits = json!({ "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000 });
    let account = json!({ "AccountLimit": limits, "AccountUsage": { "FunctionCount": 2 } });
    answers.push(("/2016-08-19/account-settings".to_owned(), account));
    answers
}

fn mail() -> Answers {
    let account = json!({
        "ProductionAccessEnabled": true,
        "SendingEnabled": true,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": { "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 100.0 },
    });
    let mut answers = vec![("/v2/email/account".to_owned(), account)];
    for (name, kind) in [
        ("mail.example.com", "DOMAIN"),
        ("help@acme.example", "EMAIL_ADDRESS"),
    ] {
        let identity = json!({
            "IdentityType": kind,
            "VerifiedForSendingStatus": true,
            "DkimAttributes": { "SigningEnabled": true, "Status": "SUCCESS" },
            "MailFromAttributes": {
                "MailFromDomain": "bounce.example.com",
                "MailFromDomainStatus": "SUCCESS",
                "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
            },
        });
        let path = name.replace('@', "%40");
        answers.push((format!("/v2/email/identities/{path}"), identity));
    }
    for name in ["mails", "acme"] {
        let set = json!({
            "ConfigurationSetName": name,
            "SendingOptions": { "SendingEnabled": true },
            "SuppressionOptions": { "SuppressedReasons": ["BOUNCE", "COMPLAINT"] },
        });
        answers.push((format!("/v2/email/configuration-sets/{name}"), set));
        let events = json!({ "EventDestinations": [{
            "Name": "events",
            "Enabled": true,
            "MatchingEventTypes": ["BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"],
            "EventBridgeDestination": {
                "EventBusArn": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
            },
        }] });
        answers.push((
            format!("/v2/email/configuration-sets/{name}/event-destinations"),
            events,
        ));
    }
    answers
}

fn alarms() -> Answers {
    let subscriptions = json!({ "Subscriptions": [{
        "SubscriptionArn": format!("{TOPIC}:1"),
        "Owner": "123456789012",
        "Protocol": "email",
        "Endpoint": "operators@example.com",
        "TopicArn": TOPIC,
    }] });
    let alarm = |name: &str| {
        json!({
            "AlarmName": format!("passwords-{name}"),
            "ActionsEnabled": true,
            "AlarmActions": [TOPIC],
            "StateValue": "OK",
        })
    };
    let alarms =
        json!({ "MetricAlarms": [alarm("SweepsMissingAlarm"), alarm("DeadLettersAlarm")] });
    let times = |p99: f64| {
        let point = json!({ "ExtendedStatistics": { "p99": p99 }, "Unit": "Milliseconds" });
        json!({ "Label": "times", "Datapoints": [point] })
    };
    vec![
        ("ListSubscriptionsByTopic".to_owned(), subscriptions),
        ("DescribeAlarms".to_owned(), alarms),
        ("GetMetricStatistics Argon2Time".to_owned(), times(20.0)),
        ("GetMetricStatistics MailTime".to_owned(), times(80.0)),
    ]
}

/// Returns CloudFormation's description of a stack with these outputs and parameters.
pub(super) fn described(answers: &Value) -> Value {
    let list = |from: &str, kind: &str| -> Value {
        let pairs = answers[from].as_object().unwrap().iter();
        let pairs = pairs.map(
            |(key, value)| json!({ format!("{kind}Key"): key, format!("{kind}Value"): value }),
        );
        pairs.collect()
    };
    json!({ "Stacks": [{
        "StackName": "passwords",
        "CreationTime": "2026-01-01T00:00:00Z",
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": list("outputs", "Output"),
        "Parameters": list("parameters", "Parameter"),
    }] })
}
