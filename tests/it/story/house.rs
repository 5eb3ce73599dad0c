//! The house of the story: a master with its repository, three agents and two people.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::Ordering;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::programs::Background;
use windlass_tests::wait;

use super::applications::Applications;
use super::truth::{Built, Line};
use super::{BRANCHES, TARGETS};

const CONFIGURATION: &str = r#"
[project.editor]
title = "Acme Editor"

[agent.linux-1]
labels = { target = "x86_64-linux" }
[agent.windows-1]
labels = { target = "x86_64-windows" }
[agent.macos-1]
labels = { target = "aarch64-macos" }

[builder.package]
project = "editor"
matrix = { target = ["x86_64-linux", "x86_64-windows", "aarch64-macos"] }
agents = { target = "{target}" }
steps = [
  { source = "editor" },
  { run = 'for n in $(seq 800); do echo "$WINDLASS_BRANCH $WINDLASS_REVISION {target} $n"; done > editor-{target}-1.{buildnumber}.0.bin' },
  { product = "*.bin", version = "1.{buildnumber}.0", target = "{target}" },
]

[schedule.push]
on = "change"
repository = "editor"
builders = ["package-*"]
quiet = "0s"

[retention.default]
keep_newest = 2
keep_newest_good = 0
keep_days = 1
bad_days = 1
grace_days = 0
trash_days = 1
"#;

pub(super) struct Story {
    pub(super) master: Master,
    repository: Repository,
    pub(super) engineer: String,
    pub(super) tester: String,
    _agents: Vec<Background>,
    _folder: tempfile::TempDir,
}

impl Story {
    pub(super) fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let repository = Repository::new(&folder.path().join("repository"));
        repository.write("a", "a");
        repository.commit("Begin");
        repository.git(&["branch", "release/1.4"]);
        let url = repository.dir().display();
        let watched = format!(
            "[repository.editor]\nproject = \"editor\"\nurl = \"{url}\"\nbranches = [\"**\"]\n\
             poll = \"1s\"\n{CONFIGURATION}"
        );
        let master = Master::new(&watched);
        master.configure_master("collect = false\nstore_grace = \"1h\"");
        let engineer = master.user("emil", "engineer");
        let tester = master.user("quinn", "qa");
        let mut story = Self {
            repository,
            engineer,
            tester,
            _agents: Vec::new(),
            _folder: folder,
            master,
        };
        story.push(1);
        story.master.start();
        let agents = ["linux-1", "windows-1", "macos-1"];
        let start = |name: &&str| story.master.agent(name, story.master.agents());
        story._agents = agents.iter().map(start).collect();
        story
    }

    /// One commit on each branch.
    pub(super) fn push(&self, number: usize) {
        for branch in BRANCHES {
            self.repository.git(&["checkout", "--quiet", branch]);
            self.repository
                .write("number", format!("{branch} {number}\n"));
            self.repository
                .commit(&format!("Change {number} of {branch}"));
        }
    }

    /// Waits until every branch and target has that many builds, and tells them.
    pub(super) fn built(&self, builds: usize) -> Vec<Line> {
        let all = builds * BRANCHES.len() * TARGETS.len();
        let what = format!("{all} products are recorded");
        let mut items = wait::until(&what, || {
            let list = self.master.get("/api/v1/products", "").json();
            let items = list["items"].as_array()?.clone();
            (items.len() == all).then_some(items)
        });
        // Listed with the newest first.
        items.reverse();
        let mut lines = Vec::new();
        for branch in BRANCHES {
            for (target, ..) in TARGETS {
                let its = |item: &&Value| item["branch"] == branch && item["target"] == target;
                let own: Vec<&Value> = items.iter().filter(its).collect();
                let feed = own[0]["feed"].as_str().expect("a token").to_owned();
                let builds = own.iter().map(|item| self.build(item)).collect();
                lines.push(Line {
                    branch,
                    target,
                    feed,
                    builds,
                });
            }
        }
        lines
    }

    fn build(&self, item: &Value) -> Built {
        let product = item["id"].as_i64().expect("an id");
        let shown = self.master.get(&format!("/api/v1/products/{product}"), "");
        let file = &shown.json()["files"][0];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let sha256 = text(&file["sha256"]);
        Built {
            product,
            version: text(&item["version"]),
            path: format!("/files/{sha256}/{}", text(&file["name"])),
            sha256,
        }
    }

    /// Asks for a change, which must be made.
    pub(super) fn change(
        &self,
        token: &str,
        path: &str,
        guard: Option<i64>,
        body: &Value,
    ) -> Value {
        let bearer = format!("Bearer {token}");
        let guard = guard.map(|version| format!("\"{version}\""));
        let mut headers = vec![
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        headers.extend(guard.as_deref().map(|guard| ("If-Match", guard)));
        let body = body.to_string();
        let answer = http::request(self.master.web(), "POST", path, &headers, body.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status / 100, 2, "{path}: {}", answer.text());
        match answer.status {
            204 => Value::Null,
            _ => answer.json(),
        }
    }

    /// Does a step to a release.
    pub(super) fn step(&self, release: &Value, step: &str, body: &Value) -> Value {
        let id = &release["id"];
        let shown = self
            .master
            .get(&format!("/api/v1/releases/{id}"), "")
            .json();
        let path = format!("/api/v1/releases/{id}/{step}");
        self.change(&self.engineer, &path, shown["row_version"].as_i64(), body)
    }

    /// Prepares a release of that build for each target of the branch.
    pub(super) fn prepare(
        &self,
        lines: &[Line],
        branch: &str,
        build: usize,
        percent: i64,
    ) -> Vec<Value> {
        let its = lines.iter().filter(|line| line.branch == branch);
        let create = |line: &Line| {
            let product = line.builds[build].product;
            let body = json!({ "product": product, "rollout_percent": percent });
            self.change(&self.engineer, "/api/v1/releases", None, &body)
        };
        its.map(create).collect()
    }

    pub(super) fn state(&self, product: i64) -> String {
        let shown = self.master.get(&format!("/api/v1/products/{product}"), "");
        let state = shown.json()["state"].as_str().map(str::to_owned);
        state.unwrap_or_else(|| panic!("product {product}: {}", shown.text()))
    }

    pub(super) fn status(&self, path: &str) -> u16 {
        self.master.get(path, "").status
    }

    /// Lets time pass for what the database has.
    pub(super) fn run(&self, text: &str) {
        let path = self.master.path("data/windlass.sqlite");
        let conn = SqliteConnection::establish(&path.to_string_lossy());
        let mut conn = conn.expect("a database");
        let text = format!("PRAGMA busy_timeout = 10000; {text}");
        conn.batch_execute(&text).expect("it runs");
    }

    /// Kills the master, and starts it again, which looks after the trash at once.
    pub(super) fn kill(&mut self, applications: &Applications) {
        let outages = &applications.field.outages;
        outages.fetch_add(1, Ordering::SeqCst);
        self.master.kill();
        self.master.start();
        outages.fetch_add(1, Ordering::SeqCst);
    }

    /// Names of the files in the store; of those in its trash.
    pub(super) fn stored(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let below = |folder: std::path::PathBuf| {
            let mut names = BTreeSet::new();
            let folders = fs::read_dir(folder).into_iter().flatten().flatten();
            for inner in folders.filter(|entry| entry.file_name().len() == 2) {
                let files = fs::read_dir(inner.path()).into_iter().flatten().flatten();
                names.extend(files.filter_map(|file| file.file_name().into_string().ok()));
            }
            names
        };
        let blobs = self.master.path("data/blobs");
        (below(blobs.clone()), below(blobs.join("trash")))
    }
}
