//! Who may: without login, with each role, from another origin.

use actix_web::http::header;
use actix_web::test;

use super::{answer, cookie_of, fixture, request, served};
use crate::auth::Permission;
use crate::routes::TABLE;

/// A path of the fixture for a path of the table.
fn filled_in(path: &str) -> String {
    path.replace("/builds/{id}", "/builds/150")
        .replace("/logs/{id}", "/logs/1")
        .replace("/products/{id}", "/products/60")
        .replace("/holds/{id}", "/holds/1")
        .replace("/requests/{id}", "/requests/900")
        .replace("/builders/{name}", "/builders/editor-macos")
        .replace("{id}", "1")
}

/// The stream of events never ends by itself; REST, feeds and files have tests of their own.
fn is_page(path: &str) -> bool {
    !path.starts_with("/api")
        && path != "/events"
        && !path.contains("{sha256}")
        && !path.contains("{feed}")
}

#[actix_web::test]
async fn nobody_writes_without_logging_in_and_no_route_fails_inside() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    for route in TABLE.iter().filter(|route| is_page(route.path)) {
        let path = filled_in(route.path);
        let (status, body) = answer!(service, request(route.method, &path, None));
        assert!(status < 500, "{} {path}: {status} {body}", route.method);
        if !matches!(route.permission, Permission::Public | Permission::Read) {
            assert_eq!(status, 401, "{} {path}", route.method);
        }
    }
}

#[actix_web::test]
async fn each_role_may_what_its_permission_says_and_nothing_more() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    for user in ["vera", "quinn", "emil", "ada"] {
        let cookie = cookie_of(&fixture, user).await;
        let role = match user {
            "vera" => crate::model::Role::Viewer,
            "quinn" => crate::model::Role::Qa,
            "emil" => crate::model::Role::Engineer,
            _ => crate::model::Role::Admin,
        };
        let own = TABLE
            .iter()
            .filter(|route| is_page(route.path) && route.path != "/logout");
        for route in own {
            let path = filled_in(route.path);
            let (status, _) = answer!(service, request(route.method, &path, Some(&cookie)));
            let allowed = route.permission.is_held_by(role);
            assert_eq!(
                status != 403,
                allowed,
                "{user} {} {path}: {status}",
                route.method
            );
        }
    }
}

#[actix_web::test]
async fn a_write_from_another_origin_is_refused_and_written_down() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "ada").await;
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for (name, value) in foreign {
        let request = test::TestRequest::post()
            .uri("/products/60/holds")
            .insert_header((header::HOST, "127.0.0.1:8010"))
            .insert_header((header::COOKIE, cookie.as_str()))
            .insert_header((name, value))
            .set_form([("reason", "stolen click")]);
        let (status, _) = answer!(service, request);
        assert_eq!(status, 403, "{name}: {value}");
    }
    let ada = crate::auth::Identity::Local { name: "test" };
    let rows = crate::ops::audit::list(&fixture.app, &ada, None)
        .await
        .unwrap();
    let refused = rows
        .items
        .iter()
        .filter(|row| row.object_id == "POST /products/60/holds");
    assert_eq!(refused.count(), foreign.len());
}

#[actix_web::test]
async fn where_reading_is_not_anonymous_nobody_reads() {
    let mut fixture = fixture::filled().await;
    fixture::forbid_anonymous(&mut fixture);
    let service = served!(fixture);
    for route in TABLE.iter().filter(|route| is_page(route.path)) {
        if route.permission == Permission::Read {
            let path = filled_in(route.path);
            let (status, body) = answer!(service, request("GET", &path, None));
            assert_eq!(status, 401, "{path}");
            assert!(body.contains("/login?next="), "{path} names the way in");
        }
    }
    let (status, _) = answer!(service, request("GET", "/login", None));
    assert_eq!(status, 200);
}

#[actix_web::test]
async fn every_answer_carries_the_policy_and_errors_their_request_id() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    for path in [
        "/",
        "/nowhere",
        "/builds/x",
        "/assets/none",
        "/builds?state=odd",
    ] {
        let response = test::call_service(&service, request("GET", path, None).to_request()).await;
        let headers = response.headers().clone();
        let id = headers
            .get("x-request-id")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let policy = headers
            .get("content-security-policy")
            .unwrap()
            .to_str()
            .unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        let body = String::from_utf8_lossy(&body);
        if path != "/" {
            assert!((400..500).contains(&status), "{path}: {status}");
            assert!(body.contains(&id), "{path} names its request");
        }
        assert!(
            !body.contains("style=\"") && !body.contains("onclick"),
            "{path}"
        );
    }
    let (status, _) = answer!(service, request("PUT", "/builds", None));
    assert_eq!(status, 405);
}
