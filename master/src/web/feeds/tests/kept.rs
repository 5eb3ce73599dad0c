//! What is kept of answers: until a row of its own branch changes, and under a rollout one for each
//! side of it.

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::Value;

use super::clients::{behind, build, feeds};
use crate::db::Conn;
use crate::db::products::record;
use crate::updates::is_inside;
use crate::web::envelope::application;

#[actix_web::test]
async fn a_build_of_another_branch_leaves_what_is_kept() {
    let (app, test, token, _) = feeds().await;
    let service = init_service(application(&app)).await;
    let front = format!("/update/v1/editor/{token}");
    let ask = async |target: &str| -> Value {
        let request = TestRequest::get().uri(&format!("{front}/{target}?version=1.0.0"));
        let answer = call_service(&service, request.to_request()).await;
        serde_json::from_slice(&read_body(answer).await).unwrap()
    };
    let put = async |branch: &str, version: &str| {
        let mut next = build(3, version, "x86_64-linux");
        branch.clone_into(&mut next.branch);
        let work = move |conn: &mut Conn| record(conn, crate::clock::Time(3), &next);
        test.db.tx("test", work).await.unwrap();
    };
    assert_eq!(ask("x86_64-linux").await["version"], "1.1.0");
    let change = "UPDATE products SET version = 'x' WHERE version = '1.1.0'";
    behind(&test, change).await;
    put("another", "7.0.0").await;
    assert_eq!(ask("x86_64-linux").await["version"], "1.1.0", "kept");
    put("main", "1.2.0").await;
    assert_eq!(ask("x86_64-linux").await["version"], "1.2.0", "its own");
    assert_eq!(ask("aarch64-windows").await["version"], "x", "not kept yet");
}

#[actix_web::test]
async fn under_a_rollout_both_sides_are_kept_and_nobody_gets_the_others_answer() {
    let (app, test, token, ids) = feeds().await;
    let (old, new) = (ids[0], ids[1]);
    behind(
        &test,
        &format!(
            "INSERT INTO releases (branch_id, target, product_id, fallback_product_id, state, \
             state_reason, rollout_percent, rollout_salt, watershed, critical, signoffs_needed, \
             row_version, created_by, created_at, live_at) SELECT branch_id, target, {new}, {old}, \
             'live', '', 50, 'salt', FALSE, FALSE, '[]', 1, 'erin', 1, 1 \
             FROM products WHERE id = {new}"
        ),
    )
    .await;
    let service = init_service(application(&app)).await;
    let ask = async |id: &str| -> Value {
        let path = format!("/update/v1/editor/{token}/x86_64-linux?id={id}");
        let request = TestRequest::get().uri(&path).to_request();
        let answer = call_service(&service, request).await;
        let caching = answer.headers().get("cache-control").unwrap();
        assert_eq!(caching, "private, max-age=60");
        serde_json::from_slice(&read_body(answer).await).unwrap()
    };
    let told = |id: &str| match is_inside("salt", Some(id), 50) {
        true => "1.1.0",
        false => "1.0.0",
    };
    let all: Vec<String> = (0..20).map(|number| format!("asker-{number}")).collect();
    for id in &all {
        assert_eq!(ask(id).await["version"], told(id), "{id}");
    }
    let change = "UPDATE products SET version = 'x' || version WHERE version <> ''";
    behind(&test, change).await;
    for id in &all {
        assert_eq!(ask(id).await["version"], told(id), "{id} again");
    }
    assert_eq!(ask("").await["version"], "1.0.0", "without an id: outside");
    let next = build(3, "1.2.0", "x86_64-linux");
    let work = move |conn: &mut Conn| record(conn, crate::clock::Time(3), &next);
    test.db.tx("test", work).await.unwrap();
    for id in &all {
        assert_eq!(ask(id).await["version"], format!("x{}", told(id)), "{id}");
    }
}
