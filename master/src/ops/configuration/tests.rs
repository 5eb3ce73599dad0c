//! A configuration that comes into force, changes, and loses entries.

use super::*;
use crate::db::builders;
use crate::db::tests::engines;

#[tokio::test]
async fn what_vanishes_becomes_inactive_and_comes_back_as_the_same() {
    for test in engines() {
        let mut config = crate::config::sample::config();
        apply(&test.db, Time(1), Arc::new(config.clone()), true)
            .await
            .unwrap();
        let id = |conn: &mut Conn| {
            let builder = builders::id_by_name(conn, "package")?;
            Ok((builder, agents::by_name(conn, "linux-1")?))
        };
        let (builder, agent) = test.db.read("first", id).await.unwrap();
        assert!(agent.active);
        let kept = config.clone();
        config.agents.clear();
        apply(&test.db, Time(2), Arc::new(config), false)
            .await
            .unwrap();
        assert!(!test.db.read("gone", id).await.unwrap().1.active);
        apply(&test.db, Time(3), Arc::new(kept), false)
            .await
            .unwrap();
        let (again, back) = test.db.read("back", id).await.unwrap();
        assert_eq!((again, back.id, back.active), (builder, agent.id, true));
    }
}
