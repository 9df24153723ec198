//! The tables as template.yaml has them: keys, indexes, expiry, recovery, encryption, and protection
//! from deletion.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, IndexStatus, KeySchemaElement, KeyType,
    PointInTimeRecoveryStatus, Projection, ProjectionType, SseDescription, SseStatus,
    TableDescription, TableStatus, TimeToLiveStatus,
};

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::gap::{Answer, Gap, existing};

/// The attribute with the time at which an item expires.
const EXPIRES_AT: &str = "expires_at";

/// A table that the stack has.
struct Table {
    /// Its name in the template.
    name: &'static str,
    /// The variable with its name in DynamoDB.
    variable: &'static str,
    key: &'static [&'static str],
    indexes: &'static [Index],
    /// Whether items expire.
    expires: bool,
    /// Whether it can be restored and is protected from deletion.
    is_kept: bool,
}

struct Index {
    name: &'static str,
    key: &'static [&'static str],
    /// The attributes that it has besides the keys.
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
        is_kept: true,
    },
    Table {
        name: "AuditTable",
        variable: "AUDIT_TABLE",
        key: &["username", "at"],
        indexes: &[],
        expires: true,
        is_kept: true,
    },
    Table {
        name: "BrandsTable",
        variable: "BRANDS_TABLE",
        key: &["brand"],
        indexes: &[],
        expires: false,
        is_kept: true,
    },
    Table {
        name: "LimitsTable",
        variable: "LIMITS_TABLE",
        key: &["subject"],
        indexes: &[],
        expires: true,
        is_kept: false,
    },
    Table {
        name: "SessionsTable",
        variable: "SESSIONS_TABLE",
        key: &["id"],
        indexes: &[],
        expires: true,
        is_kept: false,
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
            "there is no such table",
            "check the name and the region, or restore it (docs/upgrade.md)",
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
    if table.is_kept {
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

/// The client and the name of the table.
fn location(deployment: &Deployment<'_>, table: &Table) -> Answer<(Client, String)> {
    let client = deployment.session.clients()?.dynamodb.clone();
    Ok((client, deployment.variable(table.variable)?))
}

/// What DynamoDB says of the table; nothing if there is none.
async fn describe(deployment: &Deployment<'_>, table: &Table) -> Answer<Option<TableDescription>> {
    let (client, name) = location(deployment, table)?;
    let described = client.describe_table().table_name(name).send().await;
    match described.map_err(|error| Gap::of("dynamodb:DescribeTable", &error)) {
        Ok(output) => Ok(output.table),
        Err(gap) if gap.is_not_found() => Ok(None),
        Err(gap) => Err(gap),
    }
}

/// What an endpoint other than AWS's says of expiry, recovery, encryption and protection means
/// nothing.
fn at_aws(deployment: &Deployment<'_>) -> Answer<()> {
    if deployment.is_elsewhere() {
        let text = "the DynamoDB of --endpoint is not AWS's";
        return Err(Gap::Unknown(text.to_owned()));
    }
    Ok(())
}

fn state(description: &TableDescription, table: &Table) -> Finding {
    let name = description.table_name().unwrap_or_default();
    if keys(description.key_schema()) != table.key {
        let found = format!("the key of {name} is not {}", table.key.join(" and "));
        return Finding::failed(found, "use the table that the stack created");
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

/// The names of the attributes of a key, the partition key first.
fn keys(schema: &[KeySchemaElement]) -> Vec<&str> {
    let of = |kind: KeyType| schema.iter().filter(move |key| key.key_type() == &kind);
    let keys = of(KeyType::Hash).chain(of(KeyType::Range));
    keys.map(KeySchemaElement::attribute_name).collect()
}

fn index(description: &TableDescription, index: &Index) -> Finding {
    let mut found = description.global_secondary_indexes().iter();
    let Some(found) = found.find(|found| found.index_name() == Some(index.name)) else {
        let advice =
            "deploy the template again; while it is missing, logins by address and the sweep fail";
        return Finding::failed("there is no such index", advice);
    };
    let is_right = keys(found.key_schema()) == index.key && has_attributes(found, index);
    match found.index_status() {
        _ if !is_right => Finding::failed(
            "its key or its attributes are not the template's",
            "deploy the template again",
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

/// Whether expired items are deleted.
async fn expiry(deployment: &Deployment<'_>, table: &Table) -> Answer<Finding> {
    at_aws(deployment)?;
    let (client, name) = location(deployment, table)?;
    let request = client.describe_time_to_live().table_name(&name);
    let output = request.send().await;
    let output = output.map_err(|error| Gap::of("dynamodb:DescribeTimeToLive", &error))?;
    let found = output.time_to_live_description;
    let status = found.as_ref().and_then(|found| found.time_to_live_status());
    let attribute = found.as_ref().and_then(|found| found.attribute_name());
    Ok(match status {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            if attribute == Some(EXPIRES_AT) =>
        {
            Finding::ok(format!("items expire by {EXPIRES_AT}"))
        }
        _ => Finding::failed(
            "expired items are never deleted",
            format!(
                "aws dynamodb update-time-to-live --table-name {name} \
                 --time-to-live-specification Enabled=true,AttributeName={EXPIRES_AT}"
            ),
        ),
    })
}

async fn recovery(deployment: &Deployment<'_>, table: &Table) -> Answer<Finding> {
    at_aws(deployment)?;
    let (client, name) = location(deployment, table)?;
    let request = client.describe_continuous_backups().table_name(&name);
    let output = request.send().await;
    let output = output.map_err(|error| Gap::of("dynamodb:DescribeContinuousBackups", &error))?;
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
                "aws dynamodb update-continuous-backups --table-name {name} \
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
            "DynamoDB cannot use the key of the table, and will archive it after seven days",
            "enable the key, and allow DynamoDB to use it",
        ),
        Some(found) if found.kms_master_key_arn() == key => {
            Finding::ok("encrypted with the stack's key")
        }
        _ => Finding::failed(
            "not encrypted with the stack's key",
            "deploy the template again",
        ),
    }
}
