//! Source steps: what stays in a build's folder, and builds of several codebases.

use crate::model::BuildResult::Success;
use crate::vcs::git::fixture::Repository;

use super::works::{Works, run, source_of};

#[tokio::test]
async fn what_commands_made_stays_without_clean_and_a_deleted_source_goes() {
    let script = "cat made 2>/dev/null; ls; echo $BUILD_NUMBER >> made";
    let steps = vec![source_of("editor", ".", false), run("make", script)];
    let works = Works::new(steps).await;
    works
        .repository
        .commit("first", &[("a", "1"), ("old", "1")]);
    let first = works.finished(1).await;
    assert_eq!(first.result, Some(Success), "{}", works.story(&first).await);
    assert_eq!(works.log(&first, 1).await, "a\nold\n");
    works.repository.git(&["rm", "--quiet", "old"]);
    works.repository.commit("second", &[("new", "2")]);
    works.bells.poller.notify_one();
    let second = works.finished(2).await;
    assert_eq!(works.log(&second, 1).await, "1\na\nmade\nnew\n");
    works.stop().await;
}

#[tokio::test]
async fn trees_within_trees_leave_each_other_alone_and_follow_the_branch_of_the_same_name() {
    let lib = Repository::new();
    lib.commit(
        "lib",
        &[("lib.c", &"x".repeat(50_000)), ("which", "main\n")],
    );
    lib.git(&["checkout", "--quiet", "-b", "next"]);
    lib.commit("lib next", &[("which", "next\n")]);
    let script = "cat top deps/lib/which; ls deps deps/lib; touch deps/stray deps/lib/stray";
    let steps = vec![
        source_of("lib", "deps/lib", true),
        source_of("editor", ".", true),
        run("make", script),
    ];
    let works = Works::with(steps, |config| {
        let mut second = config.repositories["editor"].clone();
        second.url = lib.url();
        config.repositories.insert("lib".to_owned(), second);
    })
    .await;
    // The schedule follows the editor alone: the other one must be seen before.
    works.seen("lib", "next").await;
    works.repository.git(&["checkout", "--quiet", "-b", "next"]);
    works.repository.commit("first", &[("top", "1\n")]);
    let first = works.finished(1).await;
    assert_eq!(first.result, Some(Success), "{}", works.story(&first).await);
    let said = "1\nnext\ndeps:\nlib\n\ndeps/lib:\nlib.c\nwhich\n";
    assert_eq!(works.log(&first, 2).await, said);
    works.repository.commit("second", &[("top", "2\n")]);
    works.bells.poller.notify_one();
    let second = works.finished(2).await;
    let said = said.replacen('1', "2", 1);
    assert_eq!(works.log(&second, 2).await, said, "without what was strewn");
    let log = works.log(&second, 0).await;
    assert!(log.contains("sent 0 of 2 files"), "{log}");
    works.stop().await;
}
