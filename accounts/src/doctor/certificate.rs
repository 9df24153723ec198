//! TLS connections to a host, and the expiry of its certificate.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use shared::clock::{Clock, Timestamp};
use shared::config::Env;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How far into the future to search for the expiry of a certificate, in seconds. Certificates of
/// public authorities are valid for a shorter time (CA/Browser Forum, Baseline Requirements section
/// 6.3.2).
const MAX_VALIDITY: u64 = 400 * 86_400;

/// A TLS client with its trusted authorities and clock.
pub(super) struct Tls {
    verifier: Arc<WebPkiServerVerifier>,
    clock: Clock,
}

/// A connection and the expiry of its certificate; `None` if it is valid for more than 400 days.
pub(super) type Connected = (TlsStream<TcpStream>, Option<Timestamp>);

impl Tls {
    /// Trusts the authorities of this machine, or those in `SSL_CERT_FILE` and `SSL_CERT_DIR`. The
    /// error is a message for people.
    pub(super) fn new(env: Env<'_>, clock: Clock) -> Result<Self, String> {
        let path = |name| env.optional(name).map(PathBuf::from);
        let (file, directory) = (path("SSL_CERT_FILE"), path("SSL_CERT_DIR"));
        let found = if file.is_some() || directory.is_some() {
            rustls_native_certs::load_certs_from_paths(file.as_deref(), directory.as_deref())
        } else {
            rustls_native_certs::load_native_certs()
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build();
        let verifier = verifier.map_err(|_| {
            "no trusted certificates found on this machine; install them, or set SSL_CERT_FILE"
                .to_owned()
        })?;
        Ok(Self { verifier, clock })
    }

    /// Opens a connection. The error is a message for people.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<Connected, String> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| format!("{host} is not a valid host name"))?;
        let connected = TcpStream::connect((host, port)).await;
        let stream = connected.map_err(|_| format!("cannot connect to {host} on port {port}"))?;
        let connector = TlsConnector::from(Arc::new(self.config()?));
        let connected = connector.connect(name.clone(), stream).await;
        let connected = connected.map_err(|error| in_words(&error))?;
        let (_, session) = connected.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let until = self.until(&name, chain);
        Ok((connected, until))
    }

    fn config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let time = Arc::new(Time(self.clock.clone()));
        let config = ClientConfig::builder_with_details(provider, time);
        let config = config.with_safe_default_protocol_versions();
        let config = config.map_err(|_| "cannot set up TLS".to_owned())?;
        let verified = config.with_webpki_verifier(Arc::clone(&self.verifier));
        Ok(verified.with_no_client_auth())
    }

    /// Returns the expiry of a certificate, by verifying it at a time far in the future.
    fn until(&self, name: &ServerName<'_>, chain: &[CertificateDer<'_>]) -> Option<Timestamp> {
        let (certificate, others) = chain.split_first()?;
        let later = Duration::from_secs(self.clock.now().plus_seconds(MAX_VALIDITY).0);
        let later = UnixTime::since_unix_epoch(later);
        let verified = self
            .verifier
            .verify_server_cert(certificate, others, name, &[], later);
        match verified {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after,
                ..
            })) => Some(Timestamp(not_after.as_secs())),
            _ => None,
        }
    }
}

/// The clock of the run, as a time provider for rustls.
struct Time(Clock);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_secs(self.0.now().0);
        Some(UnixTime::since_unix_epoch(now))
    }
}

/// Describes a failed handshake.
fn in_words(error: &std::io::Error) -> String {
    let error = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(error)) = error else {
        return "the TLS handshake failed".to_owned();
    };
    match error {
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            let at = Timestamp(not_after.as_secs()).for_people();
            format!("the certificate expired at {at}")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the certificate is not from a trusted authority".to_owned()
        }
        _ => "the certificate is not valid".to_owned(),
    }
}
