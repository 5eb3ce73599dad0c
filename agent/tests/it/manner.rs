//! How a command is run: terminal, input, environment, limits, priority, followed files.

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{Exec, Pty, Reason, Request, Secret, Stdin, Tail};
use windlass_protocol::{Code, RelPath};

use super::harness::{Bench, Peer, Ran, script, write};

fn run(exec: &Exec) -> Ran {
    let bench = Bench::with_agent();
    bench.accept().exec(exec)
}

fn text(ran: &Ran) -> String {
    String::from_utf8(ran.output.clone()).unwrap()
}

fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (name.into(), value.into())
}

#[test]
fn a_terminal_has_the_size_asked_for_and_serves_all_three_streams() {
    let mut exec = script("test -t 0 && test -t 1 && test -t 2 && stty size && echo err >&2");
    exec.pty = Some(Pty {
        rows: 30,
        columns: 100,
    });
    let ran = run(&exec);
    assert_eq!(text(&ran), "30 100\r\nerr\r\n");
    assert_eq!(ran.result.exit, Some(0));
}

#[test]
fn the_end_of_input_is_typed_into_a_terminal() {
    for (stdin, expected) in [
        (Stdin::Null, "over\r\n"),
        (Stdin::Input(b"one\n".to_vec()), "one\r\none\r\nover\r\n"),
        (Stdin::Input(b"two".to_vec()), "twotwoover\r\n"),
    ] {
        let mut exec = script("cat; echo over");
        exec.pty = Some(Pty::default());
        exec.stdin = stdin;
        exec.timeout_ms = 20_000;
        let ran = run(&exec);
        assert_eq!(
            text(&ran).replace("^D\u{8}\u{8}", ""),
            expected,
            "{:?}",
            ran.result
        );
    }
}

#[test]
fn a_cancelled_terminal_command_leaves_nothing() {
    let mut exec = script("trap '' HUP TERM; echo on; sleep 600");
    exec.pty = Some(Pty::default());
    exec.grace_ms = 50;
    exec.timeout_ms = 200;
    assert_eq!(run(&exec).result.reason, Reason::Timeout);
}

#[test]
fn the_environment_is_made_in_the_order_of_the_text() {
    let mut exec = script("echo \"$A|$B|$C|$D|${HOME-none}|${PATH-none}\"; env | wc -l");
    exec.env_clean = true;
    exec.env_set = vec![pair("A", "set"), pair("B", "old"), pair("B", "new")];
    exec.env_secret = vec![("C".into(), Secret("hidden".into()))];
    exec.env_prepend = vec![pair("A", "first"), pair("D", "alone"), pair("A", "zeroth")];
    let ran = run(&exec);
    let mut lines = std::str::from_utf8(&ran.output).unwrap().lines();
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("zeroth:first:set|new|hidden|alone|none|"),
        "{first}"
    );
    let mut exec = script("echo ${HOME-none}; echo $PATH");
    exec.env_unset = vec![b"HOME".to_vec()];
    exec.env_prepend = vec![pair("PATH", "/opt/x")];
    let path = std::env::var("PATH").unwrap();
    assert_eq!(text(&run(&exec)), format!("none\n/opt/x:{path}\n"));
}

#[test]
fn mask_and_priority_are_as_asked() {
    let mut exec = script("umask; nice; umask 022; touch x");
    exec.umask = Some(0o027);
    exec.nice = 7;
    let own = text(&run(&script("nice"))).trim().parse::<i32>().unwrap();
    assert_eq!(text(&run(&exec)), format!("0027\n{}\n", (own + 7).min(19)));
}

#[test]
fn lines_beyond_the_limit_are_not_kept_and_end_the_command() {
    let mut exec = script("i=0; while :; do i=$((i+1)); echo $i; done");
    exec.max_lines = 1000;
    let ran = run(&exec);
    assert_eq!(ran.result.reason, Reason::MaxOutput);
    assert_eq!((ran.result.lines, ran.result.bytes), (1000, 3893));
    assert!(ran.output.ends_with(b"\n1000\n"));
    let exact = run(&{
        let mut exec = script("seq 1000");
        exec.max_lines = 1000;
        exec
    });
    assert_eq!(exact.result.reason, Reason::Exited);
}

#[test]
fn secrets_are_taken_only_where_nobody_can_read_them_and_stay_off_the_disk() {
    let mut exec = script("echo got $TOKEN; exec sleep 600");
    exec.env_secret = vec![("TOKEN".into(), Secret("correct horse".into()))];
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(exec.clone()), 0);
    let mut journal = Vec::new();
    while !journal.windows(11).any(|bytes| bytes == b"got correct") {
        if let windlass_protocol::Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend_from_slice(&bytes);
        }
    }
    let state = bench.folder.join("state").join("cmd");
    let folder = state.join(exec.id.to_string());
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        // What the command itself writes is its own affair.
        let is_journal = file.file_name().to_string_lossy().starts_with("journal");
        if !is_journal && file.file_type().unwrap().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(!bytes.windows(7).any(|w| w == b"correct"), "{file:?}");
        }
    }
    assert!(!bench.log().contains("correct"));
    peer.connection
        .cancel(channel, windlass_protocol::CancelMode::Kill)
        .unwrap();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();

    let mut bench = Bench::new();
    bench.start_agent_with(&["--readable"]);
    let failure = bench.accept().call(&Request::Exec(exec)).unwrap_err();
    assert_eq!(failure.code, Code::Permission, "{failure}");
}

fn tail(name: &str, path: &str) -> Tail {
    Tail {
        name: name.into(),
        path: RelPath::parse(path.as_bytes()).unwrap(),
    }
}

/// The bytes of each followed file.
fn tails(peer: &mut Peer, exec: &Exec) -> (Vec<Vec<u8>>, Ran) {
    let channel = peer.open(&Request::Exec(exec.clone()), 0);
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let mut files = vec![Vec::new(); exec.tails.len()];
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&journal);
    while let Some(record) = decoder.next_record().unwrap() {
        if record.kind == RecordKind::Tail {
            let (number, bytes) = record.tail().unwrap();
            files[usize::from(number)].extend_from_slice(bytes);
        }
    }
    (files, Ran::parse(&journal))
}

#[test]
fn followed_files_come_whole_from_the_start_of_the_command_on() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    write(&bench.root(), "old.log", b"of an earlier build\n");
    let mut exec = script(
        "echo more >> old.log; mkdir -p deep/er; seq 20000 > deep/er/new.log; \
         echo one > turned.log; sleep 0.5; mv turned.log turned.1; echo two > turned.log; \
         sleep 0.5; : > turned.log; sleep 0.5; echo 3 >> turned.log",
    );
    exec.tails = vec![
        tail("old", "old.log"),
        tail("new", "deep/er/new.log"),
        tail("never", "never.log"),
        tail("turned", "turned.log"),
    ];
    let (files, ran) = tails(&mut peer, &exec);
    assert_eq!(files[0], b"more\n");
    let lines = String::from_utf8(files[1].clone()).unwrap();
    assert!(
        lines.starts_with("1\n2\n")
            && lines.ends_with("\n20000\n")
            && lines.lines().count() == 20_000
    );
    assert_eq!(files[2], b"");
    assert_eq!(files[3], b"one\ntwo\n3\n");
    assert_eq!((ran.result.bytes, ran.result.exit), (0, Some(0)));
}

#[test]
fn a_followed_file_that_grows_is_no_silence_and_a_link_is_not_followed() {
    let bench = Bench::with_agent();
    let mut peer = bench.accept();
    let mut exec = script(
        "ln -s /etc/passwd link.log; for i in 1 2 3 4 5 6 7 8; do echo $i >> a.log; sleep 0.2; done",
    );
    exec.tails = vec![tail("a", "a.log"), tail("link", "link.log")];
    exec.idle_ms = 900;
    let (files, ran) = tails(&mut peer, &exec);
    assert_eq!(ran.result.reason, Reason::Exited);
    assert_eq!(files[0], b"1\n2\n3\n4\n5\n6\n7\n8\n");
    assert_eq!(files[1], b"");
}
