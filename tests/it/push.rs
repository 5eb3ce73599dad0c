//! A push starts a build by itself, and the second delivery of the source sends what differs.

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"cat src/file-0.txt\" },";

#[test]
fn a_push_starts_a_build_and_sends_less_than_5_percent_again() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    for at in 0..400 {
        repository.write(
            &format!("src/file-{at}.txt"),
            format!("line {at}\n").repeat(800),
        );
    }
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let first = master.finished_build("package", 1);
    assert_eq!(first["result"], "success", "{first}\n{}", master.log());

    repository.write("src/file-0.txt", "changed\n");
    let revision = repository.commit("Change one file of 400");
    let second = master.finished_build("package", 2);
    assert_eq!(second["result"], "success", "{second}");
    assert_eq!(
        second["sources"][0]["revision"],
        revision.as_str(),
        "{second}"
    );

    let (sent_first, all) = delivered(&master, &first);
    let (sent_second, _) = delivered(&master, &second);
    assert!(sent_first >= all, "the first delivery sends everything");
    assert!(
        sent_second * 20.0 < sent_first,
        "{sent_second} of {sent_first} bytes sent again"
    );
}

/// Bytes sent and bytes in all, as the source step of `build` says: `sent 1 of 400 files, 12.3 kB
/// of 8.1 MB (0.2 %)`; when everything was sent, only how much that was.
fn delivered(master: &Master, build: &serde_json::Value) -> (f64, f64) {
    let path = format!("/api/v1/builds/{}/steps", build["id"]);
    let steps = master.get(&path, "").json();
    let id = &steps["items"][0]["logs"][0]["id"];
    let text = master.get(&format!("/logs/{id}/raw"), "").text();
    let line = text.lines().find(|line| line.starts_with("sent "));
    let told = line.and_then(|line| line.split_once(" files, "));
    let (_, sizes) = told.unwrap_or_else(|| panic!("no bytes are told: {text}"));
    let (sent, all) = sizes.split_once(" of ").unwrap_or((sizes, sizes));
    (bytes(sent), bytes(all))
}

/// `12.3 kB …` as a number.
fn bytes(text: &str) -> f64 {
    let mut words = text.split(' ');
    let number: f64 = words
        .next()
        .and_then(|word| word.replace(',', "").parse().ok())
        .unwrap_or_else(|| panic!("`{text}` begins with no number"));
    let scale = match words.next() {
        Some("B" | "bytes") => 1.0,
        Some("kB") => 1e3,
        Some("MB") => 1e6,
        unit => panic!("`{text}` has the unit {unit:?}"),
    };
    number * scale
}
