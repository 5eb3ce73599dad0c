//! The keys of a `run` step that say how it is run: each as it is meant, and each as it is not.

use super::{Folder, mistakes, read};
use crate::config::manner::{Manner, OnFull, Pty};
use crate::config::resolved::{Run, SecretRef, StepKind};

/// A configuration whose one step has these keys beside `run`.
fn with(keys: &str) -> String {
    format!("[project.p]\n[builder.b]\nsteps = [{{ run = 'make', {keys} }}]\n")
}

fn run(keys: &str) -> Run {
    let config = read(&with(keys));
    match &config.builders["b"].steps[0].kind {
        StepKind::Run(run) => run.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_key_of_a_run_step_says_how_it_is_run() {
    let usual = Manner::default();
    assert_eq!(run("cwd = '.'").manner, usual);
    let manner = run(
        "clean_env = true, split = true, max_lines = 5000, nice = 19, umask = '027', \
         leftovers = 'keep', on_full = 'drop', \
         logs = { 'test.log' = './build/test.log', kernel = 'dmesg' }",
    )
    .manner;
    let logs = [("kernel", "dmesg"), ("test.log", "build/test.log")];
    let expected = Manner {
        clean_env: true,
        split: true,
        lines_max: 5000,
        nice: 19,
        umask: Some(0o027),
        keep_leftovers: true,
        on_full: OnFull::Drop,
        logs: logs.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        ..usual
    };
    assert_eq!(manner, expected);
    assert_eq!(run("on_full = 'kill'").manner.on_full, OnFull::Kill);
    assert_eq!(run("on_full = 'block'").manner.on_full, OnFull::Block);
    assert!(!run("leftovers = 'kill'").manner.keep_leftovers);
    assert_eq!(run("umask = '0022'").manner.umask, Some(0o022));
    assert_eq!(run("stdin = 'y'").stdin.unwrap().to_string(), "y");
}

#[test]
fn a_terminal_is_told_by_a_flag_or_a_size() {
    let size = |rows, columns| Some(Pty { rows, columns });
    assert_eq!(run("pty = true").manner.pty, size(24, 80));
    assert_eq!(run("pty = false").manner.pty, None);
    assert_eq!(run("pty = { columns = 200 }").manner.pty, size(24, 200));
    let both = run("pty = { rows = 1, columns = 65535 }").manner.pty;
    assert_eq!(both, size(1, 65_535));
    assert!(run("pty = false, split = true").manner.split);
}

#[test]
fn each_kind_of_variable_is_kept_apart() {
    let folder = Folder::new(&with(
        "env = { CC = 'gcc', EMPTY = '', TOKEN = { file = 'secrets/t' }, \
         PASSWORD = { env = 'PW' }, PATH = { prepend = '/opt/bin' }, \
         LANG = { unset = true }, HOME = { unset = false } }",
    ));
    let config = super::load(&folder.main()).unwrap_or_else(|errors| panic!("{errors}"));
    let StepKind::Run(run) = &config.builders["b"].steps[0].kind else {
        panic!("{config:?}");
    };
    let names: Vec<&str> = run.env.keys().map(String::as_str).collect();
    assert_eq!(names, ["CC", "EMPTY"]);
    let file = folder.main().with_file_name("secrets/t");
    let secrets = [
        ("PASSWORD".to_owned(), SecretRef::Env("PW".to_owned())),
        ("TOKEN".to_owned(), SecretRef::File(file)),
    ];
    assert_eq!(run.manner.secrets, secrets.into());
    let prepend = [("PATH".to_owned(), "/opt/bin".to_owned())];
    assert_eq!(run.manner.prepend, prepend.into());
    assert_eq!(run.manner.unset, ["LANG"]);
}

/// One mistake each: the key, and what must be told about it, its name included.
const WRONG: &[(&str, &[&str])] = &[
    ("clean_env = 1", &["`clean_env` must be true or false"]),
    ("split = 'yes'", &["`split` must be true or false"]),
    ("max_lines = 0", &["`max_lines`", "1 to"]),
    ("max_lines = '10'", &["`max_lines`", "whole number"]),
    ("nice = 20", &["`nice`", "0 to 19"]),
    ("nice = -1", &["`nice`", "0 to 19"]),
    ("umask = '22'", &["`22` is no mask", "\"022\""]),
    ("umask = '0o22'", &["`0o22` is no mask", "\"022\""]),
    ("umask = '089'", &["`089` is no mask", "\"022\""]),
    ("umask = 22", &["`umask`", "text"]),
    ("leftovers = 'stay'", &["`leftovers`", "kill", "keep"]),
    ("leftovers = true", &["`leftovers`"]),
    ("on_full = 'wait'", &["`on_full`", "block", "kill", "drop"]),
    ("pty = 'xterm'", &["`pty` must be true or false"]),
    ("pty = { rows = 0 }", &["`rows`", "1 to 65535"]),
    ("pty = { columns = 65536 }", &["`columns`", "1 to 65535"]),
    (
        "pty = { cols = 80 }",
        &["`pty` has no key `cols`", "rows, columns"],
    ),
    (
        "pty = true, split = true",
        &["a terminal has one output", "`split` or `pty`"],
    ),
    ("logs = 'test.log'", &["`logs`"]),
    ("logs = { output = 'a' }", &["`output`", "another name"]),
    ("logs = { errors = 'a' }", &["`errors`", "another name"]),
    ("logs = { 'a b' = 'a' }", &["`a b` is not a name"]),
    (
        "logs = { up = '../a' }",
        &["`logs.up` leaves", "relative path"],
    ),
    (
        "logs = { root = '/a' }",
        &["`logs.root` leaves", "relative path"],
    ),
    (
        "logs = { none = './' }",
        &["`logs.none` names no file", "path"],
    ),
    ("stdin = 3", &["`stdin`", "text"]),
    (
        "env = { TOKEN = { file = 'a', env = 'B' } }",
        &["`env.TOKEN` must say one thing", "{ file ="],
    ),
    (
        "env = { TOKEN = {} }",
        &["`env.TOKEN` must say one thing", "{ unset = true }"],
    ),
    (
        "env = { PATH = { append = '/opt' } }",
        &["no key `append`", "prepend"],
    ),
    ("env = { X = { unset = 'yes' } }", &["`unset` must be true"]),
    ("env = { '1X' = 'a' }", &["`1X` cannot be", "letters"]),
];

#[test]
fn each_wrong_key_of_a_run_step_is_named_with_what_would_be_right() {
    for (keys, told) in WRONG {
        let shown = mistakes(&with(keys));
        for part in *told {
            assert!(shown.contains(part), "{keys}: no {part:?} in\n{shown}");
        }
        assert!(shown.contains("windlass.toml:3:"), "{keys}:\n{shown}");
    }
}

#[test]
fn a_step_has_at_most_sixteen_further_logs() {
    let logs = |count: usize| -> String {
        let all = (0..count).map(|n| format!("l{n} = 'f{n}'"));
        format!("logs = {{ {} }}", all.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(run(&logs(16)).manner.logs.len(), 16);
    let shown = mistakes(&with(&logs(17)));
    assert!(shown.contains("has 17 further logs"), "{shown}");
    assert!(shown.contains("at most 16"), "{shown}");
}
