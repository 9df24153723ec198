//! The pages of `local` that show every email.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use local::previews;
use shared::config::{self, Env};
use testkit::Sandbox;
use tower_service::Service as _;

async fn get(router: &mut axum::Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.call(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_mail_is_shown_in_each_language_and_brand() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let row = [("brand", "a/b c"), ("product_name", "Acme <Flood>")];
    sandbox.put_brand(&row).await.unwrap();
    let brand = config::brand(Env::new(&local::default_variable)).unwrap();
    let mut router = previews::pages(&sandbox.backend, brand);
    let (_, list) = get(&mut router, "/mails").await;
    let mails: Vec<_> = list.split("href=\"/mails/").skip(1).collect();
    // Five emails, eight languages; the default brand, the demo's and this one.
    assert_eq!(mails.len(), 5 * 8 * 3);
    let mut texts = BTreeSet::new();
    for mail in mails {
        let path = format!("/mails/{}", mail.split('"').next().unwrap());
        let (status, page) = get(&mut router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(page.contains("<h1>"), "{page}");
        let (status, html) = get(&mut router, &format!("{path}/html")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(html.contains("Jane Doe"), "{html}");
        texts.insert(html);
    }
    assert_eq!(texts.len(), 5 * 8 * 3, "no two emails are the same");
    for path in ["/mails/-/en/other", "/mails/nobody/en/new-password"] {
        assert_eq!(get(&mut router, path).await.0, StatusCode::NOT_FOUND);
    }
}
