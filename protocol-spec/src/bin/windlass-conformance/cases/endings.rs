//! Section 7.1: deadlines, limits and the master's word: each ends a command, for its own reason.

use windlass_protocol::ops::Reason;
use windlass_protocol::{CancelMode, Code, Event, Failure};

use super::Row;
use crate::ask::request;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, skip};
use crate::peer::Peer;
use crate::ran::Ran;
use crate::shell::Shell;

pub(crate) const ROWS: &[Row] = &[
    ("timeout", "a command ends after `timeout_ms`", timeout),
    (
        "idle",
        "a command ends after `idle_ms` without output, and not before",
        idle,
    ),
    (
        "max-output",
        "a command ends after `max_bytes` of output",
        max_output,
    ),
    ("cancel-term", "CANCEL `term` ends a command", cancel_term),
    (
        "cancel-kill",
        "CANCEL `kill` ends a command that will not",
        cancel_kill,
    ),
    (
        "grace",
        "what does not end is killed after `grace_ms`",
        grace,
    ),
    (
        "cancel-early",
        "a CANCEL sent right behind its exec is not lost",
        cancel_early,
    ),
    (
        "signal-ends",
        "`signal` ends a command that nobody is attached to",
        signal_ends,
    ),
    (
        "leftovers",
        "what a command leaves behind ends with it",
        leftovers,
    ),
    (
        "held-pipe",
        "a command ends although a child holds its output",
        held_pipe,
    ),
    ("abort", "ABORT detaches; the command goes on", abort),
    (
        "children",
        "the whole family ends, not its first process alone",
        children,
    ),
    (
        "grace-of-children",
        "what is asked to end has its grace though the first process has gone",
        grace_of_children,
    ),
];

fn ends(bench: &mut Bench<'_>, key: &str, value: &str, reason: Reason) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("begun"), shell.sleep()])?;
    let ran = bench.connect()?.run(&ask.with(key, value))?;
    ran.ended(reason)?;
    ensure(
        ran.output.starts_with(b"begun"),
        "output before the end is missing",
    )
}

fn timeout(bench: &mut Bench<'_>) -> Outcome {
    ends(bench, "timeout_ms", "700", Reason::Timeout)
}

fn idle(bench: &mut Bench<'_>) -> Outcome {
    ends(bench, "idle_ms", "700", Reason::Idle)?;
    // Ten lines, none of them late, that together take longer than the limit.
    let line = |shell: Shell| shell.either("echo x; sleep 0.2", "echo x& ping -n 2 127.0.0.1 >nul");
    let ask = bench.script(|shell| vec![line(shell); 6])?;
    bench
        .connect()?
        .run(&ask.with("idle_ms", "5000"))?
        .exited(0)
}

fn max_output(bench: &mut Bench<'_>) -> Outcome {
    bench.write("content", &super::commands::text(20_000))?;
    let ask = bench.script(|shell| vec![shell.show("content"), shell.sleep()])?;
    let ran = bench.connect()?.run(&ask.with("max_bytes", "100000"))?;
    ran.ended(Reason::MaxOutput)?;
    // More than the limit is not kept.
    same("bytes of output", ran.output.len(), 100_000)
}

/// Starts a script and waits for the word `begun` in its output.
fn started(
    peer: &mut Peer,
    ask: &crate::ask::Ask,
) -> Outcome<(windlass_protocol::ChannelId, Vec<u8>)> {
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    let has_word = |bytes: &[u8]| bytes.windows(5).any(|five| five == b"begun");
    match peer.read_until(channel, &mut journal, has_word)? {
        None => Ok((channel, journal)),
        Some(answer) => broken(format!("it ended before it was told: {answer:?}")),
    }
}

fn cancel_term(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("begun"), shell.sleep()])?;
    let mut peer = bench.connect()?;
    let (channel, mut journal) = started(&mut peer, &ask)?;
    peer.connection.cancel(channel, CancelMode::Term)?;
    peer.read(channel, &mut journal)??;
    Ran::parse(&journal)?.ended(Reason::Cancelled)
}

/// Lines that ignore being asked to end.
fn stubborn(shell: Shell) -> Vec<String> {
    let stay = "trap '' TERM INT HUP; echo begun; while :; do sleep 600; done";
    vec![shell.either(
        stay,
        format!("echo begun\r\n:stay\r\n{}\r\ngoto stay", shell.sleep()),
    )]
}

fn cancel_kill(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(stubborn)?.with("grace_ms", "600000");
    let mut peer = bench.connect()?;
    let (channel, mut journal) = started(&mut peer, &ask)?;
    peer.connection.cancel(channel, CancelMode::Kill)?;
    peer.read(channel, &mut journal)??;
    Ran::parse(&journal)?.ended(Reason::Cancelled)
}

fn grace(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(stubborn)?.with("grace_ms", "500");
    let mut peer = bench.connect()?;
    let (channel, mut journal) = started(&mut peer, &ask)?;
    peer.connection.cancel(channel, CancelMode::Term)?;
    peer.read(channel, &mut journal)??;
    Ran::parse(&journal)?.ended(Reason::Cancelled)
}

fn cancel_early(bench: &mut Bench<'_>) -> Outcome {
    for mode in [CancelMode::Term, CancelMode::Kill] {
        let ask = bench.script(|shell| vec![shell.sleep()])?;
        let mut peer = bench.connect()?;
        let channel = peer.open(&ask.to_box(), 0)?;
        peer.connection.cancel(channel, mode)?;
        let mut journal = Vec::new();
        peer.read(channel, &mut journal)??;
        same(
            "reason",
            Ran::parse(&journal)?.result.reason,
            Reason::Cancelled,
        )?;
    }
    Ok(())
}

fn signal_ends(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("begun"), shell.sleep()])?;
    let mut peer = bench.connect()?;
    started(&mut peer, &ask)?;
    drop(peer);
    let mut peer = bench.connect()?;
    peer.call(&ask.about("signal", &[("mode", b"kill")]))??;
    peer.run(&ask)?.ended(Reason::Cancelled)?;
    // For one that has ended it is too late, and no harm.
    let _ = peer.call(&ask.about("signal", &[("mode", b"kill")]))?;
    peer.refused(
        "a mode that is none",
        &ask.about("signal", &[("mode", b"gently")]),
        Code::BadRequest,
    )
}

fn leftovers(bench: &mut Bench<'_>) -> Outcome {
    let leave = |shell: Shell| {
        shell.either(
            "(sleep 2; echo late > late) >/dev/null 2>&1 &",
            leave_on_windows(),
        )
    };
    let ask = bench.script(|shell| vec![leave(shell), shell.say("end")])?;
    let mut peer = bench.connect()?;
    peer.run(&ask)?.exited(0)?;
    std::thread::sleep(std::time::Duration::from_secs(4));
    ensure(
        !bench.root().join("late").exists(),
        "what the command left goes on",
    )
}

fn leave_on_windows() -> &'static str {
    "start /b cmd /c \"ping -n 3 127.0.0.1 >nul & echo late>late\" >nul 2>nul"
}

fn held_pipe(bench: &mut Bench<'_>) -> Outcome {
    let leave = |shell: Shell| shell.either("sleep 600 &", "start /b ping -n 600 127.0.0.1");
    let ask = bench.script(|shell| vec![leave(shell), shell.say("end")])?;
    bench.connect()?.run(&ask)?.exited(0)
}

fn abort(bench: &mut Bench<'_>) -> Outcome {
    let ask =
        bench.script(|shell| vec![shell.say("begun"), shell.wait_for("go"), shell.say("end")])?;
    let mut peer = bench.connect()?;
    let (channel, _) = started(&mut peer, &ask)?;
    peer.connection
        .abort(channel, &Failure::new(Code::Cancelled, "not now"))?;
    match peer.answer(channel)? {
        Err(failure) => same("answer to ABORT", failure.code, Code::Cancelled)?,
        Ok(_) => return broken("ABORT was answered with success"),
    }
    let listed = peer.call(&request("list", &[]))??;
    let line = String::from_utf8_lossy(listed.require("cmd")?).into_owned();
    ensure(
        line.contains(" running "),
        format!("after ABORT `list` says {line:?}"),
    )?;
    bench.write("go", b"")?;
    peer.run(&ask)?.exited(0)
}

fn children(bench: &mut Bench<'_>) -> Outcome {
    let nested = |shell: Shell| {
        shell.either(
            "sh -c 'sh -c \"echo begun; sleep 3; echo late > late\"'; true",
            "cmd /c \"cmd /c \"\"echo begun& ping -n 4 127.0.0.1 >nul& echo late>late\"\"\"",
        )
    };
    let ask = bench.script(|shell| vec![nested(shell)])?;
    let mut peer = bench.connect()?;
    let (channel, mut journal) = started(&mut peer, &ask)?;
    peer.connection.cancel(channel, CancelMode::Kill)?;
    peer.read(channel, &mut journal)??;
    Ran::parse(&journal)?.ended(Reason::Cancelled)?;
    while let Some(event) = peer.connection.poll_event() {
        if let Event::Closed(reason) = event {
            return broken(format!("it closed: {reason:?}"));
        }
    }
    std::thread::sleep(std::time::Duration::from_secs(4));
    ensure(
        !bench.root().join("late").exists(),
        "a grandchild outlived the cancel",
    )
}

fn grace_of_children(bench: &mut Bench<'_>) -> Outcome {
    if bench.shell()? != Shell::Sh {
        return skip("Windows has no signals to ask by");
    }
    let child = "(trap 'sleep 1; echo x > flushed; exit' TERM; echo x > ready; \
                 while :; do sleep 0.1; done) >/dev/null 2>&1 &";
    let lines = |shell: Shell| {
        let wait = shell.wait_for("ready");
        vec![child.into(), wait, shell.say("begun"), shell.sleep()]
    };
    let ask = bench.script(lines)?.with("grace_ms", "20000");
    let mut peer = bench.connect()?;
    let (channel, mut journal) = started(&mut peer, &ask)?;
    peer.connection.cancel(channel, CancelMode::Term)?;
    peer.read(channel, &mut journal)??;
    Ran::parse(&journal)?.ended(Reason::Cancelled)?;
    ensure(
        bench.root().join("flushed").exists(),
        "a child was killed within its grace",
    )
}
