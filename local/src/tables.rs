//! The tables of template.yaml.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};

use crate::{Error, causes};

/// The default name of the Users table.
pub const USERS: &str = "Users";
/// The default name of the Limits table.
pub const LIMITS: &str = "Limits";
/// The default name of the Audit table.
pub const AUDIT: &str = "Audit";

/// The default name of the Brands table.
pub const BRANDS: &str = "Brands";

/// The default name of the Sessions table.
pub const SESSIONS: &str = "Sessions";

/// The attributes that `email-index` projects in addition to its keys.
const EMAIL_INDEX_ATTRIBUTES: [&str; 5] = [
    "id",
    "email",
    "display_name",
    "display_username",
    "language",
];

/// The names of the tables.
#[derive(Debug, Clone)]
pub struct TableNames {
    /// The Users table.
    pub users: String,
    /// The Limits table.
    pub limits: String,
    /// The Audit table.
    pub audit: String,
    /// The Brands table.
    pub brands: String,
    /// The Sessions table.
    pub sessions: String,
}

impl Default for TableNames {
    fn default() -> Self {
        Self {
            users: USERS.to_owned(),
            limits: LIMITS.to_owned(),
            audit: AUDIT.to_owned(),
            brands: BRANDS.to_owned(),
            sessions: SESSIONS.to_owned(),
        }
    }
}

impl TableNames {
    /// The value of the environment variable `name`, if it sets the name of a table.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let table = match name {
            "USERS_TABLE" => &self.users,
            "LIMITS_TABLE" => &self.limits,
            "AUDIT_TABLE" => &self.audit,
            "BRANDS_TABLE" => &self.brands,
            "SESSIONS_TABLE" => &self.sessions,
            _ => return None,
        };
        Some(table.clone())
    }
}

/// The key of the Limits table.
const LIMITS_KEY: &str = "subject";

/// Creates missing tables.
pub async fn create_missing(client: &Client, names: &TableNames) -> Result<(), Error> {
    for (name, key) in [
        (&names.limits, LIMITS_KEY),
        (&names.brands, "brand"),
        (&names.sessions, "id"),
    ] {
        if !exists(client, name).await? {
            create_with_key(client, name, key).await?;
        }
    }
    if !exists(client, &names.audit).await? {
        create_audit(client, &names.audit).await?;
    }
    if !exists(client, &names.users).await? {
        create_users(client, &names.users).await?;
    }
    Ok(())
}

async fn exists(client: &Client, name: &str) -> Result<bool, Error> {
    match client.describe_table().table_name(name).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(false),
        Err(SdkError::DispatchFailure(error)) => {
            let cause = error.as_connector_error().map(|error| causes(error));
            let cause = cause.unwrap_or_default();
            Err(format!("DynamoDB did not answer: {cause}").into())
        }
        Err(error) => Err(format!("DynamoDB, table {name}: {}", causes(&error)).into()),
    }
}

/// Creates a table of this name with the key and the indexes of the Users table.
pub async fn create_users(client: &Client, name: &str) -> Result<(), Error> {
    let email_index = GlobalSecondaryIndex::builder()
        .index_name("email-index")
        .key_schema(key("email_key", KeyType::Hash)?)
        .key_schema(key("brand", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(EMAIL_INDEX_ATTRIBUTES.map(String::from).to_vec()))
                .build(),
        )
        .build()?;
    let pending_reset_index = GlobalSecondaryIndex::builder()
        .index_name("pending-reset-index")
        .key_schema(key("reset_queue", KeyType::Hash)?)
        .key_schema(key("reset_due_at", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()?;
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("username", KeyType::Hash)?)
        .attribute_definitions(attribute("username", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("email_key", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("brand", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("reset_queue", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("reset_due_at", ScalarAttributeType::N)?)
        .global_secondary_indexes(email_index)
        .global_secondary_indexes(pending_reset_index);
    create(request).await
}

/// Creates a table of this name with the key of the Limits table.
pub async fn create_limits(client: &Client, name: &str) -> Result<(), Error> {
    create_with_key(client, name, LIMITS_KEY).await
}

/// Creates a table whose key is one string.
async fn create_with_key(client: &Client, name: &str, key_name: &str) -> Result<(), Error> {
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(key_name, KeyType::Hash)?)
        .attribute_definitions(attribute(key_name, ScalarAttributeType::S)?);
    create(request).await
}

async fn create_audit(client: &Client, name: &str) -> Result<(), Error> {
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("username", KeyType::Hash)?)
        .key_schema(key("at", KeyType::Range)?)
        .attribute_definitions(attribute("username", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("at", ScalarAttributeType::S)?);
    create(request).await
}

/// Creates a table unless it exists: another process, or an earlier attempt by the SDK whose answer
/// came too late, may have created it.
async fn create(request: CreateTableFluentBuilder) -> Result<(), Error> {
    match request.send().await {
        Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
        created => {
            created?;
            Ok(())
        }
    }
}

fn key(name: &str, key_type: KeyType) -> Result<KeySchemaElement, Error> {
    Ok(KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(key_type)
        .build()?)
}

fn attribute(
    name: &str,
    attribute_type: ScalarAttributeType,
) -> Result<AttributeDefinition, Error> {
    Ok(AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(attribute_type)
        .build()?)
}
