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
            format!("line {at}\n").repeat(200),
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
    assert_eq!(sent_first, all, "the first delivery sends everything");
    assert!(
        sent_second * 20 < sent_first,
        "{sent_second} of {sent_first} bytes sent again"
    );
}

/// Bytes sent and bytes in all, as the source step of `build` says: `sent 1 of 400 files, 8 of
/// 700000 bytes`.
fn delivered(master: &Master, build: &serde_json::Value) -> (u64, u64) {
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let step = &steps["items"][0];
    let id = &step["logs"][0]["id"];
    let text = master.get(&format!("/logs/{id}/raw"), "").text();
    let line = text
        .lines()
        .find(|line| line.contains("sent "))
        .unwrap_or_default();
    let numbers: Vec<u64> = line
        .replace(',', "")
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers[..] {
        [_, _, sent, all, ..] => (sent, all),
        _ => panic!("the source step says nothing of bytes: {text}"),
    }
}
