//! Every kind of page in a real browser, with what a project has after some weeks: widths, colour
//! schemes, keyboard, accessibility, and without JavaScript.

mod stock;

use std::path::PathBuf;
use std::process::Command;

use stock::{Places, Stock, configuration};
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, PASSWORD};
use windlass_tests::programs::{run, tools};

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
    let mut master = Master::new(&configuration(&repository));
    let token = master.user("quinn", "admin");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let log = &steps["items"][1]["logs"][0]["id"];
    let places = Stock::new(&master, &repository, &token).fill();

    let mut pages = pages_of_builds();
    pages.push(format!("/builds/{}", build["id"]));
    pages.push(format!("/logs/{log}"));
    pages.extend(pages_of_products(&places));
    let shots = std::env::var("WINDLASS_TEST_SCREENSHOTS").map_or(folder.path().into(), Into::into);
    let shots: PathBuf = shots;
    std::fs::create_dir_all(&shots).expect("writable");
    let mut node = Command::new("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/pages.js"))
        .arg(chromium)
        .arg(format!("http://{}", master.web()))
        .args(["quinn", PASSWORD])
        .arg(shots)
        .args(pages)
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

fn pages_of_builds() -> Vec<String> {
    let pages = [
        "/",
        "/builders",
        "/builders/package",
        "/builds",
        "/changes",
        "/agents",
        "/agents?state=idle",
        "/agents/linux-1",
        "/agent-tokens",
        "/requests",
        "/requests/new?schedule=by-hand&builder=package",
        "/login",
    ];
    pages.map(str::to_owned).to_vec()
}

/// With rows, and where there is nothing.
fn pages_of_products(places: &Places) -> Vec<String> {
    let Places {
        good,
        bad,
        trashed,
        live,
        draft,
        branch,
        follower,
        plan,
    } = places;
    let mut pages = [
        "/qa",
        "/qa?branch=main&target=x86_64-linux",
        "/qa?project=nothing",
        "/products",
        "/products?state=released",
        "/products?project=nothing",
        "/products/find",
        "/products/find?q=1.5.0-dev.43",
        "/products/find?q=nothing",
        "/holds",
        "/holds?owner=quinn&order=size",
        "/holds?owner=nobody",
        "/releases",
        "/releases?state=withdrawn",
        "/branches",
        "/branches?name=nothing",
        "/explain",
        "/retention",
        "/retention/trash",
        "/stores",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.extend([
        format!("/products/{good}"),
        format!("/products/{bad}"),
        format!("/products/{trashed}"),
        format!("/products/{good}/why-kept"),
        format!("/products/compare?a={good}&b={bad}"),
        format!("/releases/{live}"),
        format!("/releases/{draft}"),
        format!("/releases/new?product={bad}"),
        format!("/branches/{branch}"),
        format!("/branches/{follower}"),
        format!("/branches/{branch}/guide"),
        "/explain?project=editor&branch=release%2F1.4&target=x86_64-linux&version=1.4.2".to_owned(),
        format!("/retention/plans/{plan}"),
    ]);
    pages
}
