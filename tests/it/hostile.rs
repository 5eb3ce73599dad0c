//! Bad input: each a clear error, and master and agent go on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::run_windlass;
use windlass_tests::wait;

/// git takes no space in the name of a branch; a shell needs none.
const BRANCH: &str = "$(touch${IFS}x);-rf";

#[test]
fn garbage_strangers_and_wrong_keys_leave_the_master_serving() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let steps = "  { source = \"editor\" },\n  { run = \"true\" },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    master.start();
    let oversized = [b"WNDLS/1\n".as_slice(), &[0xff; 64]].concat();
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 100_000],
        oversized,
    ] {
        let mut stream = TcpStream::connect(master.agents()).expect("the port is open");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time-out");
        // The master may hang up in the middle.
        let _ = stream.write_all(&bytes);
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let hung_up =
            ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(hung_up, "the master keeps a connection full of garbage");
    }
    let key = format!("wlk1_{}", "ab".repeat(32));
    let _stranger = master.agent_with_key("stranger", master.agents(), &key);
    master.command(&["agent", "add", "linux-1"], "");
    let wrong = master.agent_with_key("linux-1", master.agents(), &key);
    wait::until("both refusals are logged", || {
        let log = master.log();
        (log.contains("stranger") && log.contains("linux-1")).then_some(())
    });
    assert!(
        !master.log().contains(&"ab".repeat(16)),
        "a key stands in the log"
    );
    drop(wrong);
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    assert_eq!(master.get("/api/v1/builders/nobody", "").status, 404);
}

#[test]
fn a_hostile_branch_and_author_do_nothing_anywhere() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{BRANCH}")]);
    repository.commit_as(
        "<img src=x onerror=alert(1)>\u{1b}[31m <mara@acme.example>",
        "<script>alert(2)</script>\u{1b}]0;title\u{7}",
    );
    let steps = "  { source = \"editor\" },\n  \
         { run = \"printf '%s\\\\n' \\\"$WINDLASS_BRANCH\\\"; ls\" },\n  \
         { run = [\"printf\", \"%s|\", \"{branch}\", \"{author}\"] },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());

    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let raw = |at: usize| {
        let log = &steps["items"][at]["logs"][0]["id"];
        master.get(&format!("/logs/{log}/raw"), "").text()
    };
    assert_eq!(
        raw(1),
        format!("{BRANCH}\na\n"),
        "the branch stays one text, no file is made"
    );
    assert!(raw(2).starts_with(&format!("{BRANCH}|img")), "{}", raw(2));
    for path in [
        "/",
        "/changes",
        "/builders/package",
        &format!("/builds/{}", build["id"]),
    ] {
        let page = master.get(path, "");
        assert_eq!(page.status, 200, "{path}");
        let text = page.text();
        assert!(!text.contains("<img src=x"), "{path}: {text}");
        assert!(!text.contains("<script>alert"), "{path}: {text}");
        assert!(!text.contains('\u{1b}'), "{path}: {text}");
    }
}

#[test]
fn a_missing_product_names_the_pattern_and_what_is_there() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let steps = "  { source = \"editor\" },\n  \
         { run = \"mkdir -p dist; echo 1 > dist/editor.zip\" },\n  \
         { product = \"dist/*.tar.gz\", version = \"1\", target = \"any\" },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "failure", "{build}");
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let step = &steps["items"][2];
    let log = &step["logs"][0]["id"];
    let log = master.get(&format!("/logs/{log}/raw"), "").text();
    let told = format!("{} {log}", step["state_text"]);
    assert!(
        told.contains("dist/*.tar.gz") && told.contains("editor.zip"),
        "{told}"
    );
    assert_eq!(
        master.get("/api/v1/products", "").json()["items"],
        serde_json::json!([])
    );
}

#[test]
fn a_pattern_or_folder_that_leaves_the_build_and_an_unknown_builder_are_refused() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    let steps = "  { source = \"editor\", into = \"../other\" },\n  \
         { run = \"true\", cwd = \"/etc\" },\n  \
         { upload = \"../../*\" },\n  \
         { product = \"{describe}/../*\", version = \"1\", target = \"any\" },";
    let unknown = "[schedule.by-hand]\non = \"force\"\nbuilders = [\"pakage\"]\n";
    let master = Master::new(&small_configuration(&repository, steps, unknown));
    let outcome = run_windlass(&master.path(""), &["check"], "");
    assert_eq!(outcome.status.code(), Some(1));
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    for part in [
        "../other",
        "/etc",
        "../../*",
        "{describe}/../*",
        "pakage",
        "5 mistakes",
    ] {
        assert!(told.contains(part), "no `{part}` in {told}");
    }
}
