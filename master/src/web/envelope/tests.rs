//! What every answer carries, whatever became of the request.

use actix_web::error::JsonPayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body, try_call_service};
use actix_web::{HttpResponse, web};

use super::{application, bad_body, seal};
use crate::app::tests::app;
use crate::db::tests::engines;

/// Every answer has these, or a stricter one of its own.
const HEADERS: [&str; 6] = [
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cache-control",
    "x-request-id",
];

async fn broken() -> HttpResponse {
    panic!("a broken invariant");
}

#[actix_web::test]
async fn a_panic_costs_one_request_and_tells_nothing_of_itself() {
    let page = web::resource("/").to(broken);
    let service = init_service(actix_web::App::new().service(page).wrap(from_fn(seal))).await;
    let request = TestRequest::with_uri("/").to_request();
    let error = match try_call_service(&service, request).await {
        Ok(answer) => panic!("{}", answer.status()),
        Err(error) => error,
    };
    let answer = error.error_response();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    for name in HEADERS {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("invariant"));
}

#[actix_web::test]
async fn every_answer_carries_the_security_headers_and_no_empty_coding() {
    for test in engines() {
        let service = init_service(application(&app(test.db.clone()))).await;
        let addresses = [
            "/",
            "/login",
            "/robots.txt",
            "/nothing",
            "/builds/1",
            "/builds?before=x",
            "/assets/x",
            "/files/x/y",
            "/healthz",
            "/api/v1/me",
            "/api/v1/nothing",
            "/update/v1/a/b/c",
        ];
        for address in addresses {
            let answer = call_service(&service, TestRequest::with_uri(address).to_request()).await;
            for name in HEADERS {
                assert!(answer.headers().contains_key(name), "{address} {name}");
            }
            let coding = answer.headers().get(header::CONTENT_ENCODING);
            assert!(
                coding.is_none_or(|coding| coding != "identity"),
                "{address}"
            );
        }
    }
}

#[actix_web::test]
async fn a_stream_takes_any_number_to_go_on_from() {
    for test in engines() {
        let service = init_service(application(&app(test.db.clone()))).await;
        for since in [i64::MIN, -1, 0, i64::MAX] {
            let address = format!("/events?since={since}");
            let request = TestRequest::with_uri(&address);
            let request = request.insert_header(("last-event-id", "x"));
            let answer = call_service(&service, request.to_request()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{since}");
        }
        let request = TestRequest::with_uri("/events?since=x").to_request();
        let answer = call_service(&service, request).await;
        assert!(answer.status().is_client_error());
        assert!(!read_body(answer).await.is_empty());
    }
}

#[test]
fn a_body_that_is_no_json_is_told_what_would_be_right() {
    let error = bad_body(JsonPayloadError::ContentType);
    assert!(error.to_string().contains("Content-Type: application/json"));
    let answer = error.as_response_error().status_code();
    assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
    let large = JsonPayloadError::Overflow { limit: 1 };
    let answer = bad_body(large).as_response_error().status_code();
    assert_eq!(answer, StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn a_missing_parameter_is_named_without_words_of_a_library() {
    for test in engines() {
        let service = init_service(application(&app(test.db.clone()))).await;
        let request = TestRequest::with_uri("/events?since=x").to_request();
        let answer = call_service(&service, request).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = read_body(answer).await;
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains("deserialize"), "{text}");
    }
}
