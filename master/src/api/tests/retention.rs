//! One product's way out and back over REST, with its guards.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::*;
use crate::config::collecting::Retention;

#[actix_web::test]
async fn a_product_is_collected_and_restored_by_who_says_what_they_looked_at() {
    for mut master in masters().await {
        let mut config = (*master.app.config()).clone();
        let says = Retention {
            keep_newest: 1,
            keep_newest_good: 0,
            ..Retention::default()
        };
        config.retention = BTreeMap::from([("default".to_owned(), says)]);
        master.app.config = watch::channel(Arc::new(config)).1;
        let token = master.token(Role::Engineer).await;
        let because = || json!({ "reason": "too large" });
        let collect = || (Method::DELETE, "/api/v1/products/1");
        let restore = || post("/api/v1/products/1/restore");
        for (first, second, way) in [(1, 2, collect()), (2, 3, restore())] {
            let (status, problem) = master.guarded(way.clone(), &token, None, because()).await;
            assert_eq!(status, StatusCode::PRECONDITION_REQUIRED, "{problem}");
            let other = format!("\"{second}\"");
            let (status, problem) = master
                .guarded(way.clone(), &token, Some(&other), because())
                .await;
            assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{problem}");
            let seen = format!("\"{first}\"");
            let (status, problem) = master.guarded(way, &token, Some(&seen), because()).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
        }
        let (status, problem) = master
            .guarded(restore(), &token, Some("*"), because())
            .await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    }
}
