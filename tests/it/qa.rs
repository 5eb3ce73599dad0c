//! A tester's day by the commands alone, on a running master.

use std::path::Path;

use serde_json::Value;
use windlass_tests::master::Master;
use windlass_tests::programs::{Outcome, run_windlass};

const CONFIGURATION: &str = "[project.editor]\ntitle = \"Acme Editor\"\nbad_needs_bug = true\n\
     checklist = [\"installs\", \"starts\"]\n";
const TARGETS: [&str; 2] = ["x86_64-linux", "x86_64-windows"];

struct Desk {
    master: Master,
    token: String,
}

impl Desk {
    /// A master with versions 1.0 and 1.1 of two targets: products 1 to 4.
    fn open() -> Self {
        let mut master = Master::new(CONFIGURATION);
        let engineer = master.user("emil", "engineer");
        let token = master.user("quinn", "qa");
        master.start();
        for version in ["1.0", "1.1"] {
            for target in TARGETS {
                let name = format!("editor-{version}-{target}.bin");
                std::fs::write(master.path(&name), &name).expect("written");
                let file = format!("installer={name}");
                let flavour = format!("flavour=of-{version}");
                let mut record = vec!["product", "record", "--project", "editor"];
                record.extend(["--branch", "main", "--target", target, "--version", version]);
                record.extend(["--revision", version, "--file", &file]);
                record.extend(["--property", &flavour, "--token", &engineer]);
                let url = format!("http://{}", master.web());
                record.extend(["--url", &url]);
                master.command(&record, "");
            }
        }
        Self { master, token }
    }

    /// A command of quinn, in the folder of the configuration: that names the master.
    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut all = vec!["qa"];
        all.extend(arguments);
        all.extend(["--token", &self.token]);
        run_windlass(&self.master.path(""), &all, "")
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.status.success(), "qa {arguments:?}: {told}");
        told
    }

    /// What is printed of a command that does not work, and its exit status.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let outcome = self.run(arguments);
        assert!(
            !outcome.status.success(),
            "qa {arguments:?}: {}",
            outcome.stdout
        );
        (outcome.status.code().unwrap_or(-1), outcome.stderr)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let outcome = self.run(&all);
        assert!(outcome.status.success(), "qa {all:?}: {}", outcome.stderr);
        serde_json::from_str(&outcome.stdout).expect("JSON")
    }
}

#[test]
fn a_tester_lives_by_the_commands() {
    let desk = Desk::open();
    let linux = ["new", "--branch", "main", "--target", "x86_64-linux"];
    let new = desk.tell(&linux);
    assert!(
        new.contains("3 1.1  editor main x86_64-linux  untested"),
        "{new}"
    );
    assert!(new.contains("windlass qa compare 1 3"), "{new}");
    let address = new
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let path = address
        .expect("an address")
        .splitn(4, '/')
        .nth(3)
        .expect("a path");
    let file = desk.master.get(&format!("/{path}"), "");
    assert!(matches!(
        file.text().as_str(),
        "editor-1.1-x86_64-linux.bin" | "editor-1.0-x86_64-linux.bin"
    ));

    assert_eq!(
        desk.tell(&["checklist", "editor"]),
        "installs\nstarts\nthe verdict bad needs --bug\n"
    );
    assert_eq!(
        desk.tell(&["verdict", "good", "1", "--check", "installs"]),
        "1 is good\n"
    );
    let (code, told) = desk.refused(&["verdict", "bad", "3", "--comment", "crashes"]);
    assert!(
        code == 2 && told.starts_with("windlass: --bug: "),
        "{code} {told}"
    );
    let bug = [
        "verdict",
        "bad",
        "3",
        "--comment",
        "crashes",
        "--bug",
        "https://bugs.example/7",
    ];
    assert_eq!(desk.tell(&bug), "3 is bad\n");
    assert!(desk.tell(&linux).contains("nothing new: the last is 1.1"));
    let all = desk.tell(&[
        "new",
        "--branch",
        "main",
        "--target",
        "x86_64-linux",
        "--all",
    ]);
    assert!(
        all.contains("bad by quinn: crashes https://bugs.example/7"),
        "{all}"
    );
    assert_eq!(
        desk.tell(&["verdict", "needs-work", "2", "4", "--comment", "slow"])
            .lines()
            .count(),
        2
    );

    let compared = desk.tell(&["compare", "1", "3"]);
    for part in [
        "flavour  \"of-1.0\" → \"of-1.1\"",
        "editor-1.1-x86_64-linux.bin",
        "  bad crashes",
    ] {
        assert!(compared.contains(part), "{part} in {compared}");
    }
    assert_eq!(desk.json(&["compare", "1", "3"])["b"]["version"], "1.1");
    keeping(&desk);
    finding(&desk);
    choices(&desk);
}

/// Keep with its cascade, several at once, the holds, lifting, labels.
fn keeping(desk: &Desk) {
    let keep = [
        "keep",
        "1",
        "--reason",
        "the fair",
        "--until",
        "2040-03-31",
        "--cascade",
    ];
    assert!(
        desk.tell(&keep)
            .contains("1 is kept until 2040-04-01T00:00:00Z")
    );
    let holds = desk.tell(&["holds", "--mine", "--order", "size"]);
    assert_eq!(
        holds.matches("the fair").count(),
        2,
        "of both targets: {holds}"
    );
    assert!(holds.contains("until 2040-04-01 00:00 UTC"), "{holds}");
    let (code, told) = desk.refused(&["keep", "1", "--reason", " "]);
    assert!(code == 2 && told.contains("--reason: say why"), "{told}");
    let (code, told) = desk.refused(&["keep", "1", "--reason", "x", "--until", "soon"]);
    assert!(
        code == 2 && told.contains("--until") && told.contains("2027-03-31"),
        "{told}"
    );
    let hold = desk.json(&["holds", "--mine"])[0]["id"].to_string();
    desk.tell(&["lift", "--hold", &hold, "--group", "--reason", "over"]);
    assert_eq!(desk.tell(&["holds", "--mine"]), "");
    assert_eq!(
        desk.tell(&["keep", "3", "4", "--reason", "both"])
            .lines()
            .count(),
        2
    );
    assert_eq!(
        desk.tell(&["lift", "3", "--reason", "over"]),
        "3 is not kept any longer\n"
    );
    let (code, told) = desk.refused(&["lift", "3", "4", "--reason", "over"]);
    assert!(
        code == 1 && told.contains("1 of 2 not done\n3: product 3 is not kept"),
        "{code} {told}"
    );

    assert_eq!(
        desk.tell(&["label", "rc", "3", "4", "--reason", "to try"])
            .lines()
            .count(),
        2
    );
    let (code, told) = desk.refused(&["label", "Latest", "3", "--reason", "x"]);
    assert!(
        code == 2 && told.contains("LABEL: a small letter"),
        "{told}"
    );
    assert_eq!(
        desk.tell(&["label", "rc", "4", "--remove", "--reason", "no"]),
        "4 is rc no longer\n"
    );
}

/// The build that somebody was given, by whatever they have in hand.
fn finding(desk: &Desk) {
    let sha256 = desk.master.get("/api/v1/products/3", "").json()["files"][0]["sha256"].clone();
    let sha256 = sha256.as_str().expect("a hash");
    for (text, by) in [
        ("1.1", "version"),
        ("upload/1", "build number"),
        (sha256, "sha256"),
        ("editor-1.1-x86_64-linux.bin", "file name"),
    ] {
        let found = desk.tell(&["find", text]);
        assert!(found.contains(&format!("(by {by})")), "{text}: {found}");
    }
    let (_, told) = desk.refused(&["find", "nothing"]);
    assert!(told.contains("nothing is called exactly so"), "{told}");
}

/// Choices are saved, used, marked as seen and forgotten; what is saved is what the page has.
fn choices(desk: &Desk) {
    desk.tell(&[
        "save",
        "windows",
        "--target",
        "x86_64-windows",
        "--project",
        "editor",
    ]);
    let saved = desk.tell(&["saved"]);
    assert!(
        saved.contains("windows") && saved.contains("project=editor&target=x86_64-windows"),
        "{saved}"
    );
    let by_rest = desk.master.get("/api/v1/qa/desks", &desk.token).json();
    assert_eq!(
        by_rest["items"][0]["query"],
        "?project=editor&target=x86_64-windows"
    );
    let new = desk.json(&["new", "--saved", "windows", "--all", "--mark-seen"]);
    assert_eq!(new.as_array().map(Vec::len), Some(2), "{new}");
    let by_rest = desk.master.get("/api/v1/qa/desks", &desk.token).json();
    assert_eq!(by_rest["items"][0]["seen"], 4, "{by_rest}");
    let (_, told) = desk.refused(&["new", "--saved", "linux"]);
    assert!(told.contains("saved are windows"), "{told}");
    desk.tell(&["forget", "windows"]);
    assert_eq!(desk.tell(&["saved"]), "");
}

#[test]
fn a_command_says_which_master_and_whose_token_it_wants() {
    let nowhere = tempfile::tempdir().expect("a scratch folder");
    let told = |folder: &Path, arguments: &[&str]| run_windlass(folder, arguments, "").stderr;
    let text = told(nowhere.path(), &["qa", "new"]);
    assert!(text.contains("--url: say which master"), "{text}");
    let mut master = Master::new(CONFIGURATION);
    master.start();
    let text = told(&master.path(""), &["qa", "keep", "1", "--reason", "x"]);
    assert!(text.contains("--token"), "{text}");
    let text = told(&master.path(""), &["qa", "holds", "--mine"]);
    assert!(text.contains("--token"), "{text}");
}
