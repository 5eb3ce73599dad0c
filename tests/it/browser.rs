//! Every kind of page in a real browser: widths, colour schemes, keyboard, accessibility, and
//! without JavaScript.

use std::process::Command;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, PASSWORD, small_configuration};
use windlass_tests::programs::{run, tools};

const STEPS: &str = "  { source = \"editor\" },\n  \
     { run = \"printf '\\\\033[31mred\\\\033[0m and plain\\\\n'; echo 1 > editor-1.0.tar; echo fine >> test.log\", \
     logs = { tests = \"test.log\" } },\n  \
     { product = \"*.tar\", version = \"1.0\", target = \"any\" },\n  \
     { run = \"echo not good enough; exit 2\" },";
const FORCE: &str = "[schedule.by-hand]\non = \"force\"\nbuilders = [\"package\"]\n\
     parameters = { note = { type = \"text\", label = \"Note\" }, \
     flavour = { type = \"choice\", of = [\"debug\", \"release\"] } }\n";

#[test]
fn every_page_is_sound_in_a_browser() {
    let Some(tools) = tools("the browser test") else {
        return;
    };
    let chromium = std::env::var("WINDLASS_TEST_CHROMIUM").expect("set beside the tools");
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit_as(
        "Mara <b>Lindqvist</b> <mara@acme.example>",
        "Begin <i>well</i>",
    );
    let mut master = Master::new(&small_configuration(&repository, STEPS, FORCE));
    let token = master.user("quinn", "admin");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let log = &steps["items"][1]["logs"][0]["id"];
    let product = master.get("/api/v1/products", "").json()["items"][0]["id"].clone();
    let holds = format!("/api/v1/products/{product}/holds");
    let reason = serde_json::json!({ "reason": "Beta 1 runs on it" });
    assert_eq!(
        master.ask("POST", &holds, &token, Some(&reason)).status,
        201
    );

    let shots = std::env::var("WINDLASS_TEST_SCREENSHOTS").map_or(folder.path().into(), Into::into);
    let shots: std::path::PathBuf = shots;
    std::fs::create_dir_all(&shots).expect("writable");
    let mut node = Command::new("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/pages.js"))
        .arg(chromium)
        .arg(format!("http://{}", master.web()))
        .args(["quinn", PASSWORD])
        .arg(shots)
        .args([
            "/",
            "/builders",
            "/builders/package",
            "/builds",
            "/changes",
            "/agents",
            "/agents?state=idle",
            "/agents/linux-1",
            "/agent-tokens",
        ])
        .args(["/requests", "/products", "/login"])
        .arg("/requests/new?schedule=by-hand&builder=package")
        .arg(format!("/builds/{}", build["id"]))
        .arg(format!("/logs/{log}"))
        .arg(format!("/products/{product}"))
        .env("NODE_PATH", tools.join("node/node_modules"));
    let outcome = run(node, "");
    assert!(
        outcome.status.success(),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
    let problems: Vec<String> = serde_json::from_str(&outcome.stdout).expect("a JSON line");
    assert!(problems.is_empty(), "{problems:#?}");
}
