//! What a project has after some weeks of work: branches, products of three targets, verdicts,
//! holds, labels, releases, a plan that was carried out, the trash. Made by the faces that people
//! use; only the age of things is written into the database.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use windlass::clock::{Clock, Time};
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::wait;

/// Branch with a name that is as long as people make them.
const FEATURE: &str = "feature/EDIT-4711-rework-of-the-whole-document-model";
const TARGETS: [&str; 3] = ["x86_64-linux", "aarch64-macos", "x86_64-windows"];
const DAY: u64 = 86_400;

const STEPS: &str = "  { source = \"editor\" },\n  \
     { run = \"printf '\\\\033[31mred\\\\033[0m and plain\\\\n'; echo 1 > editor-1.0.tar; echo fine >> test.log\", \
     logs = { tests = \"test.log\" } },\n  \
     { product = \"*.tar\", version = \"1.0\", target = \"any\" },\n  \
     { run = \"echo not good enough; exit 2\" },";
const MORE: &str = "[schedule.by-hand]\non = \"force\"\nbuilders = [\"package\"]\n\
     parameters = { note = { type = \"text\", label = \"Note\" }, \
     flavour = { type = \"choice\", of = [\"debug\", \"release\"] } }\n\n\
     [retention.default]\nkeep_newest = 2\nkeep_newest_good = 1\nkeep_days = 1\n\n\
     [retention.releases]\nbranches = [\"release/**\"]\nkeep_newest = 10\nkeep_days = 400\n";
const PROJECT: &str = "[project.editor]\ntitle = \"Acme Editor\"\n\
     checklist = [\"installs\", \"starts\", \"opens last year's documents\"]\n\
     bad_needs_bug = true\nsignoffs = { qa = 1 }\n";

/// The configuration of the project.
pub(super) fn configuration(repository: &Repository) -> String {
    let plain = "[project.editor]\ntitle = \"Acme Editor\"\n";
    small_configuration(repository, STEPS, MORE).replacen(plain, PROJECT, 1)
}

/// Who does what, and what is there then.
pub(super) struct Stock<'a> {
    master: &'a Master,
    repository: &'a Repository,
    /// A tester, and an engineer who prepares releases.
    qa: String,
    engineer: String,
}

/// Pages to look at.
pub(super) struct Places {
    /// Products: the newest good one, one that was found bad, one in the trash.
    pub(super) good: i64,
    pub(super) bad: i64,
    pub(super) trashed: i64,
    /// Releases: in rollout, and one that waits for a sign-off.
    pub(super) live: i64,
    pub(super) draft: i64,
    /// A branch that is offered by release, and one that follows another.
    pub(super) branch: i64,
    pub(super) follower: i64,
    pub(super) plan: i64,
}

impl<'a> Stock<'a> {
    /// For a running master on [`configuration`]; `qa` is the tester's token.
    pub(super) fn new(master: &'a Master, repository: &'a Repository, qa: &str) -> Self {
        Self {
            engineer: master.user("emil", "engineer"),
            qa: qa.to_owned(),
            master,
            repository,
        }
    }

    /// Makes everything.
    pub(super) fn fill(&self) -> Places {
        let revisions = self.commit();
        let mut main: Vec<[i64; 3]> = Vec::new();
        for (at, revision) in revisions.iter().enumerate() {
            let version = format!("1.5.0-dev.{}", 40 + at);
            main.push(TARGETS.map(|target| self.record("main", target, &version, revision)));
        }
        let older = TARGETS.map(|target| self.record("release/1.4", target, "1.4.2", "r142"));
        let newer = TARGETS.map(|target| self.record("release/1.4", target, "1.4.3", "r143"));
        let long = format!("1.5.0-dev.43+{}.3f2a91c", FEATURE.replace('/', "."));
        self.record(FEATURE, TARGETS[0], &long, "f1");
        self.record("spike/plugins", TARGETS[0], "0.1.0", "s1");
        self.age();
        self.judge(&main, &newer);
        self.keep(&main, &newer);
        let (live, draft) = self.release(&older, &newer);
        let (branch, follower) = self.branches();
        self.history(branch);
        let plan = self.collect();
        self.send(
            "POST",
            "/api/v1/qa/desks",
            &self.qa,
            &json!({ "query": "?branch=main&target=x86_64-linux", "name": "Linux, main" }),
        );
        Places {
            good: newer[0],
            bad: main[3][2],
            trashed: main[0][0],
            live,
            draft,
            branch,
            follower,
            plan,
        }
    }

    /// Five changes of `main`, which the master has read when this returns.
    fn commit(&self) -> Vec<String> {
        let messages = [
            "Keep the cursor where it was after undo",
            "Open documents of 2019 and before\n\nTheir dates are in local time.",
            "Faster start: fonts are read when they are needed",
            "Fix the crash on printing to a printer that went away (EDIT-4699)",
            "Spelling in German tells compound words apart, and leaves names of people and places alone that stand in the address book",
        ];
        let commit = |message: &&str| {
            self.repository.write("a", *message);
            let author = "Mara Lindqvist <mara@acme.example>";
            self.repository.commit_as(author, message)
        };
        let revisions: Vec<String> = messages.iter().map(commit).collect();
        let newest = revisions.last().expect("five").clone();
        wait::until("the changes are read", || {
            let list = self.master.get("/api/v1/changes", "").json();
            let known = list["items"].as_array()?;
            known
                .iter()
                .any(|change| change["revision"] == newest)
                .then_some(())
        });
        revisions
    }

    /// Records a product with an installer and its symbols by the command, and returns its id.
    fn record(&self, branch: &str, target: &str, version: &str, revision: &str) -> i64 {
        let ending = match target {
            "x86_64-windows" => "exe",
            "aarch64-macos" => "dmg",
            _ => "AppImage",
        };
        let name = format!("Acme-Editor-{version}-{target}.{ending}");
        let (installer, symbols) = (self.master.path(&name), self.master.path("symbols.zip"));
        let size = 300_000 + 1_000 * version.len() + 7 * name.len();
        std::fs::write(&installer, name.repeat(size / name.len())).expect("written");
        std::fs::write(&symbols, format!("symbols of {name}")).expect("written");
        let url = format!("http://{}", self.master.web());
        let installer = format!("installer={}", installer.display());
        let symbols = format!("symbols={}", symbols.display());
        let told = self.master.command(
            &[
                "product",
                "record",
                "--project",
                "editor",
                "--json",
                "--builder",
                "packages",
                "--branch",
                branch,
                "--target",
                target,
                "--version",
                version,
                "--revision",
                revision,
                "--file",
                &installer,
                "--file",
                &symbols,
                "--property",
                "flavour=release",
                "--property",
                "ticket=EDIT-4711",
                "--url",
                &url,
                "--token",
                &self.engineer,
            ],
            "",
        );
        let product: Value = serde_json::from_str(&told).expect("JSON");
        product["id"].as_i64().expect("an id")
    }

    /// Some hours lie between two products.
    fn age(&self) {
        self.write(
            "UPDATE products SET built_at = built_at - ((SELECT MAX(id) FROM products) - id) * 14400000000, \
             recorded_at = recorded_at - ((SELECT MAX(id) FROM products) - id) * 14400000000",
        );
    }

    fn judge(&self, main: &[[i64; 3]], released: &[i64; 3]) {
        let all = json!(["installs", "starts", "opens last year's documents"]);
        let crash = json!({ "verdict": "bad", "bug": "https://bugs.acme.example/EDIT-4702",
            "comment": "Crashes when the second window is closed. Seen on both test machines, three times of three." });
        let slow = json!({ "verdict": "needs-work", "comment": "Starts in 9 s, was 4 s" });
        let good = json!({ "verdict": "good", "comment": "", "checklist": all });
        for (product, verdict) in [
            (main[2][0], &good),
            (main[2][1], &good),
            (main[3][0], &good),
            (main[3][1], &slow),
            (main[3][2], &crash),
            (released[0], &good),
            (released[1], &good),
        ] {
            let path = format!("/api/v1/products/{product}/verdicts");
            self.send("POST", &path, &self.qa, verdict);
        }
    }

    fn keep(&self, main: &[[i64; 3]], released: &[i64; 3]) {
        let in_days = |days: u64| -> Time {
            let now = Clock::system().now();
            now.after(Duration::from_secs(days * DAY))
        };
        let fair = json!({ "reason": "Shown at the fair in Hanover", "cascade": true, "until": in_days(9) });
        let customer = json!({ "reason": "Contoso runs on it until they have moved to 1.5; ask Petra before it goes" });
        let beta = json!({ "reason": "Beta 1", "until": in_days(120) });
        for (product, hold, token) in [
            (main[3][0], &fair, &self.qa),
            (released[0], &customer, &self.qa),
            (main[1][1], &beta, &self.engineer),
        ] {
            let path = format!("/api/v1/products/{product}/holds");
            self.send("POST", &path, token, hold);
        }
        let path = format!("/api/v1/products/{}/labels", released[0]);
        let label = json!({ "label": "rc", "reason": "what 1.4.3 is made of" });
        self.send("POST", &path, &self.qa, &label);
    }

    /// A release that a tenth has, one that took its place, one that waits, one at a time.
    fn release(&self, older: &[i64; 3], newer: &[i64; 3]) -> (i64, i64) {
        let prepare = |product: i64, percent: i64| {
            let body = json!({ "product": product, "rollout_percent": percent });
            let made = self.send("POST", "/api/v1/releases", &self.engineer, &body);
            made["id"].as_i64().expect("an id")
        };
        let sign = |release: i64| {
            let path = format!("/api/v1/releases/{release}/signoffs");
            let comment = json!({ "comment": "tried on all machines", "role": "qa" });
            self.send("POST", &path, &self.qa, &comment);
        };
        let before = prepare(older[0], 100);
        sign(before);
        self.step(before, "go", &json!({}));
        let live = prepare(newer[0], 10);
        sign(live);
        self.step(live, "go", &json!({}));
        let scheduled = prepare(newer[1], 25);
        sign(scheduled);
        let moment = Clock::system().now().after(Duration::from_secs(2 * DAY));
        self.step(scheduled, "schedule", &json!({ "starts_at": moment }));
        (live, prepare(newer[2], 100))
    }

    fn step(&self, release: i64, name: &str, body: &Value) {
        let path = format!("/api/v1/releases/{release}/{name}");
        let bearer = format!("Bearer {}", self.engineer);
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
            ("If-Match", "*"),
        ];
        let body = body.to_string();
        let web = self.master.web();
        let answer = windlass_tests::http::request(web, "POST", &path, &headers, body.as_bytes());
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }

    /// One branch follows another, one is shut off.
    fn branches(&self) -> (i64, i64) {
        let list = self.master.get("/api/v1/branches", &self.qa).json();
        let id = |name: &str| {
            let all = list["items"].as_array().expect("a list");
            let found = all.iter().find(|branch| branch["name"] == name);
            found.expect("the branch")["id"].as_i64().expect("an id")
        };
        let follower = id(FEATURE);
        let path = format!("/api/v1/branches/{follower}/follow");
        self.send("POST", &path, &self.engineer, &json!({ "branch": "main" }));
        let off = json!({ "project": "editor", "branch": "spike/plugins",
            "reason": "the updater loops on machines without a home" });
        self.send("POST", "/api/v1/shutoffs", &self.engineer, &off);
        (id("release/1.4"), follower)
    }

    /// A month of answers, and figures of the store.
    fn history(&self, branch: i64) {
        let days = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29), \
             today(d) AS (SELECT CAST(strftime('%s', 'now') AS INTEGER) / 86400)";
        self.write(&format!(
            "{days} INSERT OR IGNORE INTO update_counts (day, branch_id, target, format, from_version, outcome, asked) \
               SELECT d - i, {branch}, 'x86_64-linux', 'v1', '1.4.2', 'up-to-date', 900 + i * 37 % 400 FROM n, today; \
             {days} INSERT OR IGNORE INTO update_counts (day, branch_id, target, format, from_version, outcome, asked) \
               SELECT d - i, {branch}, 'x86_64-windows', 'electron', '1.4.1', 'offer', 400 + i * 91 % 300 FROM n, today; \
             {days} INSERT OR IGNORE INTO store_figures (day, project_id, bytes, newest_product_id) \
               SELECT d - i, 0, 9000000 - i * 170000, 1 FROM n, today WHERE i > 0;"
        ));
    }

    /// Has a plan made and carried out.
    fn collect(&self) -> i64 {
        let made = self.send(
            "POST",
            "/api/v1/retention/plans",
            &self.engineer,
            &json!({}),
        );
        let path = format!("/api/v1/retention/plans/{}", made["plan"]);
        self.send("POST", &format!("{path}/apply"), &self.engineer, &json!({}));
        wait::until("the plan is applied", || {
            let plan = self.master.get(&path, &self.engineer).json();
            (plan["state"] == "applied").then_some(())
        });
        made["plan"].as_i64().expect("an id")
    }

    fn send(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let answer = self.master.ask(method, path, token, Some(body));
        assert_eq!(answer.status / 100, 2, "{path}: {}", answer.text());
        if answer.body.is_empty() {
            return Value::Null;
        }
        answer.json()
    }

    fn write(&self, text: &str) {
        let path = self.master.path("data/windlass.sqlite");
        let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("a database");
        conn.batch_execute("PRAGMA busy_timeout = 10000")
            .expect("set");
        conn.batch_execute(text).expect("it runs");
    }
}
