//! HTTP/1.1 to AWS, over rustls with ring.
//!
//! The SDK's own client also supports HTTP/2 and proxies, which calls to DynamoDB and SES do not
//! need and which make up a tenth of each binary. This client wraps the same hyper client; the SDK
//! still handles timeouts and retries.

use std::error::Error;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{
    CaptureConnection, HttpConnector as TcpConnector, capture_connection,
};
use rustls::ClientConfig;
use rustls::crypto::ring;

use super::config::Timeouts;
use super::pool::{Client, Pool};

/// Makes a client that trusts the root certificates of this machine. Fails if it has none.
pub(super) fn client(timeouts: Timeouts) -> std::io::Result<SharedHttpClient> {
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeouts.connect));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let connector = SharedHttpConnector::new(Connector(Arc::new(Pool::new(https, timeouts.idle))));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// The TLS configuration of this process. Reading the root certificates takes longer than all other
/// steps of making a client.
static TLS: OnceLock<ClientConfig> = OnceLock::new();

fn tls() -> std::io::Result<ClientConfig> {
    if let Some(tls) = TLS.get() {
        return Ok(tls.clone());
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_native_roots()?
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| tls).clone())
}

#[derive(Debug)]
struct Connector(Arc<Pool>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let pool = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let again = duplicate(&request);
            let mut response = send(&pool.client(), request).await;
            // A connection that the other side has closed ends like this when it is next used, and
            // the other connections are probably closed too. The SDK would wait before it tries
            // again.
            if let (Err(error), Some(again)) = (&response, again)
                && is_broken_off(error)
            {
                response = send(&pool.renewed(), again).await;
            }
            let response = response.map_err(failed)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Copies a request. Returns `None` if its body can be read only once.
fn duplicate(request: &http::Request<SdkBody>) -> Option<http::Request<SdkBody>> {
    let mut copy = http::Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

async fn send(
    client: &Client,
    mut request: http::Request<SdkBody>,
) -> Result<http::Response<Incoming>, legacy::Error> {
    let connection = capture_connection(&mut request);
    if let Some(captured) = request.extensions().get::<CaptureSmithyConnection>() {
        captured.set_connection_retriever(move || poisonable(&connection));
    }
    client.request(request).await
}

/// Whether the connection ended between the request and its response.
fn is_broken_off(error: &legacy::Error) -> bool {
    let broken = |error: &hyper::Error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled()
    };
    !error.is_connect()
        && (source::<hyper::Error>(error).is_some_and(broken)
            || source::<std::io::Error>(error).is_some())
}

/// Makes the metadata that lets the SDK retire a failed connection.
fn poisonable(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let metadata = ConnectionMetadata::builder()
        .proxied(false)
        .poison_fn(move || {
            if let Some(connection) = connection.connection_metadata().as_ref() {
                connection.poison();
            }
        });
    Some(metadata.build())
}

/// Classifies an error as the SDK's own client does: the SDK retries what failed in transit.
fn failed(error: legacy::Error) -> ConnectorError {
    let is_io = error.is_connect() || source::<std::io::Error>(&error).is_some();
    let kind = match source::<hyper::Error>(&error) {
        Some(error) if error.is_timeout() => ConnectorError::timeout,
        Some(error) if error.is_user() => ConnectorError::user,
        Some(error) if error.is_closed() || error.is_canceled() => ConnectorError::io,
        _ if is_io => ConnectorError::io,
        Some(error) if error.is_incomplete_message() => {
            |error| ConnectorError::other(error, Some(ErrorKind::TransientError))
        }
        _ => |error| ConnectorError::other(error, None),
    };
    kind(error.into())
}

/// The first error of this type in the chain of sources.
fn source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}
