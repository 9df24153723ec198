//! A call to a service, and its answer.

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{self, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_dynamodb::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde_json::Value;
use url::form_urlencoded;

use super::api::Api;
use super::xml;

/// A call to a service.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    api: Api,
    /// The name of the operation in the API reference and in IAM.
    operation: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    /// The body of a POST; `None` makes it a GET.
    body: Option<String>,
}

impl Call {
    /// Returns a GET request for a path.
    pub(crate) fn get(api: Api, operation: &'static str, path: String) -> Self {
        Self {
            api,
            operation,
            path,
            headers: vec![],
            body: None,
        }
    }

    /// Returns a call in the AWS JSON protocol.
    pub(crate) fn json(api: Api, operation: &'static str, input: &Value) -> Self {
        let headers = vec![
            ("content-type", api.json_type().to_owned()),
            ("x-amz-target", format!("{}.{operation}", api.version())),
        ];
        Self {
            headers,
            body: Some(input.to_string()),
            ..Self::get(api, operation, "/".to_owned())
        }
    }

    /// Returns a call in the AWS Query protocol.
    pub(crate) fn query(api: Api, operation: &'static str, input: &[(String, String)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", operation);
        form.append_pair("Version", api.version());
        form.extend_pairs(input);
        let content_type = "application/x-www-form-urlencoded".to_owned();
        Self {
            headers: vec![("content-type", content_type)],
            body: Some(form.finish()),
            ..Self::get(api, operation, "/".to_owned())
        }
    }

    /// Returns the service.
    pub(crate) fn api(&self) -> Api {
        self.api
    }

    /// Returns the IAM action of the call.
    pub(crate) fn action(&self) -> String {
        format!("{}:{}", self.api.iam_prefix(), self.operation)
    }

    fn request(self) -> Result<HttpRequest, BoxError> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut request = http::Request::builder().method(method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let body = self.body.map_or_else(SdkBody::empty, SdkBody::from);
        Ok(HttpRequest::try_from(request.body(body)?)?)
    }

    /// Sends the call to `url`; `None` is the service's own endpoint. XML answers of the Query
    /// protocol are converted to JSON.
    pub(crate) async fn send(
        self,
        sdk: &SdkConfig,
        url: Option<String>,
    ) -> Result<Value, SdkError<Refusal>> {
        let region = sdk.region().map_or_else(String::new, Region::to_string);
        let url = url.unwrap_or_else(|| self.api.url(&region));
        let region = self.api.signing_region(region);
        let operation = Operation::builder()
            .service_name(self.api.name())
            .operation_name(self.operation)
            .endpoint_url(&url)
            .standard_retry(sdk.retry_config().unwrap_or(&RetryConfig::standard()))
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
            .runtime_plugin(signed(sdk, self.api, region))
            .serializer(Self::request)
            .deserializer(answer);
        let operation = match (sdk.timeout_config(), sdk.http_client()) {
            (Some(timeouts), Some(client)) => operation
                .timeout_config(timeouts.clone())
                .http_client(client),
            _ => operation,
        };
        operation.build().invoke(self).await
    }
}

/// Returns the plugin for Signature Version 4 with the credentials of the other clients.
fn signed(sdk: &SdkConfig, api: Api, region: String) -> StaticRuntimePlugin {
    let signing = SigV4OperationSigningConfig {
        name: Some(SigningName::from_static(api.signing_name())),
        region: Some(SigningRegion::from(Region::new(region))),
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new("signature");
    layer.store_put(signing);
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    let scheme = StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("signature")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(scheme)))
        .with_identity_cache(sdk.identity_cache());
    let components = match sdk.credentials_provider() {
        Some(credentials) => components
            .with_identity_resolver(sigv4::SCHEME_ID, SharedIdentityResolver::new(credentials)),
        None => components,
    };
    StaticRuntimePlugin::new()
        .with_config(layer.freeze())
        .with_runtime_components(components)
}

/// An error returned by a service.
#[derive(Debug, thiserror::Error)]
#[error("the service refused the call")]
pub(crate) struct Refusal(ErrorMetadata);

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<Refusal>> {
    let body = response.body().bytes().unwrap_or_default();
    let read = || {
        let text = std::str::from_utf8(body).ok()?;
        serde_json::from_str(text).ok().or_else(|| xml::read(text))
    };
    if !response.status().is_success() {
        let header = response.headers().get("x-amzn-errortype");
        let refusal = refusal(header, &read().unwrap_or_default());
        return Err(OrchestratorError::operation(refusal));
    }
    read().ok_or_else(|| OrchestratorError::response("the answer is neither JSON nor XML".into()))
}

/// Reads the code and the message of an error from the places that the protocols use (Smithy
/// specification, "Operation error serialization" of AWS restJson1, awsJson1.1 and awsQuery).
fn refusal(header: Option<&str>, body: &Value) -> Refusal {
    let body = body.get("Error").unwrap_or(body);
    let text = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
    let code = header.or_else(|| text(&["Code", "__type", "code"]));
    // `namespace#Code:http://…`
    let code = code.and_then(|code| code.split(':').next()?.rsplit('#').next());
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    if let Some(message) = text(&["Message", "message"]) {
        metadata = metadata.message(message);
    }
    Refusal(metadata.build())
}
