//! Builds, and all that leads to and hangs on them.

use super::*;
use crate::db::outbox::tests::{finish, ground};
use crate::db::requests::{self, NewRequest};
use crate::ids::{BuilderId, RequestId, StepId};
use crate::logs::Logs;

/// One failed build with a log, on each engine; every id is 1.
async fn built() -> Vec<(Master, tempfile::TempDir)> {
    let mut masters = Vec::new();
    for test in engines() {
        let rows = |conn: &mut crate::db::Conn| {
            ground(conn)?;
            finish(conn, "failure")
        };
        test.db.tx("test", rows).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut app = app(test.db.clone());
        app.logs = Logs::new(&app.db, app.clock.clone(), folder.path());
        let name = "output".parse().unwrap();
        let mut log = app.logs.create(StepId(1), name).await.unwrap();
        log.append(b"first\nsecond\n").await.unwrap();
        log.close().await.unwrap();
        masters.push((Master { app, test }, folder));
    }
    masters
}

#[actix_web::test]
async fn everything_about_a_build_can_be_read() {
    for (master, _folder) in built().await {
        for (address, place, expected) in [
            ("/api/v1/builders", "/items/0/name", json!("package")),
            ("/api/v1/builders/package", "/last/result", json!("failure")),
            ("/api/v1/builds", "/items/0/id", json!(1)),
            ("/api/v1/builds?result=success", "/items", json!([])),
            ("/api/v1/builds/1", "/changes/0/position", json!(7)),
            (
                "/api/v1/builds/1/steps",
                "/items/0/logs/0/name",
                json!("output"),
            ),
            ("/api/v1/builds/1/artifacts", "/items", json!([])),
            ("/api/v1/logs/1", "/log/lines", json!(2)),
            (
                "/api/v1/changes",
                "/items/0/revision",
                json!("c0ffee1234567890"),
            ),
            ("/api/v1/changes/1", "/builds/0/id", json!(1)),
            ("/api/v1/agents", "/items/0/name", json!("linux-1")),
            ("/api/v1/agents/linux-1", "/connected", json!(false)),
            ("/api/v1/requests", "/items/0/state", json!("done")),
            ("/api/v1/requests/1", "/build", json!(1)),
        ] {
            let (status, body) = master.get(address).await;
            assert_eq!(status, StatusCode::OK, "{address}: {body}");
            assert_eq!(body.pointer(place), Some(&expected), "{address}: {body}");
        }
        for address in [
            "/api/v1/builders/none",
            "/api/v1/builds/99",
            "/api/v1/logs/99",
            "/api/v1/changes/99",
            "/api/v1/agents/none",
            "/api/v1/requests/99",
            "/api/v1/products/99",
            "/api/v1/holds/99",
        ] {
            let (status, problem) = master.get(address).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{address}");
            assert_eq!(problem["instance"], address);
        }
    }
}

#[actix_web::test]
async fn the_text_of_a_log_comes_as_it_is_or_in_part() {
    for (master, _folder) in built().await {
        for (range, expected) in [("bytes=0-", "first\nsecond\n"), ("bytes=6-11", "second")] {
            let request =
                TestRequest::with_uri("/api/v1/logs/1/text").insert_header((header::RANGE, range));
            let answer = master.send(request).await;
            assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
            assert_eq!(read_body(answer).await, expected);
        }
    }
}

#[actix_web::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    for (master, _folder) in built().await {
        let engineer = master.token(Role::Engineer).await;
        let form = json!({ "schedule": "none", "branch": "main" });
        for (address, body, status, word) in [
            ("/api/v1/requests", form, 422, "schedule"),
            ("/api/v1/builds/1/cancel", json!({}), 409, "ended"),
            ("/api/v1/builds/99/cancel", json!({}), 404, "99"),
            ("/api/v1/builds/1/rebuild", json!({}), 410, "package"),
            ("/api/v1/requests/1/cancel", json!({}), 409, "wait"),
        ] {
            let (got, problem) = master.post(address, &engineer, body).await;
            assert_eq!(got.as_u16(), status, "{address}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(word), "{address}: {problem}");
        }
    }
}

#[actix_web::test]
async fn a_request_that_waits_is_taken_back_once() {
    for (master, _folder) in built().await {
        let engineer = master.token(Role::Engineer).await;
        let waiting = |conn: &mut crate::db::Conn| {
            let new = NewRequest {
                builder: BuilderId(1),
                schedule: None,
                reason: "why".to_owned(),
                requested_by: "ann".to_owned(),
                priority: 0,
                properties: "{}".to_owned(),
                stamps: Vec::new(),
                changes: Vec::new(),
            };
            requests::insert(conn, crate::clock::Time(1), &new)
        };
        let id: RequestId = master.test.db.tx("test", waiting).await.unwrap();
        let address = format!("/api/v1/requests/{id}/cancel");
        let (status, request) = master.post(&address, &engineer, json!({})).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(request["state"], "cancelled");
        let (status, _) = master.post(&address, &engineer, json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT);
    }
}
