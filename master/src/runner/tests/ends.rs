//! Ends of builds that did not go by themselves: nothing goes on at the agent, and every log ends.

use crate::clock::Time;
use crate::db::{Conn, builds};
use crate::model::BuildResult::{Cancelled, Error, Skipped};

use super::works::{Works, run};

/// Says that it began, and later that it was not ended.
const LONG: &str =
    "echo begun; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; done; echo x > ../../late";

#[tokio::test]
async fn a_cancel_while_the_master_was_away_ends_the_command_at_the_agent() {
    let mut works = Works::new(vec![run("wait", LONG), run("after", "true")]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.stop_master().await;
    let ask = |conn: &mut Conn| {
        let id = builds::unfinished(conn)?[0].id;
        builds::ask_cancel(conn, Time(5), id, "ann")
    };
    works.db().tx("test", ask).await.unwrap();
    works.start_master().await;
    let build = works.finished(1).await;
    assert_eq!(
        build.result,
        Some(Cancelled),
        "{}",
        works.story(&build).await
    );
    let results = works.results(&build).await;
    assert_eq!(results, vec![Some(Cancelled), Some(Skipped)]);
    assert_eq!(works.log(&build, 0).await, "begun\n");
    works.never_late().await;
    works.stop().await;
}

#[tokio::test]
async fn a_build_whose_steps_were_changed_meanwhile_leaves_nothing_at_the_agent() {
    let mut works = Works::new(vec![run("wait", LONG)]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.stop_master().await;
    let mut config = crate::config::Config::clone(&works.config.borrow());
    config.builders.get_mut("package").unwrap().steps = vec![run("other", "true")];
    works.config.send_replace(config.into());
    works.start_master().await;
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Error));
    assert_eq!(works.results(&build).await, vec![Some(Error)]);
    assert_eq!(works.log(&build, 0).await, "begun\n");
    works.never_late().await;
    works.stop().await;
}

#[tokio::test]
async fn a_log_that_is_lost_ends_its_step_and_the_build() {
    let mut works = Works::new(vec![run("wait", LONG)]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.stop_master().await;
    works.lose_logs();
    let ask = |conn: &mut Conn| {
        let id = builds::unfinished(conn)?[0].id;
        builds::ask_cancel(conn, Time(5), id, "ann")
    };
    works.db().tx("test", ask).await.unwrap();
    works.start_master().await;
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Cancelled));
    assert_eq!(
        works.log(&build, 0).await,
        "",
        "closed, though nothing is left of it"
    );
    works.stop().await;
}
