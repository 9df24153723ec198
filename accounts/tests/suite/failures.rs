//! Tests of errors from AWS: one line with the table, the region and the endpoint.

use std::process::ExitCode;

use serde_json::json;
use testkit::relay::{Action, Relays};

use crate::Operator;

/// Starts an operator whose calls of this operation fail with this code and message.
async fn refused(
    operation: &'static str,
    code: &'static str,
    message: &'static str,
) -> (Operator, Relays) {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator
        .dynamodb_url
        .clone_from(&relays.backend.dynamodb_url);
    relays.script(move |call| {
        if call.operation == operation {
            let body = json!({ "__type": code, "message": message });
            Action::answer(400, code, &body.to_string())
        } else {
            Action::forward()
        }
    });
    (operator, relays)
}

#[tokio::test]
async fn missing_permissions_are_named() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/Operators/jo is not authorized to \
                   perform: dynamodb:Query on resource: \
                   arn:aws:dynamodb:us-east-1:123456789012:table/Users/index/email-index \
                   because no identity-based policy allows the dynamodb:Query action";
    let (operator, _relays) = refused("Query", "AccessDeniedException", message).await;
    let answer = operator.run(&["find", "a@example.com"]).await;
    let url = &operator.dynamodb_url;
    assert_eq!(
        answer.error(),
        format!(
            "permission denied: dynamodb:Query on index email-index of table Users at \
             {url} (region us-east-1)"
        )
    );
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
}

#[tokio::test]
async fn rejected_credentials_are_reported() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        let message = "The security token included in the request is expired";
        let (operator, _relays) = refused("GetItem", code, message).await;
        let users = &operator.sandbox.backend.tables.users;
        let answer = operator.run(&["show", "jdoe"]).await;
        let url = &operator.dynamodb_url;
        assert_eq!(
            answer.error(),
            format!(
                "AWS rejected the credentials at {url} (region us-east-1) for table {users}: \
                 {code}: {message}"
            )
        );
    }
}

#[tokio::test]
async fn missing_tables_are_named() {
    let operator = Operator::start().await;
    let url = &operator.dynamodb_url;
    let place = format!("at {url} (region eu-west-1); check the names and the region");
    let nowhere = [("USERS_TABLE", "Nowhere"), ("AWS_REGION", "eu-west-1")];
    for (command, table) in [
        (&["show", "jdoe"][..], "table Nowhere not found".to_owned()),
        (&["pending"], "table Nowhere not found".to_owned()),
        (&["check-keys"], "table Nowhere not found".to_owned()),
        (&["disable", "jdoe"], "table Nowhere not found".to_owned()),
    ] {
        let answer = operator.run_with(command, "", &nowhere).await;
        assert_eq!(answer.error(), format!("{table} {place}"));
        assert_eq!(answer.exit_code, ExitCode::from(3));
    }
}

#[tokio::test]
async fn the_missing_one_of_several_tables_is_named() {
    let operator = Operator::start().await;
    let url = &operator.dynamodb_url;
    let line = ["--audit-table", "Nope", "disable", "jdoe"];
    let answer = operator.run(&line).await;
    let place = format!("at {url} (region us-east-1); check the names and the region");
    assert_eq!(answer.error(), format!("table Nope not found {place}"));
    assert_eq!(answer.exit_code, ExitCode::from(3));
}

/// Trying again does not help, so the exit code is not 75.
#[tokio::test]
async fn a_wrong_endpoint_is_a_usage_error() {
    let mut operator = Operator::start().await;
    let users = operator.sandbox.backend.tables.users.clone();
    let url = operator.dynamodb_url.replace("http://", "https://");
    operator.dynamodb_url = url.clone();
    let answer = operator.run(&["show", "jdoe"]).await;
    assert_eq!(
        answer.error(),
        format!(
            "DynamoDB cannot be reached at {url} (region us-east-1) for table {users}: the server \
             does not use TLS; use http:// instead of https://"
        )
    );
    assert_eq!(answer.exit_code, ExitCode::from(2));
    operator.dynamodb_url = "nonsense".to_owned();
    let answer = operator.run(&["show", "jdoe"]).await;
    assert!(answer.error().starts_with("--endpoint: "), "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::from(2));
}

#[tokio::test]
async fn an_error_without_a_message_ends_in_its_code() {
    let (operator, _relays) = refused("GetItem", "InternalServerError", "").await;
    let answer = operator.run(&["show", "jdoe"]).await;
    assert!(
        answer.error().ends_with(": InternalServerError"),
        "{answer:?}"
    );
    assert_eq!(answer.exit_code, ExitCode::from(75));
}

#[tokio::test]
async fn a_failed_connection_names_the_endpoint() {
    let mut operator = Operator::start().await;
    operator.dynamodb_url = "http://127.0.0.1:1".to_owned();
    let users = &operator.sandbox.backend.tables.users;
    let answer = operator.run(&["show", "jdoe"]).await;
    assert_eq!(
        answer.error(),
        format!(
            "DynamoDB did not answer at http://127.0.0.1:1 (region us-east-1) for table {users}: \
             Connection refused; check that it is running there"
        )
    );
    assert_eq!(answer.exit_code, ExitCode::from(75));
}

#[tokio::test]
async fn other_errors_of_aws_have_their_code_and_message() {
    let (operator, _relays) =
        refused("GetItem", "ValidationException", "The key is too long").await;
    let users = &operator.sandbox.backend.tables.users;
    let answer = operator.run(&["show", "jdoe"]).await;
    let url = &operator.dynamodb_url;
    assert_eq!(
        answer.error(),
        format!(
            "DynamoDB refused the request at {url} (region us-east-1) for table {users}: ValidationException: \
             The key is too long"
        )
    );
}

#[tokio::test]
async fn a_conflicting_change_is_reported() {
    let mut operator = Operator::start().await;
    let relays = Relays::start(&operator.sandbox.backend).unwrap();
    operator.dynamodb_url = relays.backend.dynamodb_url.clone();
    relays.script(|call| match call.operation.as_str() {
        "GetItem" => {
            let item = json!({
                "username": { "S": "jdoe" }, "id": { "N": "42" },
                "display_username": { "S": "jdoe" }, "roles": { "SS": ["Support"] },
            });
            Action::answer(200, "", &json!({ "Item": item }).to_string())
        }
        _ => Action::forward(),
    });
    let answer = operator.run(&["grant", "Admin", "jdoe"]).await;
    assert_eq!(
        answer.error(),
        "changed by someone else in the meantime; try again"
    );
    assert_eq!(answer.exit_code, ExitCode::from(75));
}
