//! Checks of the tables against template.yaml: keys, indexes, expiry, recovery, encryption and
//! deletion protection.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement, KeyType,
    PointInTimeRecoveryStatus, Projection, ProjectionType, SseDescription, SseStatus,
    TableDescription, TableStatus, TimeToLiveStatus,
};

use super::check::{Check, Finding, REDEPLOY};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult, existing};

/// The attribute with the expiry of an item.
const EXPIRES_AT: &str = "expires_at";

/// A table of the stack.
struct Table {
    /// The name in the template.
    name: &'static str,
    /// The variable with the name in DynamoDB.
    variable: &'static str,
    key: &'static [&'static str],
    indexes: &'static [Index],
    /// Whether items expire.
    expires: bool,
    /// Whether the table needs point-in-time recovery and deletion protection.
    is_durable: bool,
}

struct Index {
    name: &'static str,
    key: &'static [&'static str],
    /// The projected attributes in addition to the keys.
    attributes: &'static [&'static str],
}

const TABLES: [Table; 5] = [
    Table {
        name: "UsersTable",
        variable: "USERS_TABLE",
        key: &["username"],
        indexes: &[
            Index {
                name: "email-index",
                key: &["email_key", "brand"],
                attributes: &[
                    "id",
                    "email",
                    "display_name",
                    "display_username",
                    "language",
                ],
            },
            Index {
                name: "pending-reset-index",
                key: &["reset_queue", "reset_due_at"],
                attributes: &[],
            },
        ],
        expires: false,
        is_durable: true,
    },
    Table {
        name: "AuditTable",
        variable: "AUDIT_TABLE",
        key: &["username", "at"],
        indexes: &[],
        expires: true,
        is_durable: true,
    },
    Table {
        name: "BrandsTable",
        variable: "BRANDS_TABLE",
        key: &["brand"],
        indexes: &[],
        expires: false,
        is_durable: true,
    },
    Table {
        name: "LimitsTable",
        variable: "LIMITS_TABLE",
        key: &["subject"],
        indexes: &[],
        expires: true,
        is_durable: false,
    },
    Table {
        name: "SessionsTable",
        variable: "SESSIONS_TABLE",
        key: &["id"],
        indexes: &[],
        expires: true,
        is_durable: false,
    },
];

/// Checks all tables.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for table in &TABLES {
        checks.extend(of_table(deployment, table).await);
    }
    checks
}

async fn of_table(deployment: &Deployment<'_>, table: &Table) -> Vec<Check> {
    let described = describe(deployment, table).await;
    let found = || existing(&described, "table");
    let state = match &described {
        Ok(None) => Ok(Finding::failed(
            "table not found",
            "check the name and the region, or restore the table (docs/upgrade.md)",
        )),
        _ => found().map(|description| state(description, table)),
    };
    let name = table.name;
    let mut checks = vec![Check::new(name, state)];
    for index in table.indexes {
        let state = found().map(|description| self::index(description, index));
        checks.push(Check::new(format!("{name} {}", index.name), state));
    }
    if table.expires {
        let expiry = expiry(deployment, table).await;
        checks.push(Check::new(format!("{name} expiry"), expiry));
    }
    if table.is_durable {
        let recovery = recovery(deployment, table).await;
        checks.push(Check::new(format!("{name} recovery"), recovery));
        let protection = at_aws(deployment).and_then(|()| found().map(protection));
        checks.push(Check::new(
            format!("{name} deletion protection"),
            protection,
        ));
    }
    let key = at_aws(deployment).and_then(|()| deployment.output("KeyArn"));
    let encryption = key.and_then(|key| Ok(encryption(found()?.sse_description(), key)));
    checks.push(Check::new(format!("{name} encryption"), encryption));
    checks
}

/// Returns the client and the name of a table.
fn location(deployment: &Deployment<'_>, table: &Table) -> CheckResult<(Client, String)> {
    let client = deployment.session.clients()?.dynamodb.clone();
    Ok((client, deployment.variable(table.variable)?))
}

/// Describes a table; `None` if it does not exist.
async fn describe(
    deployment: &Deployment<'_>,
    table: &Table,
) -> CheckResult<Option<TableDescription>> {
    let (client, name) = location(deployment, table)?;
    let described = client.describe_table().table_name(name).send().await;
    match described.map_err(|error| CheckError::of("dynamodb:DescribeTable", &error)) {
        Ok(output) => Ok(output.table),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses checks of expiry, recovery, encryption and protection with a custom endpoint, whose
/// answers mean nothing.
fn at_aws(deployment: &Deployment<'_>) -> CheckResult<()> {
    if deployment.has_custom_endpoint() {
        let text = "skipped with --endpoint";
        return Err(CheckError::Skipped(text.to_owned()));
    }
    Ok(())
}

fn state(description: &TableDescription, table: &Table) -> Finding {
    let name = description.table_name().unwrap_or_default();
    if keys(description.key_schema()) != table.key {
        let key = table.key.join("` and `");
        let found = format!("the key of {name} does not consist of `{key}`");
        return Finding::failed(found, "use the table created by the stack");
    }
    match description.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => {
            Finding::ok(format!("{name} is active"))
        }
        status => {
            let status = status.map_or("unknown", TableStatus::as_str);
            let found = format!("{name} is not active: {status}");
            Finding::failed(
                found,
                "wait until DynamoDB has finished, or restore the table",
            )
        }
    }
}

/// Returns the attribute names of a key, the partition key first.
fn keys(schema: &[KeySchemaElement]) -> Vec<&str> {
    let of = |kind: KeyType| schema.iter().filter(move |key| key.key_type() == &kind);
    let keys = of(KeyType::Hash).chain(of(KeyType::Range));
    keys.map(KeySchemaElement::attribute_name).collect()
}

fn index(description: &TableDescription, index: &Index) -> Finding {
    let mut found = description.global_secondary_indexes().iter();
    let Some(found) = found.find(|found| found.index_name() == Some(index.name)) else {
        let effect = "without email-index, UpdateUserRegistrationPassword cannot find customers, and \
                      logins by address fail; without pending-reset-index, the sweep fails";
        return Finding::failed("index not found", format!("{REDEPLOY}; {effect}"));
    };
    let is_right = keys(found.key_schema()) == index.key && has_attributes(found, index);
    match found.index_status() {
        _ if !is_right => Finding::failed(
            "the key or the attributes differ from the template",
            REDEPLOY,
        ),
        Some(IndexStatus::Active | IndexStatus::Updating) => Finding::ok("active"),
        status => {
            let status = status.map_or("unknown", IndexStatus::as_str);
            Finding::failed(
                format!("not active: {status}"),
                "wait until DynamoDB has built it",
            )
        }
    }
}

fn has_attributes(found: &GlobalSecondaryIndexDescription, index: &Index) -> bool {
    let projection = found.projection();
    let is_whole = projection.and_then(Projection::projection_type) == Some(&ProjectionType::All);
    let projected = projection
        .map(Projection::non_key_attributes)
        .unwrap_or_default();
    let has = |name: &&str| projected.iter().any(|attribute| attribute == name);
    is_whole || index.attributes.iter().all(has)
}

/// Checks that expired items are deleted.
async fn expiry(deployment: &Deployment<'_>, table: &Table) -> CheckResult<Finding> {
    at_aws(deployment)?;
    let (client, name) = location(deployment, table)?;
    let request = client.describe_time_to_live().table_name(&name);
    let output = request.send().await;
    let output = output.map_err(|error| CheckError::of("dynamodb:DescribeTimeToLive", &error))?;
    let found = output.time_to_live_description;
    let status = found.as_ref().and_then(|found| found.time_to_live_status());
    let attribute = found.as_ref().and_then(|found| found.attribute_name());
    Ok(match status {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            if attribute == Some(EXPIRES_AT) =>
        {
            Finding::ok(format!("expiry by {EXPIRES_AT} is enabled"))
        }
        _ => Finding::failed(
            "expired items are never deleted",
            format!(
                "run aws dynamodb update-time-to-live --table-name {name} \
                 --time-to-live-specification Enabled=true,AttributeName={EXPIRES_AT}"
            ),
        ),
    })
}

async fn recovery(deployment: &Deployment<'_>, table: &Table) -> CheckResult<Finding> {
    at_aws(deployment)?;
    let (client, name) = location(deployment, table)?;
    let request = client.describe_continuous_backups().table_name(&name);
    let output = request.send().await;
    let output =
        output.map_err(|error| CheckError::of("dynamodb:DescribeContinuousBackups", &error))?;
    let backups = output.continuous_backups_description;
    let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
    let status = recovery
        .as_ref()
        .and_then(|it| it.point_in_time_recovery_status());
    Ok(match status {
        Some(PointInTimeRecoveryStatus::Enabled) => {
            Finding::ok("point-in-time recovery is enabled")
        }
        _ => Finding::failed(
            "point-in-time recovery is disabled",
            format!(
                "run aws dynamodb update-continuous-backups --table-name {name} \
                 --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
            ),
        ),
    })
}

fn protection(description: &TableDescription) -> Finding {
    if description.deletion_protection_enabled() == Some(true) {
        Finding::ok("enabled")
    } else {
        Finding::warning(
            "disabled: the table can be deleted",
            "deploy with DeletionProtection=ENABLED",
        )
    }
}

fn encryption(found: Option<&SseDescription>, key: Option<&str>) -> Finding {
    let is_accessible =
        |found: &&SseDescription| found.inaccessible_encryption_date_time().is_none();
    let is_on = |found: &&SseDescription| {
        matches!(
            found.status(),
            Some(SseStatus::Enabled | SseStatus::Updating)
        )
    };
    match found.filter(is_on) {
        Some(found) if !is_accessible(&found) => Finding::failed(
            "DynamoDB cannot use the key of the table, and will archive the table after seven days",
            "enable the key, and allow DynamoDB to use it",
        ),
        Some(found) if found.kms_master_key_arn() == key => {
            Finding::ok("encrypted with the stack's key")
        }
        _ => Finding::failed("not encrypted with the stack's key", REDEPLOY),
    }
}
