//! Requests through the front door, and requests that bypass it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use http::Request;
use local::{front_door, gateway};
use testkit::Sandbox;
use testkit::relay::Relays;
use testkit::requests::{reset, set_password};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NEXT: &str = "fedcba9876543210fedcba9876543210";
const CONFIGURED: [(&str, &str); 3] = [
    ("FRONT_DOOR", "CLOUDFRONT"),
    ("FRONT_DOOR_SECRET", SECRET),
    ("FRONT_DOOR_OTHER_SECRET", NEXT),
];
/// The address of viewers, which differs from the server's, so that they cannot be confused.
const VIEWER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Headers of a viewer that pretends to have a different address.
const PRETENDED: &str = "CloudFront-Viewer-Address: 198.51.100.7:1\r\n\
    CloudFront-Forwarded-Proto: https\r\nX-Front-Door-Secret: pretended-pretended-pretended-pretended\r\n\
    X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\n";

/// The two ports of `local --front-door`.
struct Site {
    sandbox: Sandbox,
    front: SocketAddr,
    gateway: SocketAddr,
    serving: JoinSet<std::io::Result<()>>,
}

impl Site {
    async fn start(secret: &str) -> Self {
        let sandbox = Sandbox::start(&CONFIGURED).await.unwrap();
        let router = gateway::router(sandbox.functions.clone());
        let [front, gateway] = [listener().await, listener().await];
        let addresses = [&front, &gateway].map(|listener| listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        let before = front_door::in_front_of(router.clone(), secret).unwrap();
        let forever = std::future::pending::<()>;
        serving.spawn(gateway::serve_router(front, before, forever()));
        serving.spawn(gateway::serve_router(gateway, router, forever()));
        let [front, gateway] = addresses;
        Self {
            sandbox,
            front,
            gateway,
            serving,
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// The answer to a viewer's request with this head.
async fn answer(address: SocketAddr, head: &str) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((VIEWER, 0).into()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!("{head}Host: www.example.com\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{headers}")
}

const RESET: &str = "/webservices/IFCommonService.asmx/ResetUserPassword?username=jdoe";

#[tokio::test]
async fn the_source_is_the_viewer_whatever_the_viewer_sends() {
    for (secret, headers) in [(SECRET, ""), (NEXT, PRETENDED)] {
        let mut site = Site::start(secret).await;
        let answered = answer(site.front, &get(RESET, headers)).await;
        assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
        let rows = site.sandbox.audit("jdoe").await.unwrap();
        let sources: Vec<_> = rows.iter().map(|row| row.get("source").unwrap()).collect();
        let viewer = aws_sdk_dynamodb::types::AttributeValue::S(VIEWER.to_string());
        assert_eq!(sources, [&viewer]);
        site.serving.shutdown().await;
    }
}

#[tokio::test]
async fn the_service_description_names_the_viewers_host_and_scheme() {
    let mut site = Site::start(SECRET).await;
    for path in ["/webservices/IFCommonService.asmx?WSDL", "/soap11"] {
        let answered = answer(site.front, &get(path, PRETENDED)).await;
        assert!(answered.contains("\"http://www.example.com/"), "{answered}");
        assert!(!answered.contains("https://www.example.com"), "{answered}");
    }
    site.serving.shutdown().await;
}

#[tokio::test]
async fn direct_calls_to_the_gateway_behind_the_front_door_are_refused() {
    let mut site = Site::start(SECRET).await;
    for headers in ["", PRETENDED] {
        for path in [RESET, "/webservices/IFCommonService.asmx?WSDL", "/metadata"] {
            let answered = answer(site.gateway, &get(path, headers)).await;
            assert!(answered.starts_with("HTTP/1.1 403 "), "{answered}");
            let (head, body) = answered.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("Content-Type: application/json"), "{head}");
            assert_eq!(body, r#"{"message":"Forbidden"}"#);
        }
    }
    assert!(site.sandbox.audit("jdoe").await.unwrap().is_empty());
    site.serving.shutdown().await;
}

/// Adds the headers of CloudFront.
fn with_secret(mut request: Request<Bytes>, secret: &str) -> Request<Bytes> {
    let headers = request.headers_mut();
    headers.insert("x-front-door-secret", secret.parse().unwrap());
    headers.insert(
        "cloudfront-viewer-address",
        "198.51.100.7:1".parse().unwrap(),
    );
    request
}

fn calls() -> [Request<Bytes>; 2] {
    let body = serde_json::json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    [reset("jdoe"), set_password("admin:p@55wOrd", &body)]
}

#[tokio::test]
async fn a_call_that_bypasses_the_front_door_costs_nothing() {
    let backend = testkit::backend().await;
    let relays = Relays::start(&backend).unwrap();
    let sandbox = Sandbox::on(relays.backend.clone(), &CONFIGURED).unwrap();
    relays.take_calls();
    for call in calls() {
        for secret in [&SECRET[1..], "0123456789abcdef0123456789abcdee"] {
            let response = sandbox.send(&with_secret(call.clone(), secret)).await;
            assert_eq!(response.status(), 403);
        }
        assert_eq!(sandbox.send(&call).await.status(), 403);
    }
    assert_eq!(relays.take_calls().len(), 0);
    assert!(!sandbox.logged().contains("argon2"));
    for call in calls() {
        assert_eq!(sandbox.send(&with_secret(call, NEXT)).await.status(), 200);
    }
    assert_ne!(relays.take_calls().len(), 0);
}

#[tokio::test]
async fn the_limits_apply_to_the_viewers_address() {
    let limited = [("SOURCE_PER_MINUTE", "1")];
    for (variables, expected) in [(&CONFIGURED[..], 2), (&[], 1)] {
        let variables = [variables, &limited].concat();
        let sandbox = Sandbox::start(&variables).await.unwrap();
        for (name, viewer) in [("jdoe", "198.51.100.7:1"), ("bob", "198.51.100.8:1")] {
            let mut request = with_secret(reset(name), SECRET);
            let viewer = viewer.parse().unwrap();
            request
                .headers_mut()
                .insert("cloudfront-viewer-address", viewer);
            sandbox.send(&request).await;
        }
        // Without a front door, the headers are ignored, and the gateway saw one source.
        assert_eq!(sandbox.backend.outbox.mails().len(), expected);
    }
}
