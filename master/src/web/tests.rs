//! Every route over a filled installation: who may, what comes, and that texts from outside stay
//! texts.

mod access;
mod desks;
mod engines;
mod fixture;
mod forms;
mod pages;
mod releases;
mod stores;

use actix_web::http::header;
use actix_web::test::TestRequest;

use fixture::{Fixture, PASSWORD};

use super::envelope::application;

/// The application of a fixture, ready for requests.
macro_rules! served {
    ($fixture:expr) => {
        actix_web::test::init_service($crate::web::envelope::application(&$fixture.app)).await
    };
}
use served;

/// The session cookie of `user`.
async fn cookie_of(fixture: &Fixture, user: &str) -> String {
    let login = crate::ops::sessions::login(&fixture.app, user, PASSWORD, "127.0.0.1").await;
    format!(
        "{}={}",
        super::access::session_cookie(&fixture.app),
        login.unwrap().secret
    )
}

/// A request as our own pages send it, with the cookie of a user if there is one.
fn request(method: &str, path: &str, cookie: Option<&str>) -> TestRequest {
    let mut request = TestRequest::default()
        .method(method.parse().unwrap())
        .uri(path)
        .insert_header((header::HOST, "127.0.0.1:8010"))
        .insert_header(("sec-fetch-site", "same-origin"));
    if let Some(cookie) = cookie {
        request = request.insert_header((header::COOKIE, cookie));
    }
    request
}

/// Status and body of an answer. (A macro, since the type of the test service has no name here.)
macro_rules! answer {
    ($service:expr, $request:expr) => {{
        let request = $request.to_request();
        let response = actix_web::test::call_service(&$service, request).await;
        let status = response.status().as_u16();
        let body = actix_web::test::read_body(response).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }};
}
use answer;

/// Serves the installation so that people can look at it:
/// `WINDLASS_LOOK=127.0.0.1:8030 cargo test -p windlass look_at_the_pages -- --ignored`.
#[actix_web::test]
#[ignore = "serves until it is ended; for looking at the pages"]
async fn look_at_the_pages() {
    let fixture = fixture::filled().await;
    let address = std::env::var("WINDLASS_LOOK").unwrap_or_else(|_| "127.0.0.1:8030".to_owned());
    let app = fixture.app.clone();
    actix_web::HttpServer::new(move || application(&app))
        .workers(1)
        .bind(address)
        .unwrap()
        .run()
        .await
        .unwrap();
}
