//! A release over REST with its guards, what the feed says on the way, and why.

use super::*;
use crate::db::update_counts;
use crate::ids::BranchId;

impl Master {
    async fn feed(&self) -> String {
        let (_, product) = self.get("/api/v1/products/1").await;
        product["feed_path"].as_str().unwrap().to_owned()
    }
}

#[actix_web::test]
async fn a_release_is_prepared_begun_widened_and_rolled_back_with_guards() {
    for master in masters().await {
        let token = master.token(Role::Engineer).await;
        let feed = master.feed().await;
        let make = |product: i64| json!({ "product": product, "rollout_percent": 10 });
        let (status, made) = master.post("/api/v1/releases", &token, make(1)).await;
        assert_eq!(
            (status, &made["state"]),
            (StatusCode::CREATED, &json!("draft"))
        );
        let go = "/api/v1/releases/1/go";
        let (status, problem) = master.guarded(post(go), &token, None, json!({})).await;
        assert_eq!(status, StatusCode::PRECONDITION_REQUIRED, "{problem}");
        let (status, problem) = master
            .guarded(post(go), &token, Some("\"9\""), json!({}))
            .await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{problem}");
        let (status, live) = master
            .guarded(post(go), &token, Some("\"1\""), json!({}))
            .await;
        assert_eq!((status, &live["state"]), (StatusCode::OK, &json!("live")));
        let (status, _) = master.get(&feed).await;
        assert_eq!(
            status,
            StatusCode::NO_CONTENT,
            "nobody without an id is inside"
        );
        let wide = "/api/v1/releases/1/rollout";
        let all = json!({ "percent": 100 });
        let (status, _) = master.guarded(post(wide), &token, Some("*"), all).await;
        assert_eq!(status, StatusCode::OK);
        let (_, offered) = master.get(&feed).await;
        assert_eq!(offered["version"], "1.0");
        let next = json!({ "product": 2 });
        master.post("/api/v1/releases", &token, next).await;
        master
            .guarded(post("/api/v1/releases/2/go"), &token, Some("*"), json!({}))
            .await;
        let (_, offered) = master.get(&format!("{feed}?version=1.0")).await;
        assert_eq!(offered["version"], "1.1");
        let back = json!({ "product": 1, "reason": "eats files" });
        let (status, place) = master
            .guarded(post("/api/v1/releases/2/rollback"), &token, Some("*"), back)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{place}");
        let (_, offered) = master.get(&format!("{feed}?version=1.1")).await;
        assert_eq!(offered["version"], "1.0");
        let (_, list) = master.get("/api/v1/releases?state=rolled-back").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let tester = master.token(Role::Qa).await;
        let (status, _) = master.post("/api/v1/releases", &tester, make(1)).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
}

#[actix_web::test]
async fn every_answer_is_counted_and_explained_to_who_may_read() {
    for master in masters().await {
        let feed = master.feed().await;
        for _ in 0..3 {
            master.get(&format!("{feed}?version=1.0")).await;
        }
        let (status, told) = master.get(&format!("{feed}?version=1.0&explain=1")).await;
        assert_eq!((status, &told["answer"]), (StatusCode::OK, &json!("offer")));
        assert!(told["rules"].as_array().unwrap().len() > 3, "{told}");
        let address = "/api/v1/updates/explain?project=editor&branch=main&target=x86_64-linux";
        let (_, told) = master.get(&format!("{address}&version=1.1")).await;
        assert_eq!(told["answer"], "up-to-date", "{told}");
        master.app.counts.flush(&master.test.db).await.unwrap();
        let read = |conn: &mut crate::db::Conn| update_counts::of_branch(conn, BranchId(1), 0);
        let rows = master.test.db.read("test", read).await.unwrap();
        let counted: Vec<_> = rows
            .iter()
            .map(|row| (row.format.as_str(), row.from_version.as_str(), row.asked))
            .collect();
        assert_eq!(counted, [("v1", "1.0", 3)]);
        let (_, counts) = master.get("/api/v1/branches/1/counts").await;
        assert_eq!(counts["items"][0]["outcome"], "offer");
    }
}

#[actix_web::test]
async fn a_withdrawn_product_and_a_shut_off_answer_as_they_say() {
    for master in masters().await {
        let token = master.token(Role::Engineer).await;
        let feed = master.feed().await;
        let why = json!({ "reason": "broken" });
        let withdraw = "/api/v1/products/2/withdraw";
        let (status, _) = master
            .guarded(post(withdraw), &token, None, why.clone())
            .await;
        assert_eq!(status, StatusCode::PRECONDITION_REQUIRED);
        let (status, done) = master.guarded(post(withdraw), &token, Some("*"), why).await;
        assert_eq!(
            (status, &done["state"]),
            (StatusCode::OK, &json!("withdrawn"))
        );
        let (_, offered) = master.get(&feed).await;
        assert_eq!(offered["version"], "1.0");
        let off = json!({ "project": "editor", "branch": "main", "reason": "it loops" });
        let (status, made) = master.post("/api/v1/shutoffs", &token, off).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(master.get(&feed).await.0, StatusCode::NO_CONTENT);
        let lift = format!("/api/v1/shutoffs/{}/lift", made["id"]);
        master.post(&lift, &token, json!({})).await;
        assert_eq!(master.get(&feed).await.0, StatusCode::OK);
    }
}
