//! Commands beside a running master: what they write, its feeds tell at once.

use std::time::Duration;

use windlass::clock::Stopwatch;
use windlass_tests::master::Master;
use windlass_tests::wait;

/// Kept answers live for a minute: hearing of it sooner is not by their end.
const HEARD_MAX: Duration = Duration::from_secs(20);

#[test]
fn what_a_command_writes_is_told_by_feeds_that_have_an_answer_ready() {
    let mut master = Master::new("[project.editor]\ntitle = \"Acme Editor\"\n");
    let token = master.user("emil", "engineer");
    master.start();
    std::fs::write(master.path("editor.bin"), "the editor").expect("written");
    let url = format!("http://{}", master.web());
    let mut record = vec![
        "product",
        "record",
        "--project",
        "editor",
        "--branch",
        "main",
    ];
    record.extend([
        "--target",
        "any",
        "--version",
        "1.0",
        "--file",
        "installer=editor.bin",
    ]);
    record.extend(["--url", &url, "--token", &token]);
    master.command(&record, "");
    let product = master.get("/api/v1/products/1", "").json();
    let feed = product["feed_path"].as_str().expect("a path").to_owned();
    for _ in 0..3 {
        assert_eq!(master.get(&feed, "").json()["version"], "1.0");
    }
    let asked = Stopwatch::start();
    master.command(
        &["updates", "shut-off", "editor", "--reason", "it loops"],
        "",
    );
    wait::until("the feed stops", || {
        (master.get(&feed, "").status == 204).then_some(())
    });
    assert!(asked.elapsed() < HEARD_MAX, "{:?}", asked.elapsed());
    let asked = Stopwatch::start();
    master.command(&["updates", "resume", "1"], "");
    wait::until("the feed goes on", || {
        (master.get(&feed, "").status == 200).then_some(())
    });
    assert!(asked.elapsed() < HEARD_MAX, "{:?}", asked.elapsed());
}
