//! The loop itself; what it does to releases is tested with them.

use super::*;
use crate::app::tests::app;
use crate::db::tests::sqlite;

#[tokio::test]
async fn the_loop_ends_when_it_is_stopped() {
    let test = sqlite();
    let app = app(test.db.clone());
    let stop = CancellationToken::new();
    let launches = Launches::new(&test.db, app.clock.clone(), app.bells.clone());
    let running = tokio::spawn(launches.run(stop.clone()));
    stop.cancel();
    running.await.unwrap();
}
