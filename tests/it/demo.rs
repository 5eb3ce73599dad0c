//! `windlass demo`, from the commit to the product, the update URL and the mail.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::programs::{Background, Outcome, run, windlass};
use windlass_tests::wait::until;

fn demo(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(windlass());
    command.arg("demo").args(arguments);
    run(command, "")
}

fn last_line(outcome: &Outcome) -> Value {
    let line = outcome.stdout.lines().last().unwrap_or_default();
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {told}"))
}

#[test]
fn a_demo_ends_with_product_and_mail_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let dir = folder.path().join("demo");
    let outcome = demo(&[
        "--once",
        "--dir",
        dir.to_str().expect("UTF-8"),
        "--port",
        "0",
    ]);
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let line = last_line(&outcome);
    assert_eq!(line["result"], "success", "{line}");
    assert_eq!(line["build"], 1, "{line}");
    assert!(
        line["product"]["size"]
            .as_i64()
            .is_some_and(|size| size > 100),
        "{line}"
    );
    let mail = std::fs::read(line["mail"].as_str().expect("a mail")).expect("the mail is there");
    let parsed = mail_parser::MessageParser::new()
        .parse(&mail)
        .expect("it is a mail");
    let text = parsed.body_text(0).expect("a text part");
    let version = line["product"]["version"].as_str().expect("a version");
    for part in [
        "success",
        "Build time",
        version,
        line["page"].as_str().expect("a page"),
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_nothing_runs_in(&dir);
}

#[test]
fn a_served_demo_answers_at_its_update_url() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let dir = folder.path().join("demo");
    let mut command = Command::new(windlass());
    command.args(["demo", "--port", "0", "--dir"]).arg(&dir);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut process = Background::of(child);
    let lines = stdout.lines().map_while(Result::ok);
    let url = lines
        .filter_map(|line| {
            line.trim()
                .strip_prefix("Update URL")
                .map(|url| url.trim().to_owned())
        })
        .next()
        .expect("the update URL is printed");
    let (address, path) = split(&url);

    let offer = http::get(address, &path).json();
    let (file_address, file_path) = split(offer["url"].as_str().expect("a url"));
    let file = http::get(file_address, &file_path);
    assert_eq!(file.status, 200);
    let digest: String = Sha256::digest(&file.body)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(offer["sha256"], digest.as_str());
    assert_eq!(offer["size"], file.body.len());
    assert!(offer["published_at"].is_string(), "{offer}");
    let version = offer["version"].as_str().expect("a version");
    let newest = http::get(address, &format!("{path}?version={version}"));
    assert_eq!((newest.status, newest.body.len()), (204, 0));

    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    assert_nothing_runs_in(&dir);
}

#[test]
fn a_failing_build_ends_with_1_and_wrong_flags_with_2() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let path = repository.dir().to_str().expect("UTF-8");
    let dir = folder.path().join("demo");
    let dir = dir.to_str().expect("UTF-8");
    let begin = ["--once", "--port", "0", "--dir", dir];
    let failing = ["--repo", path, "--run", "echo no; exit 3"];
    let failed = demo(&[&begin[..], &failing].concat());
    assert_eq!(failed.status.code(), Some(1), "{}", failed.stderr);
    let line = last_line(&failed);
    assert_eq!(line["result"], "failure", "{line}");
    assert!(
        line["mail"].is_string() && line["product"].is_null(),
        "{line}"
    );

    for wrong in [
        vec!["--once", "--repo", path],
        vec!["--nonsense"],
        vec!["--port", "99999"],
    ] {
        let outcome = demo(&wrong);
        assert_eq!(
            outcome.status.code(),
            Some(2),
            "{wrong:?}: {}",
            outcome.stderr
        );
    }
}

fn split(url: &str) -> (SocketAddr, String) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = host
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {url}"));
    (address, format!("/{path}"))
}

/// No process has the demo's folder in its command line, or stands in it.
fn assert_nothing_runs_in(dir: &Path) {
    let left = running_in(dir);
    assert!(left.is_empty(), "still running: {left:?}");
}

fn running_in(dir: &Path) -> Vec<String> {
    let needle = dir.to_str().expect("UTF-8");
    let of = |entry: std::fs::DirEntry| {
        let bytes = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        let stands = std::fs::read_link(entry.path().join("cwd"));
        let inside = stands.is_ok_and(|at| at.starts_with(dir)) || line.contains(needle);
        inside.then_some(line)
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(of).collect()
}

#[test]
fn a_demo_that_is_interrupted_in_the_middle_of_a_command_leaves_nothing_running() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let dir = folder.path().join("demo");
    let mut command = Command::new(windlass());
    command
        .args([
            "demo",
            "--once",
            "--port",
            "0",
            "--run",
            "trap '' TERM; sleep 600",
            "--dir",
        ])
        .arg(&dir)
        .arg("--repo")
        .arg(repository.dir());
    let mut process = Background::start(command, &folder.path().join("log"));
    until("the command runs", || {
        let line = running_in(&dir).into_iter();
        line.into_iter().find(|line| line.starts_with("sleep 600"))
    });
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(1));
    assert_nothing_runs_in(&dir);
}
