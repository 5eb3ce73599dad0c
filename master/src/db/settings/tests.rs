//! The deployment's id on both engines.

use crate::db::tests::engines;

#[tokio::test]
async fn the_deployment_id_is_made_once() {
    for test in engines() {
        let first = test.db.tx("id", super::deployment).await.unwrap();
        let second = test.db.tx("id", super::deployment).await.unwrap();
        assert_eq!(first.len(), 32);
        assert_eq!(first, second);
    }
}
