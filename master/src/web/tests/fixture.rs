//! A believable installation: two projects, seven builders, some 300 builds in every state, logs,
//! products, a queue with reasons, and texts from people who mean harm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::auth::Identity;
use crate::config::Config;
use crate::config::resolved::{
    Agent, Builder, OnLost, Parameter, ParameterKind, Project, Repository, Schedule, Step,
    StepKind, Trigger, Vcs,
};
use crate::db::tests::{TestDb, sql, sqlite};
use crate::ids::{LogId, StepId};
use crate::logs::Logs;
use crate::model::Role;
use crate::ops::users::{self, NewUser};

/// A branch name that a shell, a page and a terminal would all rather not see.
pub(crate) const HOSTILE_BRANCH: &str = "$(touch x);-rf<img src=x onerror=alert(1)>";
/// An author of the same kind.
pub(crate) const HOSTILE_AUTHOR: &str = "<b>Mallory</b> \u{1b}[31m\u{202e}gnp";
/// Password of every user of the fixture.
pub(crate) const PASSWORD: &str = "a long enough password";

const MINUTE: i64 = 60_000_000;

const BUILDERS: [(&str, &str, &str); 7] = [
    ("editor-linux-x86_64", "editor", "linux"),
    ("editor-linux-aarch64", "editor", "linux"),
    ("editor-macos", "editor", "macos"),
    ("editor-windows", "editor", "windows"),
    ("editor-docs", "editor", "docs"),
    ("engine-linux", "engine", "linux"),
    ("engine-fuzz", "engine", "fuzz"),
];

/// An installation of a test.
pub(crate) struct Fixture {
    pub(crate) app: App,
    _db: TestDb,
    _home: tempfile::TempDir,
    config: watch::Sender<Arc<Config>>,
}

/// Makes the installation on SQLite.
pub(crate) async fn filled() -> Fixture {
    let (test_db, home) = (sqlite(), tempfile::tempdir().unwrap());
    let mut app = crate::app::tests::app(test_db.db.clone());
    let (sender, receiver) = watch::channel(Arc::new(config()));
    app.config = receiver;
    app.logs = Logs::new(&app.db, app.clock.clone(), home.path());
    let now = app.clock.now().0;
    let rows = rows(now);
    app.db
        .tx("fixture", move |conn| sql(conn, &rows))
        .await
        .unwrap();
    for (name, role) in [
        ("vera", Role::Viewer),
        ("quinn", Role::Qa),
        ("emil", Role::Engineer),
        ("ada", Role::Admin),
    ] {
        let user = NewUser {
            name: name.to_owned(),
            email: None,
            role,
            password: Some(PASSWORD.to_owned()),
        };
        users::add(&app, &Identity::Local { name: "test" }, user)
            .await
            .unwrap();
    }
    write_logs(&app).await;
    Fixture {
        app,
        _db: test_db,
        _home: home,
        config: sender,
    }
}

fn config() -> Config {
    let mut config = crate::app::tests::config();
    config.master.title = "Acme builds".to_owned();
    for (name, title) in [("editor", "Acme Editor"), ("engine", "Acme Engine")] {
        let title = title.to_owned();
        let checklist = vec!["installs".to_owned(), "starts".to_owned()];
        let project = Project {
            title,
            checklist,
            ..Project::default()
        };
        config.projects.insert(name.to_owned(), project);
        let repository = Repository {
            project: name.to_owned(),
            vcs: Vcs::Git,
            url: format!("https://git.acme.example/{name}.git"),
            branches: vec!["release/*".to_owned(), "main".to_owned()],
            poll: Duration::from_secs(60),
        };
        config.repositories.insert(name.to_owned(), repository);
    }
    for (name, project, tag) in BUILDERS {
        let source = StepKind::Source {
            clean: true,
            repository: project.to_owned(),
            into: ".".to_owned(),
        };
        let builder = Builder {
            project: project.to_owned(),
            tags: vec![tag.to_owned()],
            agents: BTreeMap::new(),
            matrix: BTreeMap::new(),
            steps: vec![Step {
                name: "source".to_owned(),
                kind: source,
                always: false,
                may_fail: false,
                on_lost: OnLost::Fail,
            }],
        };
        config.builders.insert(name.to_owned(), builder);
    }
    for (name, slots) in [("linux-1", 2), ("linux-2", 4), ("mac-1", 1), ("arm-1", 1)] {
        let os = if name == "mac-1" { "macos" } else { "linux" };
        let agent = Agent {
            labels: BTreeMap::from([("os".to_owned(), os.to_owned())]),
            slots,
            owner: Some("Ada <ada@acme.example>".to_owned()),
            contact: Some("room 3.14".to_owned()),
            ..Agent::default()
        };
        config.agents.insert(name.to_owned(), agent);
    }
    let schedule = Schedule {
        builders: BUILDERS
            .iter()
            .take(5)
            .map(|one| one.0.to_owned())
            .collect(),
        trigger: Trigger::Force {
            parameters: parameters(),
        },
    };
    config.schedules.insert("by-hand".to_owned(), schedule);
    config
}

fn parameters() -> Vec<Parameter> {
    let parameter = |name: &str, label: &str, kind, default: Option<&str>| Parameter {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        default: default.map(str::to_owned),
        required: default.is_some(),
    };
    let flavours = vec!["debug".to_owned(), "release".to_owned()];
    vec![
        parameter(
            "flavour",
            "Flavour",
            ParameterKind::Choice(flavours),
            Some("release"),
        ),
        parameter("jobs", "Jobs", ParameterKind::Int, None),
        parameter("sign", "Sign the packages", ParameterKind::Bool, None),
        parameter("note", "Note for QA", ParameterKind::Text, None),
    ]
}

/// SQL of every row, made of our own texts only.
pub(crate) fn rows(now: i64) -> String {
    let mut sql = String::new();
    let created = now - 90 * 24 * 60 * MINUTE;
    for (id, name) in [(1, "editor"), (2, "engine")] {
        let _ = write!(
            sql,
            "INSERT INTO projects (id, name, title, created_at) VALUES ({id}, '{name}', 'Acme', {created});
             INSERT INTO repositories (id, name, project_id, vcs, url) VALUES ({id}, '{name}', {id}, 'git', 'x');
             INSERT INTO branches (id, project_id, name, feed_token, state, created_at)
             VALUES ({id}, {id}, 'main', '{name}-main', 'active', {created});"
        );
    }
    for (at, (name, project, tag)) in BUILDERS.iter().enumerate() {
        let project = if *project == "editor" { 1 } else { 2 };
        let _ = write!(
            sql,
            "INSERT INTO builders (id, name, project_id, tags, active, next_number, created_at)
             VALUES ({}, '{name}', {project}, '[\"{tag}\"]', TRUE, 99, {created});",
            at + 1
        );
    }
    let facts = "{\"cpus\":16,\"memory_bytes\":67108864000}";
    for (id, name, os) in [
        (1, "linux-1", "linux"),
        (2, "linux-2", "linux"),
        (3, "mac-1", "macos"),
    ] {
        let _ = write!(
            sql,
            "INSERT INTO agents (id, name, key_hex, version, os, arch, facts, active, paused, created_at, connected_at, last_seen_at)
             VALUES ({id}, '{name}', 'ab', '0.1.0', '{os}', 'x86_64', '{facts}', TRUE, FALSE, {created}, {}, {});",
            now - 600 * MINUTE,
            now - MINUTE
        );
    }
    let _ = write!(
        sql,
        "INSERT INTO agents (id, name, facts, active, paused, created_at)
         VALUES (4, 'arm-1', '{{}}', TRUE, FALSE, {created});"
    );
    changes(&mut sql, now);
    builds(&mut sql, now);
    queue(&mut sql, now);
    products(&mut sql, now);
    sql
}

fn changes(sql: &mut String, now: i64) {
    let people = [
        "Grace Hopper",
        "Edsger Dijkstra",
        "Barbara Liskov",
        HOSTILE_AUTHOR,
    ];
    let messages = [
        "Fix the caret jumping to the next line when pasting",
        "Draw ligatures once\n\nThe shaper was asked twice per frame.",
        "Move the file watcher off the main thread",
        "Teach the installer about <script>alert(1)</script> paths",
    ];
    for id in 1..=120_i64 {
        let pick = usize::try_from(id % 4).unwrap();
        let branch = if id % 40 == 0 { HOSTILE_BRANCH } else { "main" };
        let at = now - (121 - id) * 47 * MINUTE;
        let _ = write!(
            sql,
            "INSERT INTO changes (id, repository_id, branch, revision, position, author, author_email, message, files, files_total, committed_at, seen_at)
             VALUES ({id}, 1, '{branch}', '{}', {id}, '{}', 'dev@acme.example', '{}', '[\"src/caret.rs\",\"src/view/paste.rs\"]', 2, {at}, {at});",
            revision(id),
            people[pick],
            messages[pick]
        );
    }
}

fn revision(seed: i64) -> String {
    /// Any odd number far from a power of two spreads small seeds over all digits.
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    format!(
        "{:040x}",
        u128::from(seed.unsigned_abs()).wrapping_mul(SPREAD)
    )
}

fn builds(sql: &mut String, now: i64) {
    let mut id = 0;
    for (at, (name, _, _)) in BUILDERS.iter().enumerate().take(6) {
        for number in 1..=50_i64 {
            id += 1;
            let builder = i64::try_from(at).unwrap() + 1;
            let start = now - (51 - number) * 110 * MINUTE - builder * 7 * MINUTE;
            let is_last = number == 50;
            let (state, result, text) = match (is_last, builder) {
                (true, 1 | 2) => ("running", None, "step 3 of 5: make check"),
                (true, 3) => (
                    "finished",
                    Some("failure"),
                    "`make check` failed with exit status 2",
                ),
                (true, 4) => ("finished", Some("warnings"), "lint found 3 problems"),
                (true, 6) => ("finished", Some("error"), "the agent mac-1 was lost"),
                _ if number % 17 == 0 => (
                    "finished",
                    Some("failure"),
                    "`make check` failed with exit status 2",
                ),
                _ if number % 23 == 0 => ("finished", Some("cancelled"), "stopped by emil"),
                _ => ("finished", Some("success"), "done"),
            };
            let end = start + (8 + number % 5) * MINUTE;
            one_build(
                sql,
                &BuildRow {
                    id,
                    builder,
                    number,
                    start,
                    end,
                    state,
                    result,
                    text,
                    name,
                },
            );
        }
    }
}

struct BuildRow<'a> {
    id: i64,
    builder: i64,
    number: i64,
    start: i64,
    end: i64,
    state: &'a str,
    result: Option<&'a str>,
    text: &'a str,
    name: &'a str,
}

fn one_build(sql: &mut String, row: &BuildRow<'_>) {
    let BuildRow {
        id,
        builder,
        number,
        start,
        end,
        state,
        result,
        text,
        name,
    } = row;
    let branch = if number % 25 == 0 {
        HOSTILE_BRANCH
    } else {
        "main"
    };
    let change = number + 70;
    let result_sql = result.map_or("NULL".to_owned(), |word| format!("'{word}'"));
    let end_sql = result.map_or("NULL".to_owned(), |_| end.to_string());
    let request_state = if result.is_some() { "done" } else { "claimed" };
    let _ = write!(
        sql,
        "INSERT INTO requests (id, builder_id, schedule, reason, requested_by, priority, state, wait_reason, properties, created_at)
         VALUES ({id}, {builder}, 'push', 'a change on {branch}', 'schedule push', 0, '{request_state}', '', '{{}}', {});
         INSERT INTO source_stamps (request_id, codebase, repository_id, branch, revision, position)
         VALUES ({id}, 'editor', 1, '{branch}', '{}', {change});
         INSERT INTO request_changes (request_id, change_id) VALUES ({id}, {change});
         INSERT INTO builds (id, builder_id, number, request_id, agent_id, state, result, state_text, folder, created_at, started_at, finished_at)
         VALUES ({id}, {builder}, {number}, {id}, {}, '{state}', {result_sql}, '{text}', '{name}/own-1', {start}, {start}, {end_sql});
         INSERT INTO build_properties (build_id, name, value, source) VALUES ({id}, 'branch', '\"{branch}\"', 'source');",
        start - 2 * MINUTE,
        revision(change),
        builder % 3 + 1
    );
    let steps = [
        ("source", "source", 1),
        ("make", "run", 4),
        ("make check", "run", 2),
        ("package", "product", 1),
    ];
    let mut at = *start;
    let is_bad = matches!(*result, Some("failure" | "error"));
    for (place, (step, kind, minutes)) in steps.iter().enumerate() {
        let step_id = id * 10 + i64::try_from(place).unwrap();
        let next = at + minutes * MINUTE;
        let (state, result, from, to) = match (place, result.is_none(), is_bad) {
            (2, true, _) => ("running", "NULL", at.to_string(), "NULL".to_owned()),
            (3, true, _) => ("pending", "NULL", "NULL".to_owned(), "NULL".to_owned()),
            (2, _, true) => ("finished", "'failure'", at.to_string(), next.to_string()),
            (3, _, true) => (
                "finished",
                "'skipped'",
                "NULL".to_owned(),
                "NULL".to_owned(),
            ),
            _ => ("finished", "'success'", at.to_string(), next.to_string()),
        };
        let _ = write!(
            sql,
            "INSERT INTO steps (id, build_id, position, name, kind, state, result, state_text, started_at, finished_at)
             VALUES ({step_id}, {id}, {place}, '{step}', '{kind}', '{state}', {result}, '', {from}, {to});"
        );
        at = next;
    }
}

fn queue(sql: &mut String, now: i64) {
    let reasons = [
        "no connected agent has os=linux arch=aarch64 (known: linux-1, linux-2)",
        "both slots of linux-1 are taken",
    ];
    for (at, reason) in reasons.iter().enumerate() {
        let id = 900 + i64::try_from(at).unwrap();
        let _ = write!(
            sql,
            "INSERT INTO requests (id, builder_id, schedule, reason, requested_by, priority, state, wait_reason, properties, created_at)
             VALUES ({id}, {}, NULL, 'for the <i>release</i>', 'emil', 0, 'pending', '{reason}', '{{}}', {});
             INSERT INTO source_stamps (request_id, codebase, repository_id, branch, revision, position)
             VALUES ({id}, 'editor', 1, 'main', '{}', 120);",
            at + 1,
            now - 12 * MINUTE,
            revision(120)
        );
    }
}

fn products(sql: &mut String, now: i64) {
    for id in 1..=60_i64 {
        let built = now - (61 - id) * 220 * MINUTE;
        let sha = format!("{:064x}", id);
        let state = if id == 3 { "withdrawn" } else { "recorded" };
        let _ = write!(
            sql,
            "INSERT INTO blobs (sha256, sha1, sha512, size, state, generation, created_at)
             VALUES ('{sha}', '{:040x}', '{:0128x}', {}, 'live', 1, {built});
             INSERT INTO products (id, project_id, branch_id, target, version, feed_version, seq_position, seq_build, build_id, builder, build_number, revision, runtime_name, runtime_spec, state, state_reason, row_version, went_backwards, built_at, recorded_at, recorded_by)
             VALUES ({id}, 1, 1, 'x86_64-linux', '2.4.{id}', '2.4.{id}', {id}, {id}, {id}, 'editor-linux-x86_64', {id}, '{}', 'python', '>=3.9,<3.13', '{state}', '', 1, FALSE, {built}, {built}, 'runner');
             INSERT INTO product_files (product_id, role, name, blob_sha256, size, source_path)
             VALUES ({id}, 'installer', 'editor-2.4.{id}.tar.gz', '{sha}', {}, 'dist/editor.tar.gz');
             INSERT INTO product_properties (product_id, name, value, source)
             VALUES ({id}, 'flavour', '\"release\"', 'form');",
            id,
            id,
            8_400_000 + id * 1_111,
            revision(id + 70),
            8_400_000 + id * 1_111
        );
    }
}

/// A failed, a running and a very long log.
async fn write_logs(app: &App) {
    let failed = 150;
    let log = begin(app, StepId(failed * 10 + 2), "output").await;
    let mut text = String::new();
    for n in 1..=400 {
        let _ = writeln!(
            text,
            "\u{1b}[32mok\u{1b}[0m {n} - paste keeps the caret in line {n}"
        );
    }
    text.push_str("\u{1b}[1;31merror\u{1b}[0m: test `caret_after_paste` failed\n");
    text.push_str("  expected: <Caret line=3>\n     found: <Caret line=4>\n");
    text.push_str("make: *** [Makefile:31: check] Error 2\n");
    append(app, log, text.as_bytes(), true).await;
    let running = begin(app, StepId(50 * 10 + 2), "output").await;
    append(
        app,
        running,
        b"\x1b[36mRunning\x1b[0m 412 tests\nok 1\nok 2\nok 3",
        false,
    )
    .await;
    let long = begin(app, StepId(10), "output").await;
    let mut text = String::new();
    for n in 1..=30_000 {
        let _ = writeln!(
            text,
            "line {n}: compiling module_{n}.rs with all the usual flags"
        );
    }
    append(app, long, text.as_bytes(), true).await;
}

async fn begin(app: &App, step: StepId, name: &str) -> LogId {
    let now = app.clock.now();
    let name = name.parse().unwrap();
    let insert = move |conn: &mut _| crate::db::logs::insert(conn, now, step, &name);
    app.db.tx("begin", insert).await.unwrap().id
}

async fn append(app: &App, log: LogId, bytes: &[u8], close: bool) {
    let mut writer = app.logs.open(log).await.unwrap();
    writer.append(bytes).await.unwrap();
    writer.commit().await.unwrap();
    if close {
        writer.close().await.unwrap();
    }
}

/// Lets only those read who are logged in.
pub(crate) fn forbid_anonymous(fixture: &mut Fixture) {
    let mut config = config();
    config.master.anonymous_read = false;
    fixture.config.send(Arc::new(config)).unwrap();
}
