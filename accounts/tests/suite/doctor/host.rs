//! A fake TLS host with a certificate of chosen validity.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The first day of a certificate, and the day after its last one.
pub(super) type Days = ((i32, u8, u8), (i32, u8, u8));

/// A running host.
pub(super) struct Host {
    /// The URL `https://localhost:PORT`.
    pub(super) url: String,
    /// The file with the certificate of the authority.
    pub(super) authority: NamedTempFile,
}

/// The certificate and the status of a host.
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) days: Days,
    pub(super) status: u16,
}

impl Host {
    /// Starts a host.
    pub(super) async fn start(shown: Shown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (authority, config) = certificate(&shown, &format!("authority {port}"));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 4_096];
                let length = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(request.get(..length).unwrap()).into_owned();
                assert!(
                    request.contains(&format!("host: localhost:{port}")),
                    "{request}"
                );
                let status = if is_known(&request) {
                    shown.status
                } else {
                    404
                };
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            url: format!("https://localhost:{port}"),
            authority,
        }
    }
}

fn is_known(request: &str) -> bool {
    [
        "GET /webservices/IFCommonService.asmx?WSDL ",
        "GET /metadata ",
    ]
    .iter()
    .any(|start| request.starts_with(start))
}

/// Creates an authority with this name and a certificate from it. Returns the file with the
/// authority.
fn certificate(shown: &Shown, issuer: &str) -> (NamedTempFile, ServerConfig) {
    let (from, until) = shown.days;
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority
        .distinguished_name
        .push(DnType::CommonName, issuer);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec![shown.name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (file, config)
}
