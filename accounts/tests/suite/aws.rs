//! Fake STS and CloudFormation servers, which `local` does not include.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The `Authorization` header.
    pub(crate) signature: String,
    /// The body, a form.
    pub(crate) body: String,
}

/// A server of the AWS Query protocol.
pub(crate) struct Query {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Query {
    /// Starts a server whose answer depends on the form.
    pub(crate) async fn start(
        answer: impl Fn(&str) -> (StatusCode, String) + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let calls = Arc::clone(&seen);
        let handle = async move |headers: HeaderMap, body: String| {
            let (status, text) = answer(&body);
            let signature = headers
                .get("authorization")
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            calls.lock().unwrap().push(Seen { signature, body });
            (status, [("content-type", "text/xml")], text)
        };
        let router = Router::new().route("/", post(handle));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// Returns the received requests.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Starts an STS that returns this ARN and lets any role be assumed.
pub(crate) async fn sts(arn: &str) -> Query {
    let identity = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AROA:jo</UserId>\
         <Account>123456789012</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
    let role = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleResult><AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:jo</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"
    );
    Query::start(move |body| {
        if body.contains("Action=AssumeRole") {
            return (StatusCode::OK, role.clone());
        }
        assert!(body.contains("Action=GetCallerIdentity"), "{body}");
        (StatusCode::OK, identity.clone())
    })
    .await
}

/// Returns the XML of an error.
pub(crate) fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}

/// Starts a CloudFormation with one stack.
pub(crate) async fn cloudformation(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> Query {
    let list = |pairs: &[(&str, &str)], kind: &str| -> String {
        let members = pairs.iter().map(|(key, value)| {
            let value = value.replace('<', "&lt;");
            format!(
                "<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>"
            )
        });
        format!("<{kind}s>{}</{kind}s>", members.collect::<String>())
    };
    let answer = format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStacksResult><Stacks><member><StackName>passwords</StackName>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime>\
         <StackStatus>UPDATE_COMPLETE</StackStatus>{}{}</member></Stacks></DescribeStacksResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>",
        list(outputs, "Output"),
        list(parameters, "Parameter"),
    );
    Query::start(move |_| (StatusCode::OK, answer.clone())).await
}
