//! Agents that are gone for good: away for too long, or back without knowing what ran on them.

use std::time::Duration;

use crate::config::resolved::Step;
use crate::db::{Conn, requests};
use crate::ids::RequestId;
use crate::model::BuildResult::{Error, Skipped, Success};

use super::works::{Works, always, restart, run};

/// Goes on until a file is made, for a minute at most; says so when it begins.
const WAITS: &str = "echo begun; n=0; until test -e ../../go || test $n = 1200; do \
    n=$((n+1)); sleep 0.05; done; echo done";

/// A master whose agent counts as gone for good after a second.
async fn works(steps: Vec<Step>) -> Works {
    let works = Works::with(steps, |config| {
        let agent = config.agents.get_mut("linux-1").unwrap();
        agent.lost_after = Duration::from_secs(1);
    });
    works.await
}

#[tokio::test]
async fn a_build_whose_agent_never_comes_back_is_begun_anew_where_its_step_allows_that() {
    let steps = vec![restart(run("wait", WAITS)), always(run("after", "true"))];
    let mut works = works(steps).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.machine.crash();
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Error), "{}", works.story(&build).await);
    assert_eq!(
        works.results(&build).await,
        vec![Some(Error), Some(Skipped)]
    );
    let text = "agent-lost: it was not connected for 1.0 s; begun anew";
    assert_eq!(works.state_text(&build).await, text);

    std::fs::write(works.machine.root().join("go"), "").unwrap();
    works.start_machine();
    let second = works.finished(2).await;
    assert_eq!(
        second.result,
        Some(Success),
        "{}",
        works.story(&second).await
    );
    assert_eq!(works.log(&second, 0).await, "begun\ndone\n");
    let id = second.request;
    let read = move |conn: &mut Conn| requests::by_id(conn, id);
    let request = works.db().read("test", read).await.unwrap();
    assert_eq!(request.restarts, 1);
    assert_eq!(request.reason, "build 1 again: its agent was lost");
    works.stop().await;
}

#[tokio::test]
async fn a_step_that_must_not_run_twice_ends_with_its_agent() {
    let mut works = works(vec![run("deploy", WAITS)]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.machine.crash();
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Error));
    let text = works.state_text(&build).await;
    assert_eq!(text, "agent-lost: it was not connected for 1.0 s");
    let read = |conn: &mut Conn| requests::by_id(conn, RequestId(2));
    assert!(
        works.db().read("test", read).await.is_err(),
        "no second request"
    );
    works.stop().await;
}

#[tokio::test]
async fn an_agent_that_comes_back_without_the_command_starts_it_once_more_where_that_is_allowed() {
    let steps = vec![restart(run("wait", WAITS)), run("after", "true")];
    let mut works = Works::new(steps).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.machine.crash();
    works.machine.forget_all();
    std::fs::write(works.machine.root().join("go"), "").unwrap();
    works.start_machine();
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    let log = works.log(&build, 0).await;
    assert!(log.starts_with("begun\nagent-lost: "), "{log}");
    assert!(log.ends_with("; started once more\nbegun\ndone\n"), "{log}");
    works.stop().await;
}
