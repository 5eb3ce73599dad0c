//! The promises of flags and configuration file.

use std::ffi::OsString;
use std::path::Path;

use super::Way;
use super::args::{Asked, parse_args};
use crate::scratch::Scratch;

fn parse(args: &[&str]) -> Result<Asked, String> {
    parse_args(args.iter().map(OsString::from))
}

fn write(scratch: &Scratch, text: &str) -> String {
    let path = scratch.path().join("agent.conf");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn flags_win_over_the_file_and_paths_stand_beside_it() {
    let scratch = Scratch::new();
    let text = "# an agent\nmaster = \"one:1\"  # where\nname = \"a\\\\\"\nkey_file = \"key\"\n";
    let path = write(&scratch, &text.replace("a\\\\", "a"));
    let Asked::Run(config) = parse(&[
        "--config",
        &path,
        "--master=two:2",
        "--reconnect-max-ms",
        "2000",
    ])
    .unwrap() else {
        panic!("not a run");
    };
    assert_eq!(
        (config.way.to_string().as_str(), config.name.as_str()),
        ("two:2", "a")
    );
    assert_eq!(config.key_file, scratch.path().join("key"));
    assert_eq!(config.reconnect_max_ms, 2000);
    assert!(
        config.root.ends_with(Path::new("a/work")),
        "{:?}",
        config.root
    );
}

#[test]
fn every_mistake_names_its_place_and_what_would_be_right() {
    let scratch = Scratch::new();
    for (text, expected) in [
        (
            "master = \"h:1\"\nnonsense\n",
            ["agent.conf:2:", "has no `=`"],
        ),
        (
            "nmae = \"x\"\n",
            ["agent.conf:1: unknown key `nmae`", "the keys are master,"],
        ),
        ("name = x\n", ["agent.conf:1: name", "not quoted"]),
        ("name = \"x\n", ["agent.conf:1: name", "closing quote"]),
        ("name = \"x\" y\n", ["agent.conf:1:", "`y` after the value"]),
        (
            "name = \"x\"\n\nname = \"y\"\n",
            ["agent.conf:3:", "already set in line 1"],
        ),
        (
            "master = \"nowhere\"\n",
            ["agent.conf:1: master", "HOST:PORT"],
        ),
        ("master = \"h:0\"\n", ["agent.conf:1: master", "HOST:PORT"]),
        (
            "master = \"h:1\"\nname = \"../x\"\n",
            ["agent.conf:2: name", "letters, digits"],
        ),
        (
            "master = \"h:1\"\n",
            ["--name is missing", "name on the master"],
        ),
    ] {
        let error = parse(&["--config", &write(&scratch, text)]).unwrap_err();
        for part in expected {
            assert!(
                error.contains(part),
                "{text:?} gave {error:?}, without {part:?}"
            );
        }
    }
}

#[test]
fn wrong_flags_are_named() {
    assert!(
        parse(&["--mastre", "x"])
            .unwrap_err()
            .contains("`--mastre`")
    );
    assert!(
        parse(&["--name"])
            .unwrap_err()
            .contains("--name needs a value")
    );
    let all = ["--master", "h:1", "--name", "n", "--key-file", "k"];
    let with = |extra: &[&str]| parse(&[&all[..], extra].concat()).unwrap_err();
    assert!(with(&["--reconnect-min-ms", "soon"]).contains("milliseconds"));
    assert!(with(&["--reconnect-min-ms", "9", "--reconnect-max-ms", "8"]).contains("at least 9"));
}

#[test]
fn help_and_version_are_printed() {
    assert!(matches!(parse(&["--help"]), Ok(Asked::Print(text)) if text.contains("--key-file")));
    assert!(
        matches!(parse(&["-V"]), Ok(Asked::Print(text)) if text.starts_with("windlass-agent "))
    );
}

#[test]
fn one_way_to_the_master_is_wanted_and_a_flag_replaces_that_of_the_file() {
    let scratch = Scratch::new();
    let path = write(
        &scratch,
        "master = \"h:1\"\nname = \"n\"\nkey_file = \"k\"\nreadable = true\n",
    );
    let way = |extra: &[&str]| {
        let Asked::Run(config) = parse(&[&["--config", &path], extra].concat())? else {
            panic!("not a run");
        };
        assert!(config.readable);
        Ok::<_, String>(config.way)
    };
    assert_eq!(way(&[]).unwrap(), Way::Dial("h:1".into()));
    assert_eq!(way(&["--stdio"]).unwrap(), Way::Stdio);
    let words = ["ssh", "-T", "a b", ""].map(str::to_owned).to_vec();
    assert_eq!(
        way(&["--transport", "ssh -T 'a b' \"\""]).unwrap(),
        Way::Command(words)
    );
    for (wrong, right) in [
        (&["--stdio", "--master", "h:2"][..], "two ways"),
        (&["--transport", "ssh 'x"], "close the quote"),
        (&["--transport", "''"], "give a program"),
        (&["--stdio=perhaps"], "give true or false"),
    ] {
        let error = way(wrong).unwrap_err();
        assert!(error.contains(right), "{error}");
    }
}
