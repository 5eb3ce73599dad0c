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
        Way::Command {
            words,
            folder: None
        }
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

#[test]
fn the_owners_policy_is_read_and_wins() {
    let scratch = Scratch::new();
    let base = "master = \"h:1\"\nname = \"a\"\nkey_file = \"key\"\n";
    let read = |more: &str| {
        let path = write(&scratch, &format!("{base}{more}"));
        match parse(&["--config", &path]) {
            Ok(Asked::Run(config)) => Ok(config.policy),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        }
    };
    let usual = read("").unwrap();
    for (op, allowed) in [
        ("exec", true),
        ("put", true),
        ("tree_put", true),
        ("shutdown", true),
        ("upgrade", false),
        ("an-operation-to-come", true),
    ] {
        assert_eq!(usual.check(op).is_ok(), allowed, "{op}");
    }
    let narrow =
        read("allow = [\"trees\", \"exec\"] # no files\nreserve_bytes = \"2G\"\n").unwrap();
    assert_eq!(narrow.reserve_bytes, 2 << 30);
    assert!(narrow.check("exec").is_ok() && narrow.check("attach").is_ok());
    let refused = narrow.check("remove").unwrap_err();
    assert_eq!(refused.code, windlass_protocol::Code::Permission);
    assert!(refused.text.contains("`files`"), "{}", refused.text);
    assert!(read("allow = []\n").unwrap().check("exec").is_err());
    assert!(read("upgrade = true\n").unwrap().check("upgrade").is_ok());
    for (wrong, part) in [
        ("allow = [\"exce\"]\n", "`exce` is not known"),
        ("allow = [\"exec\"\n", "the list has no `]`"),
        ("allow = [exec]\n", "quoted"),
        ("reserve_bytes = \"2X\"\n", "K, M, G or T"),
        ("spool_bytes = \"99999999T\"\n", "K, M, G or T"),
        ("upgrade = 1\n", "true or false"),
    ] {
        let error = read(wrong).unwrap_err();
        assert!(
            error.contains(part) && error.contains("agent.conf:4"),
            "{error}"
        );
    }
}

#[test]
fn commands_are_told_apart_and_their_flags_too() {
    let service = |args: &[&str]| match parse(args).unwrap() {
        Asked::Install(service) | Asked::Uninstall(service) | Asked::Status(service) => service,
        other => panic!("{other:?}"),
    };
    let installed = service(&["install", "--print", "--config=/c"]);
    assert_eq!(
        (installed.file.as_path(), installed.print),
        (Path::new("/c"), true)
    );
    assert!(!service(&["uninstall", "--config", "/c"]).print);
    assert_eq!(parse(&["selftest"]), Ok(Asked::Selftest));
    assert!(
        parse(&["enrol"])
            .unwrap_err()
            .contains("the commands are run, enroll")
    );
    assert!(
        parse(&["run", "--token", "x"])
            .unwrap_err()
            .contains("`--token`")
    );
    let both = ["enroll", "--token=x", "--key=y", "--config=/c"];
    assert!(parse(&both).unwrap_err().contains("one of the two"));
    let named = [
        "enroll",
        "--key=k",
        "--config=/c/a.conf",
        "--name=n",
        "--master=h:1",
    ];
    let Ok(Asked::Enroll(enroll)) = parse(&named) else {
        panic!("{named:?}")
    };
    assert_eq!(enroll.config.key_file, Path::new("/c/n.key"));
    assert!(!format!("{enroll:?}").contains("Key(\"k\")"));
}

#[test]
fn what_is_written_down_is_read_again() {
    let scratch = Scratch::new();
    let value = "a \"quoted\" \\ path";
    let path = write(&scratch, &super::line("root", value));
    let error = parse(&["--config", &path, "--master=h:1", "--key-file=k"]).unwrap_err();
    assert!(error.contains("--name is missing"), "{error}");
    let Ok(Asked::Run(config)) = parse(&[
        "--config",
        &path,
        "--master=h:1",
        "--key-file=k",
        "--name=n",
    ]) else {
        panic!()
    };
    assert_eq!(config.root, scratch.path().join(value));
}

#[test]
fn every_key_is_told_of_in_the_documentation() {
    let text = include_str!("../../../docs/agent.md");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let is_told = |key: &str| {
        let named = format!("`{key}`");
        let first = |row: &&&str| {
            row.split(" | ")
                .next()
                .is_some_and(|cell| cell.contains(&named))
        };
        rows.iter().any(|row| first(&row))
    };
    for (key, _) in super::KEYS {
        assert!(is_told(key), "docs/agent.md does not tell of `{key}`");
    }
}
