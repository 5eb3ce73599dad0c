//! zsync itself, as Debian has it: it fetches what is new of a build by ranges, from the control
//! file that the master makes, and nothing when it has the newest.

use std::fs;
use std::path::Path;
use std::process::Command;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{Outcome, run, tools};

const STEPS: &str = "  { source = \"editor\" },\n  \
     { product = \"*.AppImage\", version = \"1.{buildnumber}.0\", target = \"x86_64-linux\" },";
/// Several times a block of zsync.
const PIECE_BYTES: usize = 16 * 1024;
const PIECES: usize = 64;

/// Bytes that do not compress and are the same in every run.
fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..size).map(|_| next()).collect()
}

/// Fetches the newest with the help of `old` into `new`.
fn fetch(address: &str, old: &Path, new: &Path) -> Outcome {
    let mut zsync = Command::new("zsync");
    zsync.arg("-i").arg(old).arg("-o").arg(new).arg(address);
    zsync.current_dir(old.parent().unwrap_or(old));
    let outcome = run(zsync, "");
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.status.success(), "{told}");
    outcome
}

/// Bytes that zsync says it fetched.
fn fetched(outcome: &Outcome) -> u64 {
    let text = &outcome.stdout;
    let after = text.split("fetched ").nth(1).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number of bytes in {text}"))
}

#[test]
fn zsync_fetches_what_is_new_by_ranges() {
    if tools("the test of zsync").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    let old = noise(7, PIECES * PIECE_BYTES);
    repository.write("editor.AppImage", &old);
    repository.commit("First");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let mut new = old.clone();
    // What moves is found again too.
    new.splice(0..0, noise(99, 1_000));
    for piece in (8..PIECES).step_by(8) {
        let start = piece * PIECE_BYTES;
        let seed = u32::try_from(piece).expect("few") + 1_000;
        new[start..start + PIECE_BYTES].copy_from_slice(&noise(seed, PIECE_BYTES));
    }
    repository.write("editor.AppImage", &new);
    repository.commit("Second");
    let build = master.finished_build("package", 2);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());

    let products = master.get("/api/v1/products", "").json();
    let token = products["items"][0]["feed"].as_str().expect("a token");
    let front = format!("http://{}/update/zsync/editor/{token}", master.web());
    let address = format!("{front}/x86_64-linux.zsync");
    let (own, got) = (folder.path().join("own"), folder.path().join("got"));
    fs::write(&own, &old).expect("written");
    let outcome = fetch(&address, &own, &got);
    assert!(fs::read(&got).expect("readable") == new, "other bytes");
    let bytes = fetched(&outcome);
    let whole = new.len() as u64;
    assert!(bytes > 0 && bytes < whole / 3, "{bytes} of {whole}");
    let again = fetch(&address, &got, &folder.path().join("again"));
    assert_eq!(fetched(&again), 0, "it had the newest");
}
