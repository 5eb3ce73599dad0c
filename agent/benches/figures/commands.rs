//! Commands that do nothing: how soon one is there and back, and a hundred at once.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use windlass_protocol::CommandId;
use windlass_protocol::ops::{Exec, Program};

use crate::ground::{Ground, random};
use crate::program::shell_start;
use crate::table::{Row, median};

/// Round trips; the middle one counts.
const ROUNDS: usize = 101;
/// Commands at once.
const MANY: usize = 100;
/// What each of them does.
const LIVE: &str = "echo begun; sleep 1; echo ended";

fn exec(words: &[&str]) -> Exec {
    let argv = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    Exec::new(CommandId(random()), Program::Argv(argv))
}

pub(crate) fn measure(ground: &Ground) -> Vec<Row> {
    let mut peer = ground.connect(None);
    let (mut there, mut shell) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        shell.push(shell_start());
        let exec = exec(&["true"]);
        let began = Instant::now();
        let channel = peer.begin(&exec);
        peer.end(vec![channel]);
        there.push(began.elapsed());
        peer.forget(&exec);
    }
    let (mut together, mut shells) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        shells.push(shells_at_once());
        let all: Vec<Exec> = (0..MANY).map(|_| exec(&["sh", "-c", LIVE])).collect();
        let began = Instant::now();
        let open = all.iter().map(|exec| peer.begin(exec)).collect();
        peer.end(open);
        together.push(began.elapsed());
        all.iter().for_each(|exec| peer.forget(exec));
    }
    let one = Row::of_time("exec true, there and back", &there, "sh -c true", &shell);
    let many = Row::of_time("100 commands of 1 s", &together, "100 × sh", &shells);
    vec![
        Row {
            wanted: "≤ 8 ms".into(),
            is_met: median(&there) <= Duration::from_millis(8),
            ..one
        },
        Row {
            wanted: "all end".into(),
            ..many
        },
    ]
}

fn shells_at_once() -> Duration {
    let began = Instant::now();
    let start = |_| {
        let mut shell = Command::new("sh");
        shell.args(["-c", LIVE]);
        shell.stdin(Stdio::null()).stdout(Stdio::null());
        shell.spawn().unwrap()
    };
    let all: Vec<Child> = (0..MANY).map(start).collect();
    for mut shell in all {
        assert!(shell.wait().unwrap().success());
    }
    began.elapsed()
}
