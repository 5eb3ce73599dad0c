//! `windlass check` tells every mistake of a file at once.

use windlass_tests::programs::run_windlass;

const TEN_MISTAKES: &str = r#"[master]
titel = "Acme"
web_listen = "localhost"

[mail]
from = "builds@acme.example"
smtp = "smtp://builds@mail.acme.example"
password = "hunter2"

[project.editor]

[repository.editor]
project = "editr"
url = "https://git.acme.example/editor.git"
poll = "often"

[agent.linux-1]
slots = 0

[builder.package]
project = "editor"
steps = [
  { source = "edtor" },
  { run = "git checkout {branch}" },
  { run = "make -j{agent.cpu}" },
]

[schedule.push]
on = "chnge"
repository = "editor"
builders = ["package"]

[notify.team]
when = ["failing", "sometimes"]
to = ["authors"]
"#;

#[test]
fn ten_mistakes_are_told_in_one_run_with_line_caret_and_fix() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(folder.path().join("windlass.toml"), TEN_MISTAKES).expect("writable");
    let outcome = run_windlass(folder.path(), &["check"], "");
    assert_eq!(outcome.status.code(), Some(1));
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    for line in [2, 3, 8, 13, 15, 18, 23, 24, 25, 29, 34] {
        assert!(
            told.contains(&format!("windlass.toml:{line}:"))
                || told.contains(&format!("windlass.toml:{line}\n")),
            "line {line} in\n{told}"
        );
    }
    for word in [
        "title",
        "editor",
        "$WINDLASS_BRANCH",
        "agent.cpus",
        "change",
        "file =",
    ] {
        assert!(told.contains(word), "`{word}` in\n{told}");
    }
    assert!(told.matches('^').count() >= 10, "carets in\n{told}");
    assert!(!told.contains("hunter2"), "the password stands in\n{told}");
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let text = "[master]\ntitle = \"Acme\n\n[project.editor\n";
    std::fs::write(folder.path().join("windlass.toml"), text).expect("writable");
    for command in [&["check"][..], &["serve"][..]] {
        let outcome = run_windlass(folder.path(), command, "");
        assert_eq!(
            outcome.status.code(),
            Some(1),
            "{command:?}: {}",
            outcome.stderr
        );
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(told.contains("windlass.toml:2:"), "{told}");
    }
}
