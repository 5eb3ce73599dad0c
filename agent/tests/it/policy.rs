//! What the owner of the machine says, against what the master asks; the end that a master asks
//! for; what STATUS tells.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use windlass_protocol::ops::{Mkdir, Reason, Request, Shutdown, ShutdownMode, Tail};
use windlass_protocol::{Boxed, Code, Event, RelPath};

use crate::harness::{Bench, Peer, Ran, script};

fn mkdir() -> Request {
    Request::Mkdir(Mkdir {
        path: RelPath::parse(b"a").unwrap(),
        parents: false,
    })
}

fn status(peer: &mut Peer) -> Boxed {
    loop {
        if let Event::Status(pairs) = peer.next().unwrap() {
            return pairs;
        }
    }
}

fn shutdown(mode: ShutdownMode) -> Request {
    Request::Shutdown(Shutdown { mode })
}

#[test]
fn the_owners_policy_wins_over_any_request() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--allow=exec"]);
    let mut peer = bench.accept();
    for request in [mkdir(), shutdown(ShutdownMode::Now)] {
        let failure = peer.call(&request).unwrap_err();
        assert_eq!(failure.code, Code::Permission, "{failure}");
    }
    assert!(peer.exec(&script("true")).result.is_success());
    assert!(peer.call(&Request::List).is_ok() && peer.call(&Request::Info).is_ok());
}

#[test]
fn an_agent_below_its_reserve_takes_no_new_command_and_says_why() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--reserve-bytes=100000T"]);
    let mut peer = bench.accept();
    let told = status(&mut peer);
    let why = told.text("refuses").unwrap().unwrap();
    assert!(why.contains("reserve_bytes"), "{why}");
    let exec = script("touch started");
    let channel = peer.open(&Request::Exec(exec), 0);
    let failure = peer.response(channel).unwrap_err();
    assert_eq!(failure.code, Code::NoSpace);
    assert!(failure.text.contains("reserve_bytes"), "{failure}");
    // Everything else goes on: files may be what has to be removed.
    assert!(peer.call(&mkdir()).is_ok());
    assert!(!bench.root().join("started").exists());
}

#[test]
fn status_tells_how_the_machine_is() {
    let bench = Bench::with_agent();
    let told = status(&mut bench.accept());
    let number = |key| told.number(key).unwrap().unwrap_or_default();
    assert!(number("disk_free") > 0 && number("disk_free") <= number("disk_total"));
    assert!(number("mem_free") > 0 && number("mem_free") <= number("mem_total"));
    assert!(told.number("load").unwrap().is_some());
    assert_eq!((number("running"), told.first("refuses")), (0, None));
}

#[test]
fn an_agent_told_to_drain_finishes_what_runs_and_ends() {
    let mut bench = Bench::with_agent();
    let mut peer = bench.accept();
    status(&mut peer);
    let running = script("while ! test -e go; do sleep 0.02; done; echo done");
    let channel = peer.open(&Request::Exec(running), 0);
    while !matches!(peer.next().unwrap(), Event::Data { .. }) {}
    let answer = peer.open(&shutdown(ShutdownMode::Drain), 0);
    loop {
        match peer.next().unwrap() {
            Event::Response { channel, result } if channel == answer => {
                result.unwrap();
            }
            Event::Status(told) if told.first("refuses").is_some() => break,
            _ => {}
        }
    }
    let refused = peer.open(&Request::Exec(script("true")), 0);
    let failure = peer.response(refused).unwrap_err();
    assert_eq!(failure.code, Code::ShuttingDown);
    std::fs::write(bench.root().join("go"), "").unwrap();
    assert!(peer.response(channel).is_ok());
    while !matches!(peer.next(), Ok(Event::Closed(_)) | Err(_)) {}
    assert!(bench.wait_agent().success());
}

#[test]
fn an_agent_told_to_end_now_ends_its_commands_and_delivers_their_ends() {
    let mut bench = Bench::with_agent();
    let mut peer = bench.accept();
    let channel = peer.open(&Request::Exec(script("echo begun; sleep 1000")), 0);
    let mut journal = Vec::new();
    while !journal.windows(6).any(|window| window == b"begun\n") {
        if let Event::Data { bytes, .. } = peer.next().unwrap() {
            journal.extend(bytes);
        }
    }
    peer.open(&shutdown(ShutdownMode::Now), 0);
    loop {
        match peer.next().unwrap() {
            Event::Data { bytes, .. } => journal.extend(bytes),
            Event::Response {
                channel: of,
                result,
            } if of == channel => {
                result.unwrap();
                break;
            }
            _ => {}
        }
    }
    let ran = Ran::parse(&journal);
    assert_eq!(
        (ran.result.reason, ran.output.as_slice()),
        (Reason::AgentLost, &b"begun\n"[..])
    );
    while !matches!(peer.next(), Ok(Event::Closed(_)) | Err(_)) {}
    assert!(bench.wait_agent().success());
}

#[test]
fn commands_and_files_of_an_agent_with_run_as_are_that_users() {
    let nobody = std::fs::read_to_string("/etc/passwd").unwrap();
    let nobody = nobody.lines().find(|line| line.starts_with("nobody:"));
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let (Some(nobody), true) = (nobody, is_root) else {
        eprintln!("no root, or no user `nobody`: nothing to see");
        return;
    };
    let number: u32 = nobody.split(':').nth(2).unwrap().parse().unwrap();
    let mut bench = Bench::new();
    bench.start_own_agent(&["--run-as=nobody"]);
    let mut peer = bench.accept();
    peer.call(&mkdir()).unwrap();
    let made = std::fs::metadata(bench.root().join("a")).unwrap();
    assert_eq!(made.uid(), number);
    let key = bench.folder.join("key");
    let text = format!(
        "id -u; echo $USER $HOME; touch a/file; cat {} 2>/dev/null || echo no key",
        key.display()
    );
    let ran = peer.exec(&script(&text));
    let said = String::from_utf8(ran.output).unwrap();
    let home = nobody.split(':').nth(5).unwrap();
    assert_eq!(said, format!("{number}\nnobody {home}\nno key\n"));
    assert_eq!(
        std::fs::metadata(bench.root().join("a/file"))
            .unwrap()
            .uid(),
        number
    );
    // What does not belong to that user is out of reach for the master's requests too.
    let closed = bench.root().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let into = Request::Mkdir(Mkdir {
        path: RelPath::parse(b"closed/b").unwrap(),
        parents: true,
    });
    assert_eq!(peer.call(&into).unwrap_err().code, Code::Permission);
    // And for the files that a command has followed.
    std::fs::write(bench.root().join("ours.log"), "").unwrap();
    let only_ours = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(bench.root().join("ours.log"), only_ours).unwrap();
    let mut exec = script("echo theirs > a/theirs.log; while ! test -e a/go; do sleep 0.02; done");
    exec.tails = ["ours.log", "a/theirs.log"]
        .map(|path| Tail {
            name: path.replace('/', "-"),
            path: RelPath::parse(path.as_bytes()).unwrap(),
        })
        .to_vec();
    let channel = peer.open(&Request::Exec(exec), 0);
    peer.flush();
    while !bench.root().join("a/theirs.log").exists() {
        std::thread::yield_now();
    }
    std::fs::write(bench.root().join("ours.log"), "a secret").unwrap();
    std::fs::write(bench.root().join("a/go"), "").unwrap();
    let mut journal = Vec::new();
    peer.read_stream(channel, &mut journal).unwrap().unwrap();
    let has = |text: &[u8]| journal.windows(text.len()).any(|bytes| bytes == text);
    assert!(has(b"theirs\n") && !has(b"a secret"));
}

#[test]
fn nobody_else_can_lock_speak_to_or_read_what_the_agent_keeps_whatever_the_mask() {
    let mut bench = Bench::new();
    let own = bench.command();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\""]);
    command.arg(own.get_program()).args(own.get_args());
    bench.spawn(command);
    let mut peer = bench.accept();
    peer.open(&Request::Exec(script("sleep 600")), 0);
    peer.flush();
    while bench.shims().is_empty() {
        std::thread::yield_now();
    }
    let state = bench.folder.join("state");
    let id = peer.call(&Request::List).unwrap();
    let id = windlass_protocol::ops::parse_list(&id).unwrap()[0].id;
    let command = state.join("cmd").join(id.to_string());
    // Whoever may open a lock may hold it, and who may write to a socket may speak.
    for (path, others) in [
        (state.join("lock"), 0o077),
        (command.join("lock"), 0o077),
        (command.join("sock"), 0o077),
        (state.join("cmd"), 0o066),
    ] {
        let mode = std::fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & others, 0, "{} has {mode:o}", path.display());
    }
}

#[test]
fn a_user_to_run_as_that_is_not_there_keeps_the_agent_from_starting() {
    let mut bench = Bench::new();
    bench.start_own_agent(&["--run-as=no-such-user"]);
    assert!(!bench.wait_agent().success());
    assert!(
        bench.log().contains("run_as: `no-such-user`"),
        "{}",
        bench.log()
    );
}
