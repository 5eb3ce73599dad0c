//! Releases by the real program: a master that is killed at every point of every change of one. The
//! change was made, or it was not; what applications are offered says the same; and it can be made
//! again.

use std::fs;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use windlass::failpoints::POINTS;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::Master;
use windlass_tests::programs::{Background, windlass};
use windlass_tests::wait;

const CONFIGURATION: &str = "[project.editor]\n";
const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";

/// A change, what is done before it, and by whom it is made.
struct Change {
    name: &'static str,
    before: &'static [(&'static str, usize)],
    step: (&'static str, usize),
}

/// The number is that of a product of the branch: 0 for the lowest.
const CHANGES: &[Change] = &[
    change("create", &[], ("create", 1)),
    change("sign", &[("create", 1)], ("sign", 1)),
    change("schedule", &[("create", 1)], ("schedule", 1)),
    change(
        "unschedule",
        &[("create", 1), ("schedule", 1)],
        ("unschedule", 1),
    ),
    change("go", &[("create", 1)], ("go", 1)),
    change("rollout", &[("create", 1), ("go", 1)], ("rollout", 1)),
    change("pause", &[("create", 1), ("go", 1)], ("pause", 1)),
    change(
        "resume",
        &[("create", 1), ("go", 1), ("pause", 1)],
        ("resume", 1),
    ),
    change("withdraw", &[("create", 1), ("go", 1)], ("withdraw", 1)),
    change(
        "rollback",
        &[("create", 0), ("go", 0), ("create", 1), ("go", 1)],
        ("rollback", 1),
    ),
    change("withdraw-product", &[], ("withdraw-product", 2)),
    change(
        "reinstate-product",
        &[("withdraw-product", 2)],
        ("reinstate-product", 2),
    ),
];

const fn change(
    name: &'static str,
    before: &'static [(&'static str, usize)],
    step: (&'static str, usize),
) -> Change {
    Change { name, before, step }
}

/// A branch on which a change is made.
struct Bench {
    change: &'static Change,
    point: &'static str,
    branch: String,
    /// Its three products, the lowest first.
    products: [i64; 3],
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A branch with three products, a file each.
fn branch(master: &Master, branch: &str, first: i64) -> [i64; 3] {
    let mut text = format!(
        "PRAGMA busy_timeout = 5000; \
         INSERT INTO branches (project_id, name, feed_token, state, created_at) \
         SELECT id, '{branch}', '{branch}-token', 'active', 1 FROM projects;"
    );
    for number in 1..=3 {
        let content = format!("{branch} {number}");
        let (name, size, id) = (sha256(&content), content.len(), first + number);
        let path = master.path("data/blobs").join(&name[..2]).join(&name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, &content).expect("written");
        text.push_str(&format!(
            "INSERT INTO blobs (sha256, sha1, sha512, size, state, generation, created_at) \
             VALUES ('{name}', 'x', 'x', {size}, 'live', 1, 1);\
             INSERT INTO products (id, project_id, branch_id, target, version, seq_position, \
             seq_build, builder, build_number, revision, state, state_reason, row_version, \
             went_backwards, built_at, recorded_at, recorded_by, size, files_total) \
             SELECT {id}, project_id, id, 'any', '1.{number}', {number}, {number}, 'b', \
             {number}, 'r', 'recorded', '', 1, FALSE, 1, 1, 'x', {size}, 1 FROM branches \
             WHERE name = '{branch}';\
             INSERT INTO product_files (product_id, role, name, blob_sha256, size, source_path) \
             VALUES ({id}, 'installer', 'f{number}', '{name}', {size}, 'f');"
        ));
    }
    run(master, &text);
    [first + 1, first + 2, first + 3]
}

fn run(master: &Master, text: &str) {
    let path = master.path("data/windlass.sqlite");
    let conn = SqliteConnection::establish(&path.to_string_lossy());
    conn.expect("a database")
        .batch_execute(text)
        .expect("it runs");
}

/// The newest release of the bench's product of this number.
fn release(master: &Master, bench: &Bench, number: usize) -> Value {
    let list = format!("/api/v1/releases?branch={}", bench.branch);
    let list = master.get(&list, "").json();
    let all = list["items"].as_array().cloned().unwrap_or_default();
    let is_its = |one: &Value| one["product"] == bench.products[number];
    all.into_iter().find(is_its).unwrap_or_default()
}

/// Does a step to the product of this number or to its release; `None` when the master went away.
fn step(
    master: &Master,
    tokens: &[String; 2],
    bench: &Bench,
    (step, number): (&str, usize),
) -> Option<Answer> {
    let product = bench.products[number];
    let reason = json!({ "reason": "a test of it" });
    let (path, body) = match step {
        "create" => (
            "/api/v1/releases".to_owned(),
            json!({ "product": product, "rollout_percent": 100 }),
        ),
        "withdraw-product" => (format!("/api/v1/products/{product}/withdraw"), reason),
        "reinstate-product" => (format!("/api/v1/products/{product}/reinstate"), reason),
        step => {
            let id = release(master, bench, number)["id"].clone();
            let path = match step {
                "sign" => "signoffs",
                step => step,
            };
            let body = match step {
                "sign" => json!({ "comment": "tried on all machines" }),
                "schedule" => json!({ "starts_at": "2100-01-01T00:00:00Z" }),
                "rollout" => json!({ "percent": 60 }),
                "rollback" => json!({ "product": bench.products[0], "reason": "loses files" }),
                "pause" | "withdraw" => reason,
                _ => json!({}),
            };
            (format!("/api/v1/releases/{id}/{path}"), body)
        }
    };
    let token = &tokens[usize::from(step == "sign")];
    let bearer = format!("Bearer {token}");
    let guarded = match step.ends_with("-product") {
        true => master
            .get(&format!("/api/v1/products/{product}"), "")
            .json(),
        false => release(master, bench, number),
    };
    let guard = format!("\"{}\"", guarded["row_version"]);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("If-Match", guard.as_str()),
    ];
    let body = body.to_string();
    http::request(master.web(), "POST", &path, &headers, body.as_bytes()).ok()
}

/// Everything that tells whether the change was made: releases with their sign-offs, products, and
/// what an application is offered.
fn look(master: &Master, bench: &Bench) -> String {
    let list = master.get(&format!("/api/v1/releases?branch={}", bench.branch), "");
    let mut told = String::new();
    for one in list.json()["items"].as_array().into_iter().flatten() {
        let shown = master
            .get(&format!("/api/v1/releases/{}", one["id"]), "")
            .json();
        let signed = shown["signoffs"].as_array().map_or(0, Vec::len);
        told.push_str(&format!(
            "{} {} {}% {} signed, ",
            shown["version"], shown["state"], shown["rollout_percent"], signed
        ));
    }
    for product in bench.products {
        let shown = master
            .get(&format!("/api/v1/products/{product}"), "")
            .json();
        told.push_str(&format!("{} {}, ", shown["version"], shown["state"]));
    }
    let feed = format!("/update/v1/editor/{}-token/any", bench.branch);
    let offered = master.get(&feed, "");
    told.push_str(&match offered.status {
        200 => format!("offered {}", offered.json()["version"]),
        status => format!("offered nothing: {status}"),
    });
    told
}

#[test]
fn a_master_killed_at_any_point_of_a_release_has_changed_all_of_it_or_nothing() {
    let mut master = Master::new(CONFIGURATION);
    let tokens = [master.user("emil", "engineer"), master.user("quinn", "qa")];
    master.start();
    let points = || POINTS.iter().filter(|point| point.starts_with("release."));
    assert_eq!(points().count(), 2);
    let mut benches = Vec::new();
    for change in CHANGES {
        for point in points() {
            let name = format!("{}-{}", change.name, point.replace('.', "-"));
            let first = 10 * i64::try_from(benches.len()).expect("few");
            let products = branch(&master, &name, first);
            benches.push(Bench {
                change,
                point,
                branch: name,
                products,
            });
        }
    }
    master.stop();
    master.start();
    for bench in &benches {
        for before in bench.change.before {
            let done = step(&master, &tokens, bench, *before).expect("an answer");
            assert_eq!(done.status / 100, 2, "{before:?}: {}", done.text());
        }
    }
    let before: Vec<String> = benches.iter().map(|bench| look(&master, bench)).collect();
    master.stop();
    for bench in &benches {
        let name = &bench.branch;
        master.set(&[(VARIABLE, bench.point)]);
        master.start();
        let answer = step(&master, &tokens, bench, bench.change.step);
        assert!(answer.is_none(), "{name} was never reached: {answer:?}");
        master.kill();
    }
    master.set(&[]);
    master.start();
    for (pair, before) in benches.chunks(2).zip(before.chunks(2)) {
        let now: Vec<String> = pair.iter().map(|bench| look(&master, bench)).collect();
        let [changing, changed] = pair else {
            panic!("two points for each change");
        };
        assert_eq!(changing.point, "release.changing");
        assert_eq!(now[0], before[0], "{}: half of it", changing.branch);
        assert_ne!(now[1], before[1], "{}: it was promised", changed.branch);
        let again = step(&master, &tokens, changing, changing.change.step).expect("an answer");
        assert_eq!(again.status / 100, 2, "{}", again.text());
        assert_eq!(look(&master, changing), now[1], "{}", changing.branch);
    }
}

#[test]
fn a_master_killed_while_a_release_begins_by_itself_begins_it_once() {
    let mut master = Master::new(CONFIGURATION);
    let tokens = [master.user("emil", "engineer"), master.user("quinn", "qa")];
    for (at, point) in ["release.changing", "release.changed"]
        .into_iter()
        .enumerate()
    {
        master.start();
        let name = format!("launch-{at}");
        let products = branch(&master, &name, 10 * at as i64);
        let bench = Bench {
            change: &CHANGES[0],
            point,
            branch: name.clone(),
            products,
        };
        for before in [("create", 1), ("schedule", 1)] {
            let done = step(&master, &tokens, &bench, before).expect("an answer");
            assert_eq!(done.status / 100, 2, "{before:?}: {}", done.text());
        }
        assert!(look(&master, &bench).ends_with("offered \"1.3\""));
        master.stop();
        run(
            &master,
            "UPDATE releases SET starts_at = 1 WHERE state = 'scheduled'",
        );
        let mut command = Command::new(windlass());
        command
            .args(["serve", "--config", "windlass.toml"])
            .env(VARIABLE, point)
            .current_dir(master.path(""));
        let mut process = Background::start(command, &master.path("master.log"));
        wait::until(&format!("the master ends at {point}"), || process.ended());
        master.start();
        wait::until("the release is live", || {
            let told = look(&master, &bench);
            let is_live = told.contains("live") && told.ends_with("offered \"1.2\"");
            is_live.then_some(())
        });
        let trail = master.user(&format!("ada-{at}"), "admin");
        let trail = master.get("/api/v1/audit", &trail).json();
        let id = release(&master, &bench, 1)["id"].to_string();
        let began = |row: &&Value| row["action"] == "release.go" && row["object_id"] == id.as_str();
        let rows = trail["items"].as_array().cloned().unwrap_or_default();
        assert_eq!(rows.iter().filter(began).count(), 1, "{point}: {trail}");
        master.stop();
    }
}
