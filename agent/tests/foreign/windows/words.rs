//! What a command is given: arguments, environment, folder, input, a script.

use windlass_protocol::ops::{Exec, Program, Reason, Request, Stdin};
use windlass_protocol::{CommandId, RelPath, hex};

use super::{bench, probe, probe_with, script, text};
use crate::harness::{random, write};

/// Arguments that a careless line of words would change.
const HARD: [&str; 12] = [
    "",
    "two words",
    "größe 日本 🦀",
    "say \"hi\"",
    "ends with \\",
    "\\\\\"\\",
    "%PATH%",
    "a&b|c<d>e^f",
    "'single'",
    "tab\there",
    "!bang!",
    "*.rs",
];

#[test]
fn every_argument_arrives_as_it_was_sent() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let mut words = vec!["words"];
    words.extend(HARD);
    let ran = peer.exec(&probe_with(&words));
    let expected: String = HARD
        .iter()
        .map(|word| format!("{}\n", hex::encode(word.as_bytes())))
        .collect();
    assert_eq!(text(&ran.output), expected);
}

#[test]
fn a_script_of_cmd_has_its_variables_labels_and_exit_status() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let lines = "set GREETING=hello\nif \"%GREETING%\"==\"hello\" goto greet\necho wrong\n\
                 :greet\necho %GREETING% there\nexit /b 3\n";
    let ran = peer.exec(&script(lines));
    assert_eq!(text(&ran.output), "hello there\n");
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(3))
    );
}

#[test]
fn a_batch_file_gets_its_arguments_by_its_own_rules() {
    let Some(bench) = bench() else { return };
    std::fs::create_dir_all(bench.root()).unwrap();
    let path = bench.root().join("tell.bat");
    std::fs::write(&path, "@echo off\r\necho [%1] [%2]\r\n").unwrap();
    let mut peer = bench.accept();
    let argv = ["two words", "a&b"].map(|word| word.as_bytes().to_vec());
    let program = super::windows_path(&path).into_bytes();
    let argv = std::iter::once(program).chain(argv).collect();
    let ran = peer.exec(&Exec::new(CommandId(random()), Program::Argv(argv)));
    assert_eq!(text(&ran.output), "[\"two words\"] [\"a&b\"]\n");
}

#[test]
fn a_command_line_of_cmd_reaches_it_unchanged() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let argv = ["cmd", "/c", "echo one & echo \"two words\""].map(|word| word.as_bytes().to_vec());
    let ran = peer.exec(&Exec::new(CommandId(random()), Program::Argv(argv.into())));
    assert_eq!(text(&ran.output), "one \n\"two words\"\n");
}

#[test]
fn names_of_variables_are_one_however_they_are_written() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let mut exec = probe_with(&["environment", "windlass_case"]);
    exec.env_set = vec![
        (b"Windlass_Case".to_vec(), b"first".to_vec()),
        (b"WINDLASS_CASE".to_vec(), "größe".as_bytes().to_vec()),
    ];
    exec.env_prepend = vec![(b"windlass_CASE".to_vec(), b"C:\\more".to_vec())];
    assert_eq!(text(&peer.exec(&exec).output), "C:\\more;größe\n");
    let mut exec = probe_with(&["environment", "systemroot"]);
    exec.env_unset = vec![b"SYSTEMROOT".to_vec()];
    exec.env_set = vec![(b"SystemRoot".to_vec(), b"C:\\windows".to_vec())];
    assert_eq!(text(&peer.exec(&exec).output), "C:\\windows\n");
}

#[test]
fn a_command_stands_in_its_folder_whatever_that_is_called() {
    let Some(bench) = bench() else { return };
    write(&bench.root(), "größe 日本/deeper/file", b"");
    let mut peer = bench.accept();
    let mut exec = probe_with(&["here"]);
    exec.cwd = RelPath::parse("größe 日本/deeper".as_bytes()).unwrap();
    let expected = super::windows_path(&bench.root().join("größe 日本/deeper"));
    assert_eq!(text(&peer.exec(&exec).output).trim_end(), expected);
}

#[test]
fn no_byte_of_input_and_output_is_changed() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let content = [
        &b"one\r\ntwo\nthree\r\x1a\0\xff"[..],
        &random::<65_536>().repeat(20),
    ]
    .concat();
    let mut exec = probe_with(&["copy"]);
    exec.stdin = Stdin::Stream;
    let channel = peer.open(&Request::Exec(exec), 0);
    peer.send_stream(channel, &content);
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let ran = crate::harness::Ran::parse(&journal);
    assert!(ran.output == content, "{} bytes", ran.output.len());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let Some(bench) = bench() else { return };
    let mut peer = bench.accept();
    let argv = vec![b"no-such-program".to_vec()];
    let ran = peer.exec(&Exec::new(CommandId(random()), Program::Argv(argv)));
    assert_eq!(ran.result.reason, Reason::SpawnFailed);
    assert!(
        ran.result.text.contains("no-such-program"),
        "{}",
        ran.result.text
    );
    assert!(!probe().is_empty());
}
