//! The whole of it: two branches, three targets, five builds of each by real agents; testers mark one
//! bad and keep an old one; releases are scheduled, widened and rolled back; what nobody needs is
//! collected, with the master killed on the way; and applications of each branch ask all the while.

mod applications;
mod house;
mod truth;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::clock::Time;
use windlass_tests::wait;

use applications::Applications;
use house::Story;
use truth::{Built, Line, Right, Seen};

const BRANCHES: [&str; 2] = ["main", "release/1.4"];
/// Each target, what electron-updater calls its file, and the triple of self_update.
const TARGETS: [(&str, &str, &str); 3] = [
    (
        "x86_64-linux",
        "latest-linux.yml",
        "x86_64-unknown-linux-gnu",
    ),
    ("x86_64-windows", "latest.yml", "x86_64-pc-windows-msvc"),
    ("aarch64-macos", "latest-mac.yml", "aarch64-apple-darwin"),
];
const BUILDS: usize = 5;
/// Ten days in microseconds: longer than anything waits here.
const TEN_DAYS: i64 = 864_000_000_000;

/// Five rounds of builds while applications ask. After the third, build 3 of the old branch is
/// released, and from then on it is what its applications are offered.
fn builds_come(story: &Story) -> (Applications, Vec<Line>) {
    let mut lines = story.built(1);
    let applications = Applications::start(story.master.web(), lines.clone());
    let field = &applications.field;
    for number in 1..BUILDS {
        let offers_builds = |line: usize| number < 3 || lines[line].branch == "main";
        field.truth.also(&[Right::all(number)], offers_builds);
        story.push(number + 1);
        let next = story.built(number + 1);
        field.lines().clone_from(&next);
        field.truth.only(&[Right::all(number)], offers_builds);
        lines = next;
        if number == 2 {
            // With the first release of a branch its other targets offer releases only, too.
            let is_old = |line: usize| lines[line].branch == "release/1.4";
            field.truth.also(&[Right::NOTHING], is_old);
            for release in story.prepare(&lines, "release/1.4", 2, 100) {
                let live = story.step(&release, "go", &json!({}));
                assert_eq!(live["state"], "live", "{live}");
            }
            field.truth.only(&[Right::all(2)], is_old);
        }
    }
    (applications, lines)
}

/// The fifth build of the old branch begins by itself, for 30 of a hundred.
fn a_release_begins(story: &Story, applications: &Applications, lines: &[Line]) -> Vec<Value> {
    let truth = &applications.field.truth;
    let is_old = |line: usize| lines[line].branch == "release/1.4";
    let inside = Right {
        with_id: Some(4),
        ..Right::all(2)
    };
    truth.also(&[inside], is_old);
    let releases = story.prepare(lines, "release/1.4", 4, 30);
    let made: Time = serde_json::from_value(releases[2]["created_at"].clone()).expect("a moment");
    let at = made.after(Duration::from_secs(5));
    let body = json!({ "starts_at": at.to_string() });
    for release in &releases {
        let scheduled = story.step(release, "schedule", &body);
        assert_eq!(scheduled["state"], "scheduled", "{scheduled}");
    }
    wait::until("every release began by itself", || {
        let live = story.master.get("/api/v1/releases?state=live", "").json();
        (live["items"].as_array()?.len() == 3).then_some(())
    });
    wait::until("every one of them is the fifth build's", || {
        let live = story.master.get("/api/v1/releases?state=live", "").json();
        let is_new = |item: &Value| releases.iter().any(|release| release["id"] == item["id"]);
        live["items"].as_array()?.iter().all(is_new).then_some(())
    });
    releases
}

/// Which of a hundred ids are offered the fifth build of a line.
fn inside(story: &Story, line: &Line) -> BTreeSet<usize> {
    let is_inside = |id: &usize| {
        let place = format!("/update/v1/editor/{}/{}", line.feed, line.target);
        let answer = story.master.get(&format!("{place}?id=machine-{id}"), "");
        let version = answer.json()["version"].as_str().map(str::to_owned);
        let [old, new] = [2, 4].map(|build| line.builds[build].version.as_str());
        match version.as_deref() {
            Some(version) if version == new => true,
            Some(version) if version == old => false,
            other => panic!("{other:?} for {id} of {line:?}"),
        }
    };
    (0..100).filter(is_inside).collect()
}

/// One is bad, and the first build stays with a tester, on every target.
fn testers_judge(story: &Story, lines: &[Line]) {
    let path = |build: &Built, what: &str| format!("/api/v1/products/{}/{what}", build.product);
    let bad = json!({ "verdict": "bad", "comment": "crashes on start",
        "bug": "https://bugs.acme.example/77" });
    let builds = &lines[0].builds;
    story.change(&story.tester, &path(&builds[3], "verdicts"), None, &bad);
    let kept = json!({ "reason": "Beta 1 runs on it", "cascade": true });
    story.change(&story.tester, &path(&builds[0], "holds"), None, &kept);
    let holds = story.master.get("/api/v1/holds", "").json();
    assert_eq!(holds["items"].as_array().map(Vec::len), Some(3), "{holds}");
    let line = &lines[1];
    let kept = format!("/p/editor/{}/{}/last-kept", line.feed, line.target);
    let answer = story.master.get(&kept, "");
    let place = answer.header("location").unwrap_or_default();
    assert!(place.ends_with(&line.builds[0].path), "{}", answer.status);
}

/// Builds that are to go, of each line.
fn going(line: usize) -> &'static [usize] {
    match line {
        // The fourth is bad and takes no place among the two newest; the first is kept.
        0 => &[1, 3],
        1 | 2 => &[1, 2],
        // The third is what who is outside the rollout falls back to.
        _ => &[0, 1],
    }
}

/// What is to go, and what is to stay.
fn parted(lines: &[Line]) -> (Vec<Built>, Vec<Built>) {
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for (number, line) in lines.iter().enumerate() {
        for (build, built) in line.builds.iter().enumerate() {
            let to = if going(number).contains(&build) {
                &mut gone
            } else {
                &mut kept
            };
            to.push(built.clone());
        }
    }
    (gone, kept)
}

/// A plan is made and applied; while it is, the rollout ends.
fn collection_runs(story: &Story, applications: &Applications, lines: &[Line], live: &[Value]) {
    story.run(&format!(
        "UPDATE products SET recorded_at = recorded_at - {TEN_DAYS}, built_at = built_at - {TEN_DAYS};
         UPDATE verdicts SET created_at = created_at - {TEN_DAYS};
         UPDATE blobs SET created_at = created_at - {TEN_DAYS}, touched_at = touched_at - {TEN_DAYS};"
    ));
    let (gone, kept) = parted(lines);
    let plan = story.change(&story.engineer, "/api/v1/retention/plans", None, &json!({}));
    assert_eq!(plan["products_total"], gone.len(), "{plan}");
    let path = format!("/api/v1/retention/plans/{}", plan["plan"]);
    story.change(&story.engineer, &format!("{path}/apply"), None, &json!({}));
    let is_old = |line: usize| lines[line].branch == "release/1.4";
    applications.field.truth.also(&[Right::all(4)], is_old);
    for release in live {
        let whole = story.step(release, "rollout", &json!({ "percent": 100 }));
        assert_eq!(whole["rollout_percent"], 100, "{whole}");
    }
    applications.field.truth.only(&[Right::all(4)], is_old);
    wait::until("the plan is applied", || {
        let plan = story.master.get(&path, "").json();
        (plan["state"] == "applied").then_some(())
    });
    for built in &gone {
        assert_eq!(story.state(built.product), "expired", "{built:?}");
        assert_eq!(story.status(&built.path), 410, "{built:?}");
    }
    for built in &kept {
        assert_eq!(story.status(&built.path), 200, "{built:?}");
    }
}

/// One comes back; the others leave the trash, and their bytes the disk, over two kills.
fn bytes_leave(story: &mut Story, applications: &Applications, lines: &[Line]) {
    let (mut gone, mut kept) = parted(lines);
    let back = lines[1].builds[2].clone();
    gone.retain(|built| built.product != back.product);
    let path = format!("/api/v1/products/{}", back.product);
    let seen = story.master.get(&path, "").json()["row_version"].as_i64();
    let body = json!({ "reason": "the training room has it" });
    story.change(&story.engineer, &format!("{path}/restore"), seen, &body);
    assert_eq!(story.status(&back.path), 200);
    kept.push(back);
    let names = |all: &[Built]| -> BTreeSet<String> {
        all.iter().map(|built| built.sha256.clone()).collect()
    };
    story.run(&format!(
        "UPDATE products SET expired_at = expired_at - {TEN_DAYS} WHERE state = 'expired'"
    ));
    story.kill(applications);
    wait::until("what went is in the store's trash", || {
        (story.stored() == (names(&kept), names(&gone))).then_some(())
    });
    story.run(&format!(
        "UPDATE blobs SET condemned_at = condemned_at - {TEN_DAYS} WHERE state = 'condemned'"
    ));
    story.kill(applications);
    wait::until("the store has what is needed and nothing else", || {
        (story.stored() == (names(&kept), BTreeSet::new())).then_some(())
    });
    for built in &gone {
        assert_eq!(story.state(built.product), "deleted", "{built:?}");
        assert_eq!(story.status(&built.path), 410, "{built:?}");
    }
}

/// The release is rolled back on one target: to the third build, which stayed for it.
fn a_release_is_rolled_back(
    story: &Story,
    applications: &Applications,
    lines: &[Line],
    live: &[Value],
) {
    let down = Right {
        moved_down: Some(4),
        ..Right::all(2)
    };
    applications.field.truth.also(&[down], |line| line == 3);
    let to = lines[3].builds[2].product;
    let body = json!({ "product": to, "reason": "loses files" });
    story.step(&live[0], "rollback", &body);
    applications.field.truth.only(&[down], |line| line == 3);
}

#[test]
fn applications_always_get_the_right_answer_while_builds_come_and_go() {
    let mut story = Story::begin();
    let (applications, lines) = builds_come(&story);
    applications.asked_again();
    let live = a_release_begins(&story, &applications, &lines);
    applications.asked_again();
    let first = inside(&story, &lines[3]);
    assert!((10..=55).contains(&first.len()), "{first:?}");
    story.step(&live[0], "rollout", &json!({ "percent": 60 }));
    let second = inside(&story, &lines[3]);
    assert!(first.is_subset(&second) && second.len() > first.len());
    testers_judge(&story, &lines);
    applications.asked_again();
    collection_runs(&story, &applications, &lines, &live);
    assert_eq!(inside(&story, &lines[3]).len(), 100);
    applications.asked_again();
    bytes_leave(&mut story, &applications, &lines);
    applications.asked_again();
    a_release_is_rolled_back(&story, &applications, &lines, &live);
    applications.asked_again();
    let field = std::sync::Arc::clone(&applications.field);
    let seen: Vec<Seen> = applications.end();
    for one in &seen {
        field.truth.check(&lines, one);
    }
    println!("{} answers were right", seen.len());
    assert!(seen.len() > 300, "only {} answers", seen.len());
    assert!(
        !story.master.log().contains("internal error"),
        "{}",
        story.master.log()
    );
}
