//! Whole builds: a real repository, the loops of the engine, and a real agent in a process of its
//! own.

mod ends;
mod lost;
mod manner;
mod records;
mod sources;
mod works;

use std::time::Duration;

use crate::clock::Time;
use crate::config::resolved::{ProductGlob, ProductStep, Step, StepKind};
use crate::db::{Conn, audit, builds, products, requests};
use crate::model::BuildResult::{Cancelled, Error, Failure, Skipped, Success, Warnings};
use crate::model::ProductFilter;

use works::{Works, always, may_fail, run, source, step, template};

fn product(glob: &str) -> Step {
    let product = ProductStep {
        files: vec![ProductGlob {
            role: "installer".to_owned(),
            glob: template(glob),
            delta_from: None,
            optional: false,
        }],
        version: template("1.0.{buildnumber}"),
        feed_version: None,
        target: template("{agent.os}-{agent.arch}"),
        runtime: Some(template("python >=3.9,<3.13")),
        min_os: Some(template("10.15")),
        max_os: None,
        notes: Some(template("Built from {branch}")),
        properties: [("shade".to_owned(), template("dark-{branch}"))].into(),
    };
    step("product", StepKind::Product(product))
}

fn upload(glob: &str) -> Step {
    let files = template(glob);
    step("upload", StepKind::Upload { files })
}

#[tokio::test]
async fn a_commit_becomes_a_recorded_product_and_the_next_one_sends_only_what_differs() {
    let script = r#"set -e; test "$WINDLASS_BRANCH" = main; test "$CI" = true
        test "$(cd "$WORKSPACE" && pwd -P)" = "$(pwd -P)"; test ${#TRACEPARENT} = 55
        mkdir dist; cp big "dist/editor-$BUILD_NUMBER.bin"; cat note; ls -l link"#;
    let steps = vec![
        source(),
        run("make", script),
        upload("dist/*"),
        product("dist/editor-*.bin"),
    ];
    let works = Works::new(steps).await;
    let big = "0123456789".repeat(20_000);
    std::os::unix::fs::symlink("note", works.repository.path().join("link")).unwrap();
    works
        .repository
        .commit("first", &[("big", &big), ("note", "one\n")]);
    let first = works.finished(1).await;
    assert_eq!(first.result, Some(Success), "{}", works.story(&first).await);
    let log = works.log(&first, 0).await;
    assert!(log.contains("sent 2 of 3 files"), "{log}");
    assert!(works.log(&first, 1).await.starts_with("one\n"));

    works.repository.commit("second", &[("note", "two\n")]);
    works.bells.poller.notify_one();
    let second = works.finished(2).await;
    assert_eq!(
        second.result,
        Some(Success),
        "{}",
        works.story(&second).await
    );
    assert!(works.log(&second, 1).await.starts_with("two\n"));
    let log = works.log(&second, 0).await;
    assert!(log.contains("sent 1 of 3 files"), "{log}");
    let percent: f64 = log
        .rsplit_once('(')
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(percent < 5.0, "{log}");

    let list = |conn: &mut Conn| products::list::page(conn, Time(0), &ProductFilter::default());
    let recorded = works.db().read("test", list).await.unwrap();
    let versions: Vec<&str> = recorded
        .items
        .iter()
        .map(|product| product.version.as_str())
        .collect();
    assert_eq!(versions, vec!["1.0.2", "1.0.1"]);
    works.stop().await;
}

#[tokio::test]
async fn a_missing_product_file_fails_the_step_and_names_what_is_there() {
    let make = run("make", "mkdir -p dist && echo x > dist/editor-1.tar.gz");
    let steps = vec![make, product("dist/editor-*.tar.xz"), product("../*")];
    let works = Works::new(steps).await;
    works.repository.commit("first", &[("a", "1")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Failure));
    let results = works.results(&build).await;
    assert_eq!(results, vec![Some(Success), Some(Failure), Some(Skipped)]);
    let log = works.log(&build, 1).await;
    let text = "error: no file matches `dist/editor-*.tar.xz`; nearest: `dist/editor-1.tar.gz`";
    assert!(log.contains(text), "{log}");
    works.stop().await;
}

#[tokio::test]
async fn failures_skip_what_follows_but_for_steps_that_always_run() {
    let steps = vec![
        may_fail(run("lint", "exit 3")),
        run("make", "echo broken; exit 2"),
        run("test", "echo never"),
        always(run("clean", "echo cleaned")),
    ];
    let works = Works::new(steps).await;
    works.repository.commit("first", &[("a", "1")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Failure));
    let results = works.results(&build).await;
    let expected = vec![Some(Failure), Some(Failure), Some(Skipped), Some(Success)];
    assert_eq!(results, expected);
    assert_eq!(works.log(&build, 3).await, "cleaned\n");
    works.stop().await;
}

#[tokio::test]
async fn a_cancelled_build_ends_its_command_and_says_who() {
    let works = Works::new(vec![
        run("wait", "echo begun; sleep 600"),
        run("after", "true"),
    ])
    .await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    let ask = |conn: &mut Conn| {
        let id = builds::unfinished(conn)?[0].id;
        builds::ask_cancel(conn, Time(5), id, "ann")
    };
    works.db().tx("test", ask).await.unwrap();
    works.bells.runner.notify_one();
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Cancelled));
    let results = works.results(&build).await;
    assert_eq!(results, vec![Some(Cancelled), Some(Skipped)]);
    works.stop().await;
}

#[tokio::test]
async fn a_master_that_stops_takes_its_builds_up_again_and_runs_each_command_once() {
    let script = "echo run >> ../../runs; echo begun; while [ ! -e ../../go ]; do sleep 0.05; done
        echo done";
    let mut works = Works::new(vec![source(), run("make", script), run("after", "echo x")]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    works.stop_master().await;
    std::fs::write(works.machine.root().join("go"), "").unwrap();
    works.start_master().await;
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    assert_eq!(works.log(&build, 1).await, "begun\ndone\n");
    let runs = std::fs::read_to_string(works.machine.root().join("runs")).unwrap();
    assert_eq!(runs, "run\n");
    works.stop().await;
}

#[tokio::test]
async fn a_builder_that_left_the_configuration_ends_its_build_in_error() {
    let works = Works::new(vec![run("wait", "echo begun; sleep 1")]).await;
    works.repository.commit("first", &[("a", "1")]);
    works.said("begun").await;
    // A build keeps the configuration it began with; only what it says of mail is new.
    let mut config = crate::config::Config::clone(&works.config.borrow());
    config.builders.clear();
    works.config.send_replace(config.into());
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    let ask = |conn: &mut Conn| {
        let id = crate::db::builders::id_by_name(conn, "package")?;
        let new = requests::NewRequest {
            builder: id,
            schedule: None,
            reason: String::new(),
            requested_by: "test".to_owned(),
            priority: 0,
            properties: "{}".to_owned(),
            stamps: vec![],
            changes: vec![],
        };
        requests::insert(conn, Time(9), &new)
    };
    let id = works.db().tx("test", ask).await.unwrap();
    works.bells.dispatcher.notify_one();
    let waits = async {
        loop {
            let read = move |conn: &mut Conn| requests::by_id(conn, id);
            let request = works.db().read("test", read).await.unwrap();
            if request.wait_reason.contains("no longer has this builder") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(works::PATIENCE, waits).await.unwrap();
    let claim = move |conn: &mut Conn| {
        let agent = crate::db::agents::by_name(conn, "linux-1")?.id;
        let builder = requests::by_id(conn, id)?.builder;
        let new = builds::NewBuild {
            request: id,
            builder,
            builder_name: "package".to_owned(),
            agent,
            slots: 2,
            steps: vec![("wait".to_owned(), "run")],
        };
        builds::claim(conn, Time(10), &new)
    };
    works.db().tx("test", claim).await.unwrap();
    works.bells.runner.notify_one();
    let build = works.finished(2).await;
    assert_eq!(build.result, Some(Error));
    assert_eq!(works.results(&build).await, vec![Some(Skipped)]);
    works.stop().await;
}

#[tokio::test]
async fn a_step_that_may_fail_only_makes_warnings_and_a_hostile_author_does_nothing() {
    let script = r#"printf '%s' "$WINDLASS_AUTHOR"; exit 1"#;
    let works = Works::new(vec![may_fail(run("lint", script)), run("make", "true")]).await;
    works.repository.git(&["config", "commit.gpgSign", "false"]);
    std::fs::write(works.repository.path().join("a"), "1").unwrap();
    works.repository.git(&["add", "a"]);
    let hostile = "$(touch${IFS}pwned);`id` \u{1b}[31m<b>";
    let author = format!("{hostile} <x@example.org>");
    works
        .repository
        .git(&["commit", "--quiet", "-m", "m", "--author", &author]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Warnings));
    let log = works.log(&build, 0).await;
    assert!(log.contains("$(touch${IFS}pwned);`id`"), "{log}");
    let trail = works
        .db()
        .read("test", |conn| audit::newest(conn, None))
        .await
        .unwrap();
    assert!(trail.iter().all(|row| !row.detail.contains("touch")));
    works.stop().await;
}
