//! The log line of a request has the source by which an operator finds the caller. This needs its
//! own test binary, because a subscriber of one thread can miss events while others log.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod log;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Response;
use password::Secret;
use serde_json::{Value, json};
use shared::front_door::FrontDoor;
use shared::lambda::{self, Answer, Event, Handler, Request};

/// Answers every request with an empty response.
#[derive(Debug)]
struct Empty(FrontDoor);

impl Handler for Empty {
    fn front_door(&self) -> &FrontDoor {
        &self.0
    }

    fn handle(&self, _: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async { Response::new(String::new()).into() })
    }

    fn fault(&self, _: &Request) -> Response<String> {
        Response::new(String::new())
    }

    fn on_event<'a>(
        &'a self,
        _: &'a Event,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Value, lambda_http::Error>> {
        Box::pin(async { Ok(Value::Null) })
    }
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The source in the log line of a request from 192.0.2.1 with this secret, for a viewer
/// with the address 198.51.100.10.
async fn logged_source(front_door: FrontDoor, secret: &str) -> Value {
    let event = json!({
        "version": "2.0",
        "rawPath": "/x",
        "headers": {
            "cloudfront-viewer-address": "198.51.100.10:46532",
            "x-front-door-secret": secret,
        },
        "requestContext": { "http": { "method": "GET", "path": "/x", "sourceIp": "192.0.2.1" } },
        "isBase64Encoded": false
    });
    let handler: Arc<dyn Handler> = Arc::new(Empty(front_door));
    lambda::invoke(&handler, &event.to_string(), "r-1".to_owned())
        .await
        .unwrap();
    let line: Value = serde_json::from_str(&log::take()).unwrap();
    assert_eq!(line["message"], "request");
    line["source"].clone()
}

#[tokio::test]
async fn the_log_line_of_a_request_has_its_source() {
    log::start();
    let cloudfront = || FrontDoor::CloudFront(vec![Secret::from(SECRET)]);
    // Without a front door, any caller may have written the header.
    assert_eq!(logged_source(FrontDoor::None, SECRET).await, "192.0.2.1");
    assert_eq!(logged_source(cloudfront(), SECRET).await, "198.51.100.10");
    assert_eq!(logged_source(cloudfront(), "wrong").await, "192.0.2.1");
}
