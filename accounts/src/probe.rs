//! Which of several tables does not exist: DynamoDB does not say it of a transaction.

use crate::access::Session;

/// The first of these tables that does not exist, as far as one may ask.
pub(crate) async fn missing_table(session: &Session<'_>, tables: &[String]) -> Option<String> {
    let client = &session.clients().ok()?.dynamodb;
    for table in tables {
        let one = client.scan().table_name(table).limit(1).send().await;
        let error = one
            .as_ref()
            .err()
            .and_then(|error| error.as_service_error());
        if error.is_some_and(|error| error.is_resource_not_found_exception()) {
            return Some(table.clone());
        }
    }
    None
}
