//! Answers of the feed, over the whole application.

use actix_web::dev::ServiceResponse;
use actix_web::http::{StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::{Value, json};

use crate::app::App;
use crate::app::tests::app;
use crate::auth::Identity;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::sqlite;
use crate::ops;
use crate::web::envelope::application;

mod clients;
mod junk;
mod kept;
mod links;

/// What everybody may keep for a minute.
const CACHING: &str = "public, max-age=60";

/// The application with three products, and the address of their feed.
async fn feed() -> (App, crate::db::tests::TestDb, String) {
    let test = sqlite();
    let mut latest = sample(2, 2, "1.1");
    latest.feed_version = Some("1.1.0".to_owned());
    let products = vec![sample(1, 1, "1.0"), latest, sample(1, 3, "1.0")];
    let id = recorded(&test.db, products).await[0];
    let app = app(test.db.clone());
    let reader = Identity::Anonymous { may_read: true };
    let shown = ops::products::show(&app, &reader, id).await.unwrap();
    (app, test, shown.feed_path)
}

async fn get(app: &App, address: &str, known: Option<&str>) -> ServiceResponse {
    let service = init_service(application(app)).await;
    let mut request = TestRequest::get().uri(address);
    if let Some(known) = known {
        request = request.insert_header((header::IF_NONE_MATCH, known));
    }
    let answer = call_service(&service, request.to_request()).await;
    answer.map_into_boxed_body()
}

#[actix_web::test]
async fn an_application_gets_the_latest_with_all_it_needs() {
    let (app, _test, address) = feed().await;
    let answer = get(&app, &format!("{address}?version=1.0&build=3"), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let caching = answer.headers().get(header::CACHE_CONTROL).unwrap();
    assert_eq!(caching, CACHING);
    let tag = answer.headers().get(header::ETAG).unwrap().clone();
    let body: Value = serde_json::from_slice(&read_body(answer).await).unwrap();
    let sha256 = format!("{:a>64}", "22");
    assert_eq!(
        body,
        json!({
            "version": "1.1",
            "feed_version": "1.1.0",
            "url": format!("http://127.0.0.1:8010/files/{sha256}/editor-1.1.tar.gz"),
            "name": "editor-1.1.tar.gz",
            "sha256": sha256,
            "size": 3,
            "published_at": "1970-01-01T00:00:02Z",
            "build": 2,
            "revision": "0123abc",
            "runtime": { "name": "python", "range": ">=3.9,<3.13" },
            "notes": "# New\n",
        })
    );
    let again = get(&app, &address, tag.to_str().ok()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[actix_web::test]
async fn who_has_the_latest_gets_204() {
    let (app, _test, address) = feed().await;
    for query in [
        "version=1.1",
        "version=1.1.0",
        "version=1.1&build=2",
        "version=9",
    ] {
        let answer = get(&app, &format!("{address}?{query}"), None).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{query}");
        assert!(read_body(answer).await.is_empty());
    }
}

#[actix_web::test]
async fn odd_input_gets_an_update_or_nothing_and_never_an_error() {
    let (app, _test, address) = feed().await;
    for query in [
        "",
        "version=",
        "version",
        "version=%00",
        "version=%ff%fe",
        "version=1.0&version=nightly",
        "build=99999999999999999999999999",
        "build=-1&os_version=&id=%F0%9F%8E%89",
        "=&&&%&%%=%zz",
        "version='%20OR%201=1--",
        &format!("version={}", "9".repeat(5_000)),
    ] {
        let answer = get(&app, &format!("{address}?{query}"), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{query}");
    }
    let other = address.replace("x86_64-linux", "riscv-%00-plan9");
    assert_eq!(
        get(&app, &other, None).await.status(),
        StatusCode::NOT_FOUND
    );
    let other = address.replace("x86_64-linux", "riscv-plan9");
    let answer = get(&app, &other, None).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

#[actix_web::test]
async fn an_unknown_feed_is_a_problem_in_json() {
    let (app, _test, address) = feed().await;
    let (front, _) = address.rsplit_once("/main-").unwrap();
    for address in [
        format!("{front}/main/x86_64-linux"),
        address.replace("/editor/", "/nothing/"),
    ] {
        let answer = get(&app, &address, None).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{address}");
        let kind = answer.headers().get(header::CONTENT_TYPE).unwrap();
        assert_eq!(kind, "application/problem+json");
    }
}
