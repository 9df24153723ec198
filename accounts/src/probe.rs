//! Finds the missing table after a failed transaction, whose error does not name it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::scan::ScanError;

use crate::access::Session;

/// Returns the first table that does not exist. Skips tables that the caller is not allowed to
/// read.
pub(crate) async fn missing_table(session: &Session<'_>, tables: &[String]) -> Option<String> {
    let client = &session.clients().ok()?.dynamodb;
    for table in tables {
        let one = client.scan().table_name(table).limit(1).send().await;
        let error = one.as_ref().err().and_then(SdkError::as_service_error);
        if error.is_some_and(ScanError::is_resource_not_found_exception) {
            return Some(table.clone());
        }
    }
    None
}
