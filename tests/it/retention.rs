//! Collection by the real program: a master that is killed at every point on the way out of a
//! product and of its bytes, and what is there afterwards; and the commands.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use windlass_tests::http;
use windlass_tests::master::{Master, PASSWORD};
use windlass_tests::programs::{Background, windlass};
use windlass_tests::wait;

const CONFIGURATION: &str = "[project.editor]\n\n[retention.default]\nkeep_newest = 1\n\
     keep_newest_good = 0\nkeep_days = 1\ngrace_days = 0\ntrash_days = 1\n";
const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";
/// Ten days in microseconds: longer than anything waits here.
const TEN_DAYS: i64 = 864_000_000_000;

/// Points at which a plan is applied, at which the trash is emptied and files are condemned, and
/// at which files go.
const APPLYING: &[&str] = &["expire.row", "expire.before-commit", "expire.after"];
const LEAVING: &[&str] = &[
    "expire.deleted",
    "condemn.before-commit",
    "condemn.after",
    "store.shifted",
];
const UNLINKING: &[&str] = &[
    "unlink.before-commit",
    "unlink.committed",
    "unlink.before",
    "unlink.after",
];

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The master's database while the master rests, or beside it.
fn database(master: &Master) -> SqliteConnection {
    let path = master.path("data/windlass.sqlite");
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("a database");
    conn.batch_execute("PRAGMA busy_timeout = 5000")
        .expect("set");
    conn
}

fn word(master: &Master, text: &str) -> String {
    let rows: Vec<Word> = diesel::sql_query(text)
        .load(&mut database(master))
        .expect("rows");
    rows.into_iter()
        .map(|row| row.word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn run(master: &Master, text: &str) {
    database(master).batch_execute(text).expect("it runs");
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(master: &Master, below: &str, content: &str) -> PathBuf {
    let name = sha256(content);
    master
        .path("data/blobs")
        .join(below)
        .join(&name[..2])
        .join(&name)
}

/// Two old products of a branch of their own, with a file each; returns the id of the first.
fn two_products(master: &Master, branch: &str) -> i64 {
    let mut text = format!(
        "INSERT INTO branches (project_id, name, feed_token, state, created_at) \
         SELECT id, '{branch}', '{branch}-token', 'active', 1 FROM projects;"
    );
    for (position, content) in [(1, format!("{branch} old")), (2, format!("{branch} new"))] {
        let path = file(master, "", &content);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, &content).expect("written");
        let (name, size) = (sha256(&content), content.len());
        text.push_str(&format!(
            "INSERT INTO blobs (sha256, sha1, sha512, size, state, generation, created_at) \
             VALUES ('{name}', 'x', 'x', {size}, 'live', 1, 1);\
             INSERT INTO products (project_id, branch_id, target, version, seq_position, \
             seq_build, builder, build_number, revision, state, state_reason, row_version, \
             went_backwards, built_at, recorded_at, recorded_by, size, files_total) \
             SELECT project_id, id, 'any', '1.{position}', {position}, {position}, 'b', \
             {position}, 'r', 'recorded', '', 1, FALSE, 1, 1, 'x', {size}, 1 FROM branches \
             WHERE name = '{branch}';\
             INSERT INTO product_files (product_id, role, name, blob_sha256, size, source_path) \
             SELECT MAX(id), 'installer', 'f{position}', '{name}', {size}, 'f' FROM products;"
        ));
    }
    run(master, &text);
    let text = "SELECT MAX(id) - 1 AS number FROM products";
    let row: Number = diesel::sql_query(text)
        .get_result(&mut database(master))
        .expect("a row");
    row.number
}

/// Starts the master with the fail point and waits until it has ended there.
fn die_at(master: &Master, point: &str) {
    let mut command = Command::new(windlass());
    command
        .args(["serve", "--config", "windlass.toml"])
        .env(VARIABLE, point)
        .current_dir(master.path(""));
    let mut process = Background::start(command, &master.path("master.log"));
    wait::until(&format!("the master ends at {point}"), || process.ended());
}

/// Has a plan made and applied; the master may die on the way.
fn collect(master: &mut Master, token: &str, point: Option<&str>) {
    if let Some(point) = point {
        master.set(&[(VARIABLE, point)]);
    }
    master.start();
    let made = master.ask("POST", "/api/v1/retention/plans", token, Some(&json!({})));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["products_total"], 1, "{made}");
    let path = format!("/api/v1/retention/plans/{}", made["plan"]);
    match point {
        None => {
            let applied = master.ask("POST", &format!("{path}/apply"), token, None);
            assert_eq!(applied.status, 202, "{}", applied.text());
        }
        Some(point) => {
            // It may die before it answers.
            let address = master.web();
            let bearer = format!("Bearer {token}");
            let headers = [("Authorization", bearer.as_str())];
            let apply = format!("{path}/apply");
            let _ = http::request(address, "POST", &apply, &headers, &[]);
            wait::until(&format!("the master ends at {point}"), || {
                http::request(address, "GET", "/healthz", &[], &[]).err()
            });
            master.kill();
            master.set(&[]);
            master.start();
        }
    }
    wait::until("the plan is applied", || {
        let plan = master.get(&path, token).json();
        (plan["state"] == "applied").then_some(())
    });
    master.stop();
}

/// Starts the master, waits until it is as `look` wants it, and stops it.
fn settle(master: &mut Master, what: &str, mut look: impl FnMut(&Master) -> bool) {
    master.start();
    wait::until(what, || look(master).then_some(()));
    master.stop();
}

#[test]
fn a_master_killed_at_any_point_of_the_way_out_loses_no_byte_and_leaves_none() {
    let mut master = Master::new(CONFIGURATION);
    let token = master.user("emil", "engineer");
    master.start();
    master.stop();
    let points = [APPLYING, LEAVING, UNLINKING].concat();
    for (at, point) in points.into_iter().enumerate() {
        let branch = format!("branch-{at}");
        let product = two_products(&master, &branch);
        let (old, new) = (format!("{branch} old"), format!("{branch} new"));
        let name = sha256(&old);
        let state = |master: &Master| {
            let text = format!("SELECT state AS word FROM blobs WHERE sha256 = '{name}'");
            word(master, &text)
        };
        collect(
            &mut master,
            &token,
            APPLYING.contains(&point).then_some(point),
        );
        let product_state = format!("SELECT state AS word FROM products WHERE id = {product}");
        assert_eq!(word(&master, &product_state), "expired", "{point}");
        assert!(
            file(&master, "", &old).exists(),
            "{point}: in the trash with its bytes"
        );
        run(
            &master,
            &format!(
                "UPDATE products SET expired_at = expired_at - {TEN_DAYS} WHERE id = {product}"
            ),
        );
        if LEAVING.contains(&point) {
            die_at(&master, point);
        }
        settle(
            &mut master,
            "the file is condemned and in the store's trash",
            |master| state(master) == "condemned" && file(master, "trash", &old).exists(),
        );
        assert!(!file(&master, "", &old).exists(), "{point}");
        run(
            &master,
            &format!(
                "UPDATE blobs SET condemned_at = condemned_at - {TEN_DAYS} WHERE sha256 = '{name}'"
            ),
        );
        if UNLINKING.contains(&point) {
            die_at(&master, point);
        }
        settle(&mut master, "the file is gone", |master| {
            state(master) == "gone" && !file(master, "trash", &old).exists()
        });
        assert_eq!(word(&master, &product_state), "deleted", "{point}");
        assert_eq!(
            fs::read_to_string(file(&master, "", &new)).expect("kept"),
            new,
            "{point}"
        );
        let newest = format!(
            "SELECT state AS word FROM products WHERE id = {}",
            product + 1
        );
        assert_eq!(word(&master, &newest), "recorded", "{point}");
    }
}

#[test]
fn the_commands_plan_show_apply_restore_and_tell_why() {
    let mut master = Master::new(CONFIGURATION);
    master.start();
    master.stop();
    let product = two_products(&master, "main").to_string();
    let tell = |arguments: &[&str]| {
        let all = [&["retention"], arguments].concat();
        master.command(&all, "")
    };
    let why = tell(&["why", &product]);
    assert!(why.contains("the next collection lets it go"), "{why}");
    let dry = tell(&["plan", "--dry-run"]);
    assert!(dry.starts_with("1 of 2 products may go"), "{dry}");
    assert_eq!(tell(&["show"]), "");
    assert!(tell(&["plan"]).contains("windlass retention apply 1"));
    let shown = tell(&["show", "1"]);
    assert!(
        shown.contains("editor main any 1.1  planned 1 days old or more"),
        "{shown}"
    );
    assert!(tell(&["apply", "1"]).contains("applied 1 collected, 0 left"));
    assert!(tell(&["trash"]).contains("editor main any 1.1"));
    tell(&["restore", &product, "--reason", "needed"]);
    assert_eq!(tell(&["trash"]), "");
    let newest = tell(&[
        "why",
        &(product.parse::<i64>().expect("a number") + 1).to_string(),
    ]);
    assert!(
        newest.contains("it is the newest of its branch and target"),
        "{newest}"
    );
    assert!(tell(&["scrub"]).contains("the master reads every file"));
}

#[test]
fn the_pages_make_and_apply_a_plan_restore_collect_and_ask_for_a_reading() {
    let mut master = Master::new(CONFIGURATION);
    master.user("emil", "engineer");
    master.start();
    let product = two_products(&master, "main");
    let origin = format!("http://{}", master.web());
    let post = |path: &str, cookie: &str, form: &str| {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", origin.as_str()),
            ("Cookie", cookie),
        ];
        let answer = http::request(master.web(), "POST", path, &headers, form.as_bytes());
        answer.expect("an answer")
    };
    let login = format!("name=emil&password={PASSWORD}&next=%2F");
    let answer = post("/login", "", &login);
    let cookie = answer.header("set-cookie").expect("a session cookie");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let to = |answer: &http::Answer| {
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").expect("a place").to_owned()
    };
    let made = post("/retention/plans", &cookie, "");
    assert_eq!(to(&made), "/retention/plans/1");
    let page = master.get("/retention/plans/1", "").text();
    assert!(
        page.contains("Every branch offers what it offered before"),
        "{page}"
    );
    assert!(page.contains("1 days old or more"), "{page}");
    assert_eq!(
        to(&post("/retention/plans/1/apply", &cookie, "")),
        "/retention/plans/1"
    );
    wait::until("the product is in the trash", || {
        let page = master.get("/retention/trash", "").text();
        page.contains(">1.1</a>").then_some(())
    });
    let nobody = post(&format!("/products/{product}/restore"), "", "reason=x");
    assert!(nobody.status == 401 || to(&nobody).starts_with("/login"));
    to(&post(
        &format!("/products/{product}/restore"),
        &cookie,
        "reason=needed",
    ));
    let why = master
        .get(&format!("/products/{product}/why-kept"), "")
        .text();
    assert!(
        why.contains("the next collection lets it go") || why.contains("younger"),
        "{why}"
    );
    let newest = format!("/products/{}/collect", product + 1);
    let refused = post(&newest, &cookie, "reason=too+big");
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(to(&post("/retention/scrub", &cookie, "")), "/retention");
    let overview = master.get("/retention", "").text();
    assert!(overview.contains("Plan 1"), "{overview}");
}
