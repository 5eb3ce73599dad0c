//! REST as programs use it, over the whole application.

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::{Value, json};

use crate::app::App;
use crate::app::tests::app;
use crate::auth::{Identity, Permission};
use crate::db::audit;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{TestDb, engines};
use crate::model::{AuditOutcome, Role};
use crate::ops::{tokens, users};
use crate::routes::TABLE;
use crate::web::envelope::application;

mod builds;
mod releases;
mod retention;

struct Master {
    app: App,
    test: TestDb,
}

/// One master per engine, each with products 1 and 2.
async fn masters() -> Vec<Master> {
    let mut masters = Vec::new();
    for test in engines() {
        recorded(&test.db, vec![sample(1, 1, "1.0"), sample(2, 2, "1.1")]).await;
        let app = app(test.db.clone());
        masters.push(Master { app, test });
    }
    masters
}

impl Master {
    /// A token of a new user of this role.
    async fn token(&self, role: Role) -> String {
        let cli = Identity::Local { name: "cli" };
        let user = users::NewUser {
            name: format!("u-{role}"),
            email: None,
            role,
            password: None,
        };
        users::add(&self.app, &cli, user).await.unwrap();
        let token = tokens::NewToken {
            user: format!("u-{role}"),
            name: "test".to_owned(),
            role: None,
            expires_at: None,
        };
        tokens::create(&self.app, &cli, token).await.unwrap().secret
    }

    async fn send(&self, request: TestRequest) -> ServiceResponse {
        let service = init_service(application(&self.app)).await;
        let answer = call_service(&service, request.to_request()).await;
        answer.map_into_boxed_body()
    }

    async fn get(&self, address: &str) -> (StatusCode, Value) {
        parts(self.send(TestRequest::with_uri(address)).await).await
    }

    async fn post(&self, address: &str, token: &str, body: Value) -> (StatusCode, Value) {
        let request = TestRequest::with_uri(address)
            .method(Method::POST)
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .set_json(body);
        parts(self.send(request).await).await
    }

    /// A write with `If-Match`.
    async fn guarded(
        &self,
        (method, address): (Method, &str),
        token: &str,
        guard: Option<&str>,
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = TestRequest::with_uri(address)
            .method(method)
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .set_json(body);
        if let Some(guard) = guard {
            request = request.insert_header((header::IF_MATCH, guard));
        }
        parts(self.send(request).await).await
    }
}

/// A POST to this address.
fn post(address: &str) -> (Method, &str) {
    (Method::POST, address)
}

async fn parts(answer: ServiceResponse) -> (StatusCode, Value) {
    let status = answer.status();
    let body = read_body(answer).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[actix_web::test]
async fn the_description_names_every_route_with_its_permission_and_no_other() {
    let master = masters().await.remove(0);
    let (status, document) = master.get("/api/v1/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = Vec::new();
    let mut ids = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let permission = operation["x-permission"].as_str().unwrap();
            described.push((method.to_uppercase(), path.clone(), permission.to_owned()));
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let mut declared: Vec<_> = TABLE
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| {
            let permission = route.permission.as_str().to_owned();
            (route.method.to_owned(), route.path.to_owned(), permission)
        })
        .collect();
    described.sort();
    declared.sort();
    assert_eq!(described, declared);
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operation id stands twice");
}

/// Every `$ref` of the description leads somewhere.
#[actix_web::test]
async fn the_description_refers_to_nothing_that_is_not_there() {
    fn refs<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| refs(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }
    let master = masters().await.remove(0);
    let (_, document) = master.get("/api/v1/openapi.json").await;
    let mut found = Vec::new();
    refs(&document, &mut found);
    assert!(found.len() > 20);
    for name in found {
        let target = document.pointer(name.trim_start_matches('#'));
        assert!(target.is_some(), "{name}");
    }
}

#[actix_web::test]
async fn a_product_is_kept_and_lifted_and_every_step_can_be_read() {
    for master in masters().await {
        let token = master.token(Role::Qa).await;
        let body = json!({ "reason": "for QA", "until": "2026-06-01T00:00:00Z" });
        let address = "/api/v1/products/1/holds";
        let request = TestRequest::post()
            .uri(address)
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .set_json(&body);
        let answer = master.send(request).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let place = answer.headers().get(header::LOCATION).unwrap();
        let place = place.to_str().unwrap().to_owned();
        let (_, hold) = master.get(&place).await;
        assert_eq!(hold["reason"], "for QA");
        assert_eq!(hold["until"], "2026-06-01T00:00:00Z");
        let (_, held) = master.get("/api/v1/products?held=true").await;
        assert_eq!(held["items"].as_array().unwrap().len(), 1);
        let (_, product) = master.get("/api/v1/products/1").await;
        assert_eq!(product["version"], "1.0");
        assert_eq!(product["held"], true);
        assert_eq!(product["runtime"]["range"], ">=3.9,<3.13");
        assert_eq!(product["files"][0]["role"], "installer");
        let lift = format!("{place}/lift");
        let (status, _) = master.post(&lift, &token, json!({ "reason": "x" })).await;
        assert_eq!(status, StatusCode::OK);
        let (status, problem) = master.post(&lift, &token, json!({ "reason": "x" })).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(
            problem["request_id"]
                .as_str()
                .is_some_and(|id| !id.is_empty())
        );
        let (_, holds) = master.get("/api/v1/holds").await;
        assert_eq!(holds["items"], json!([]));
    }
}

#[actix_web::test]
async fn who_may_not_keep_is_refused_and_what_should_be_is_audited() {
    for master in masters().await {
        let viewer = master.token(Role::Viewer).await;
        let (address, body) = ("/api/v1/products/1/holds", json!({ "reason": "x" }));
        let bare = TestRequest::post().uri(address).set_json(&body);
        let (status, problem) = parts(master.send(bare).await).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(problem["status"], 401);
        let (status, _) = master.post(address, "wl_nothing", body.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let (status, problem) = master.post(address, &viewer, body.clone()).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(problem["detail"].as_str().unwrap().contains("keep"));
        let foreign = TestRequest::post()
            .uri(address)
            .insert_header((header::COOKIE, "windlass_session=abc"))
            .insert_header((header::HOST, "127.0.0.1:8010"))
            .insert_header((header::ORIGIN, "https://evil.example"))
            .insert_header(("sec-fetch-site", "cross-site"))
            .set_json(&body);
        let (status, _) = parts(master.send(foreign).await).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let (_, held) = master.get("/api/v1/products?held=true").await;
        assert_eq!(held["items"], json!([]));
        let read = |conn: &mut _| audit::newest(conn, None);
        let rows = master.test.db.read("test", read).await.unwrap();
        let refused = rows
            .iter()
            .filter(|row| row.outcome == AuditOutcome::Refused);
        assert!(refused.count() >= 2, "{rows:?}");
    }
}

#[actix_web::test]
async fn bad_input_names_the_field() {
    let master = masters().await.remove(0);
    let token = master.token(Role::Qa).await;
    for (body, status, word) in [
        (json!({ "reason": "" }), 422, "reason"),
        (
            json!({ "reason": "x", "until": "2020-01-01T00:00:00Z" }),
            422,
            "until",
        ),
        (json!({ "reason": "x", "until": "tomorrow" }), 422, "moment"),
        (json!({ "reason": "x", "untill": "" }), 422, "untill"),
        (json!({}), 422, "reason"),
        (json!([]), 422, "expected"),
    ] {
        let (got, problem) = master.post("/api/v1/products/1/holds", &token, body).await;
        assert_eq!(got.as_u16(), status, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(word),
            "{problem}"
        );
    }
    let (status, problem) = master.get("/api/v1/products?stat=recorded").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        problem["detail"].as_str().unwrap().contains("stat"),
        "{problem}"
    );
}

#[actix_web::test]
async fn a_list_tells_where_it_goes_on() {
    for master in masters().await {
        let products = (3..=60).map(|n| sample(n, n, "2.0")).collect();
        recorded(&master.test.db, products).await;
        let first = "/api/v1/products?project=editor&version=2.";
        let (_, page) = master.get(first).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 50);
        let next = page["next"].as_str().unwrap();
        assert!(next.contains("project=editor"), "{next}");
        let (_, page) = master.get(next).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 8);
        assert!(page.get("next").is_none());
    }
}

#[actix_web::test]
async fn me_tells_what_one_may_do() {
    let master = masters().await.remove(0);
    let (_, me) = master.get("/api/v1/me").await;
    assert_eq!(me["name"], "anonymous");
    assert_eq!(me["permissions"], json!(["public", "read"]));
    let token = master.token(Role::Qa).await;
    let request = TestRequest::with_uri("/api/v1/me")
        .insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
    let (_, me) = parts(master.send(request).await).await;
    assert_eq!(me["role"], "qa");
    assert_eq!(me["permissions"], json!(["public", "read", "keep"]));
}

#[actix_web::test]
async fn health_tells_whether_the_database_answers() {
    for master in masters().await {
        let (status, body) = master.get("/healthz").await;
        assert_eq!((status, body), (StatusCode::OK, json!({ "status": "ok" })));
    }
}

/// Values that have broken other programs, percent-encoded where a URL needs it.
const JUNK: &[&str] = &[
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "1e3",
    "%00",
    "a%00b",
    "%ff%fe",
    "%2e%2e%2f",
    "'%20OR%20'1'='1",
    "%25",
    "NaN",
    "%F0%9F%8E%89",
    "null",
];

#[actix_web::test]
async fn no_junk_makes_a_fault_of_ours() {
    for master in masters().await {
        let token = master.token(Role::Admin).await;
        let bodies = [
            "",
            "{",
            "null",
            "[]",
            "{\"reason\":\"\\u0000\"}",
            "\u{feff}{}",
        ];
        for route in TABLE {
            let is_stream = route.path == "/events" || route.path.ends_with("/follow");
            if is_stream || route.path.contains("logout") {
                continue;
            }
            for (at, junk) in JUNK.iter().enumerate() {
                let path = filled(route.path, junk);
                let query = format!("{path}?before={junk}&version={junk}&{junk}&project={junk}");
                for address in [path, query, filled(route.path, "1") + "?branch=" + junk] {
                    let mut request = TestRequest::with_uri(&address)
                        .method(route.method.parse().unwrap())
                        .insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
                    if route.method != "GET" {
                        request = request
                            .insert_header((header::CONTENT_TYPE, "application/json"))
                            .set_payload(bodies[at % bodies.len()]);
                    }
                    let status = master.send(request).await.status();
                    assert!(
                        !status.is_server_error(),
                        "{} {address}: {status}",
                        route.method
                    );
                }
            }
        }
    }
}

/// The path with `value` in every place.
fn filled(path: &str, value: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => value,
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn everything_that_changes_something_needs_a_role() {
    for route in TABLE {
        if route.path.starts_with("/api/") && route.method != "GET" {
            let permission = route.permission;
            assert!(!matches!(permission, Permission::Public | Permission::Read));
        }
    }
}

#[actix_web::test]
async fn an_administrator_makes_tokens_and_keys_and_lets_agents_go() {
    for master in masters().await {
        let engineer = master.token(Role::Engineer).await;
        let (status, _) = master
            .post("/api/v1/agent-tokens", &engineer, json!({ "name": "x" }))
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let token = master.token(Role::Admin).await;
        let body = json!({ "name": "lab-*", "labels": { "pool": "lab" }, "slots": 2 });
        let (status, made) = master.post("/api/v1/agent-tokens", &token, body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let secret = made["token"].as_str().unwrap();
        assert!(secret.starts_with("wlt1_"), "{made}");
        let line = made["lines"]["unix"].as_str().unwrap();
        assert!(line.contains(secret) && !line.contains("WINDLASS_NAME"));
        let (status, key) = master
            .post("/api/v1/agents/box/key", &token, json!({}))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{key}");
        assert!(key["key"].as_str().unwrap().starts_with("wlk1_"));
        let retire = "/api/v1/agents/box/retire-key";
        let (status, _) = master.post(retire, &token, json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "it has one key only");
        master
            .post("/api/v1/agents/box/key", &token, json!({}))
            .await;
        let (status, agent) = master.post(retire, &token, json!({})).await;
        assert_eq!(
            (status, &agent["has_old_key"]),
            (StatusCode::OK, &json!(false))
        );
        let (_, agent) = master
            .post("/api/v1/agents/box/pause", &token, json!({}))
            .await;
        assert_eq!(agent["paused"], true);
        let (_, agent) = master
            .post("/api/v1/agents/box/resume", &token, json!({}))
            .await;
        assert_eq!(agent["paused"], false);
        let upgrade = "/api/v1/agents/box/upgrade";
        let (status, why) = master.post(upgrade, &token, json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(why["detail"].as_str().unwrap().contains("never connected"));
        let (status, _) = master
            .post("/api/v1/agents/box/remove", &token, json!({}))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(
            master.get("/api/v1/agents/box").await.0,
            StatusCode::NOT_FOUND
        );
        let (status, list) = master.get("/api/v1/agent-programs").await;
        assert_eq!((status, &list["items"]), (StatusCode::OK, &json!([])));
        let revoke = format!("/api/v1/agent-tokens/{}/revoke", made["id"]);
        let (status, _) = master.post(&revoke, &token, json!({})).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
}
