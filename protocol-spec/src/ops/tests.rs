//! Every operation survives the wire.

mod malformed;

use super::*;
use crate::connection::CancelMode;
use crate::ids::{CommandId, Progress};
use crate::path::RelPath;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

const MANIFEST: ManifestId = ManifestId {
    size: 8,
    sha256: [9; 32],
};

fn full_exec() -> Exec {
    let program = Program::Script {
        text: b"make\n\xff".to_vec(),
        shell: "bash".into(),
    };
    Exec {
        generation: 4,
        cwd: path("work"),
        env_clean: true,
        env_unset: vec![b"C".to_vec()],
        env_set: vec![(b"A".to_vec(), b"x=y".to_vec()), (b"B".to_vec(), vec![])],
        env_secret: vec![(b"T".to_vec(), Secret(b"hunter=2".to_vec()))],
        env_prepend: vec![(b"PATH".to_vec(), b"/opt/bin".to_vec())],
        output: Output::Split,
        stdin: Stdin::Stream,
        umask: Some(0o2027),
        nice: 19,
        max_lines: 6,
        leftovers: Leftovers::Keep,
        on_full: OnFull::Drop,
        spool_max: 7,
        tails: vec![Tail {
            name: "test.log".into(),
            path: path("build/a=b.log"),
        }],
        timeout_ms: 1,
        idle_ms: 2,
        max_bytes: 3,
        term_signal: SignalName::Usr1,
        grace_ms: 4,
        lease_s: 5,
        ..Exec::new(CommandId([0x5a; 16]), program)
    }
}

fn put_request() -> Request {
    Request::Put(Put {
        path: path("a/b"),
        size: u64::MAX,
        sha256: [3; 32],
        executable: true,
        replace: false,
        parents: true,
    })
}

fn every_request() -> Vec<Request> {
    let (id, generation) = (CommandId([1; 16]), 2);
    let argv = Program::Argv(vec![b"make".to_vec(), vec![], b"\xff $(x)".to_vec()]);
    vec![
        Request::Exec(Exec::new(id, argv)),
        Request::Exec(full_exec()),
        Request::Exec(Exec {
            output: Output::Merge,
            stdin: Stdin::Input(b"yes\n\0".to_vec()),
            pty: Some(Pty {
                rows: 50,
                columns: 132,
            }),
            ..full_exec()
        }),
        Request::Attach(Attach { id, generation }),
        Request::Signal(Signal {
            id,
            generation,
            order: Order::End(CancelMode::Kill),
        }),
        Request::Signal(Signal {
            id,
            generation,
            order: Order::Deliver(SignalName::Usr2),
        }),
        Request::Forget(Forget { id, generation }),
        Request::List,
        Request::Info,
        put_request(),
        Request::Get(Get {
            path: path("a"),
            max_bytes: 9,
            expect: None,
            unhashed: true,
        }),
        Request::Get(Get {
            path: path("a"),
            max_bytes: 0,
            expect: Some(GetResult {
                size: 1,
                mtime_ns: 2,
                executable: true,
            }),
            unhashed: false,
        }),
        Request::TreePut(TreePut {
            path: path("t"),
            manifest: MANIFEST,
            delete: Delete::Tracked,
            keep: vec![path("lib"), path("b/c")],
        }),
        Request::TreeGet(TreeGet {
            path: path("t"),
            max_entries: 5,
            max_bytes: 0,
            expect: None,
        }),
        Request::TreeGet(TreeGet {
            path: path(""),
            max_entries: 5,
            max_bytes: 9,
            expect: Some(MANIFEST),
        }),
        Request::Mkdir(Mkdir {
            path: path("m"),
            parents: true,
        }),
        Request::Remove(Remove {
            path: path("r"),
            recursive: true,
            missing_ok: false,
        }),
        Request::Rename(Rename {
            path: path("x"),
            to: path("y"),
            replace: true,
        }),
        Request::Copy(Copy {
            path: path("x"),
            to: path("y"),
            recursive: true,
            replace: false,
        }),
        Request::Stat(Stat { path: path("") }),
        Request::Readdir(Readdir {
            path: path(""),
            recursive: true,
            max_entries: 10,
        }),
        Request::Shutdown(Shutdown {
            mode: ShutdownMode::Drain,
        }),
        Request::Upgrade(Upgrade {
            size: 9,
            sha256: [4; 32],
            version: "1.2.3+b".into(),
        }),
        Request::Hash(Hash { path: path("a") }),
        Request::Df(Df { path: path("") }),
    ]
}

#[test]
fn every_request_survives_the_wire() {
    for request in every_request() {
        let mut pairs = Boxed::decode(&request.to_box().encode()).unwrap();
        pairs.push("x-12345678", "grease");
        pairs.push_number("from", 5);
        assert_eq!(Request::from_box(&pairs), Ok(request));
    }
}

#[test]
fn the_digest_says_what_the_command_is_and_not_who_asks() {
    let exec = full_exec();
    let same = Exec {
        id: CommandId([9; 16]),
        generation: 99,
        lease_s: 1,
        ..exec.clone()
    };
    assert_eq!(same.digest(), exec.digest());
    let others = [
        Exec {
            cwd: path("other"),
            ..exec.clone()
        },
        Exec {
            env_set: vec![],
            ..exec.clone()
        },
        Exec {
            timeout_ms: 9,
            ..exec.clone()
        },
        Exec {
            output: Output::Merge,
            ..exec.clone()
        },
        Exec {
            program: Program::Argv(vec![b"x".to_vec()]),
            ..exec.clone()
        },
    ];
    assert!(others.iter().all(|other| other.digest() != exec.digest()));
}

#[test]
fn altered_arguments_do_not_pass_with_the_old_digest() {
    let mut pairs = Boxed::new();
    for (key, value) in Request::Exec(full_exec()).to_box().pairs() {
        pairs.push(key, if key == "timeout_ms" { b"7" } else { value });
    }
    let failure = Request::from_box(&pairs).unwrap_err();
    assert!(
        failure.code == Code::BadRequest && failure.text.contains("digest"),
        "{failure}"
    );
}

#[test]
fn results_survive_the_wire_and_an_unknown_reason_is_never_success() {
    let result = ExecResult {
        signal: Some(9),
        wall_ms: 1,
        user_ms: 2,
        sys_ms: 3,
        max_rss: 4,
        leftovers_killed: 5,
        leftovers_left: 6,
        bytes: 7,
        lines: 8,
        dropped: 9,
        ntstatus: Some(0xc000_0005),
        text: "killed".into(),
        ..ExecResult::new(Reason::Timeout)
    };
    assert_eq!(ExecResult::from_box(&result.to_box()), Ok(result));
    for reason in Reason::ALL {
        let result = ExecResult {
            exit: Some(0),
            signal: Some(1),
            ..ExecResult::new(*reason)
        };
        let read = ExecResult::from_box(&result.to_box()).unwrap();
        assert_eq!(
            (read.reason, read.is_success()),
            (*reason, *reason == Reason::Exited)
        );
    }
    let mut pairs = Boxed::new();
    pairs.push("reason", "finished-later");
    pairs.push("exit", "0");
    assert!(ExecResult::from_box(&pairs).is_err());
    let mut pairs = Boxed::new();
    pairs.push("reason", "exited");
    assert!(ExecResult::from_box(&pairs).is_err());
    let stat = StatResult {
        kind: crate::tree::Kind::Link,
        size: 1,
        executable: true,
        mtime_ns: 2,
        target: Some(vec![0xff]),
    };
    assert_eq!(StatResult::from_box(&stat.to_box()), Ok(stat));
    let tree = TreePutResult {
        files: 1,
        bytes: 2,
        reused: 3,
        deleted: 4,
    };
    assert_eq!(TreePutResult::from_box(&tree.to_box()), Ok(tree));
    let tree = TreeGetResult { files: 1, bytes: 2 };
    assert_eq!(TreeGetResult::from_box(&tree.to_box()), Ok(tree));
    let hash = HashResult {
        size: 1,
        sha256: [7; 32],
    };
    assert_eq!(HashResult::from_box(&hash.to_box()), Ok(hash));
    let room = DfResult {
        disk_free: 1,
        disk_total: 2,
    };
    assert_eq!(DfResult::from_box(&room.to_box()), Ok(room));
}

#[test]
fn lists_of_commands_survive_the_wire() {
    let command = |byte, progress| CommandState {
        id: CommandId([byte; 16]),
        generation: 7,
        progress,
        journal_end: 1 << 40,
    };
    let commands = [
        command(1, Progress::Running),
        command(2, Progress::Finished),
    ];
    assert_eq!(parse_list(&list_result(&commands)).unwrap(), commands);
    for wrong in [
        "",
        "xyz 1 running 2",
        "00 1 running 2",
        &commands[0].to_text()[..40],
    ] {
        let mut pairs = Boxed::new();
        pairs.push("cmd", wrong);
        assert!(parse_list(&pairs).is_err(), "{wrong:?}");
    }
}
