//! Level 2: time that passes while the agent or its master is away, and input that comes in parts.

use std::time::Duration;

use windlass_protocol::Progress;
use windlass_protocol::ops::{self, Reason};
use windlass_protocol::sha256::digest;

use super::Row;
use super::restarts::first_half;
use crate::bench::Bench;
use crate::fault::{Outcome, ensure, same, same_bytes};
use crate::ran::Ran;

pub(crate) const ROWS: &[Row] = &[
    (
        "deadline-away",
        "a deadline holds while the agent is dead",
        deadline_away,
    ),
    (
        "lease",
        "a command ends when no master came for `lease_s`",
        lease,
    ),
    (
        "lease-kept",
        "a command with a master keeps its lease",
        lease_kept,
    ),
    (
        "input-resumes",
        "the down stream goes on where it stopped",
        input_resumes,
    ),
    (
        "input-after-kill",
        "the down stream goes on after the agent was killed",
        input_after_kill,
    ),
    (
        "newest-input",
        "with a newer channel the input of the older one is dropped",
        newest_input,
    ),
];

fn deadline_away(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("one"), shell.sleep()])?;
    let ask = ask.with("timeout_ms", "2000").with("grace_ms", "0");
    let mut peer = bench.connect()?;
    first_half(&mut peer, &ask, &mut Vec::new())?;
    bench.kill()?;
    drop(peer);
    std::thread::sleep(Duration::from_secs(4));
    let ran = bench.connect()?.run(&ask)?;
    ran.ended(Reason::Timeout)?;
    let wall = ran.result.wall_ms;
    ensure(
        (2_000..3_900).contains(&wall),
        format!("`wall_ms` is {wall}, not about 2000"),
    )
}

fn lease(bench: &mut Bench<'_>) -> Outcome {
    let mut ask = bench.script(|shell| vec![shell.say("one"), shell.sleep()])?;
    ask.lease_s = Some(1);
    let mut peer = bench.connect()?;
    first_half(&mut peer, &ask, &mut Vec::new())?;
    bench.kill()?;
    drop(peer);
    std::thread::sleep(Duration::from_secs(4));
    bench.connect()?.run(&ask)?.ended(Reason::LeaseExpired)
}

fn lease_kept(bench: &mut Bench<'_>) -> Outcome {
    let mut ask =
        bench.script(|shell| vec![shell.say("one"), shell.wait_for("go"), shell.say("two")])?;
    ask.lease_s = Some(3);
    let mut peer = bench.connect()?;
    first_half(&mut peer, &ask, &mut Vec::new())?;
    // Longer than the lease, with short absences, and nobody attached in between.
    for _ in 0..3 {
        drop(peer);
        peer = bench.connect()?;
        std::thread::sleep(Duration::from_millis(1_500));
    }
    let states = ops::parse_list(&peer.call(&crate::ask::request("list", &[]))??)?;
    same(
        "its state",
        states.first().map(|state| state.progress),
        Some(Progress::Running),
    )?;
    bench.write("go", b"")?;
    peer.run(&ask)?.exited(0)
}

/// Sends input in two connections; what breaks the first is `kill` or a cut.
fn input_in_two(bench: &mut Bench<'_>, kill: bool) -> Outcome {
    bench.require_copying()?;
    let ask = bench.script(|shell| vec![shell.mark("starts"), shell.copy_input()])?;
    let ask = ask.with("stdin", super::knowing::STREAM);
    let lines = (0..9_000).map(|at| format!("line {at} of the input\r\n"));
    let input = lines.collect::<String>().into_bytes();
    let half = 100_000;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    peer.send(channel, &input, half)?;
    // What comes back has been read by the command.
    let mut journal = Vec::new();
    peer.read_until(channel, &mut journal, |bytes| bytes.len() > 1_000)?;
    if kill {
        bench.kill()?;
    }
    drop(peer);
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), journal.len() as u64)?;
    let began = peer.send(channel, &input, input.len())?.unwrap_or(0);
    ensure(
        began <= half as u64,
        format!("the agent wants input from {began} on"),
    )?;
    ensure(
        began > 0,
        "the agent wants input again that the command has read",
    )?;
    peer.read(channel, &mut journal)??;
    let ran = Ran::parse(&journal)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &input)?;
    same("starts", bench.count_marks("starts"), 1)
}

fn input_resumes(bench: &mut Bench<'_>) -> Outcome {
    input_in_two(bench, false)
}

fn input_after_kill(bench: &mut Bench<'_>) -> Outcome {
    input_in_two(bench, true)
}

fn newest_input(bench: &mut Bench<'_>) -> Outcome {
    bench.require_copying()?;
    let ask = bench.script(|shell| vec![shell.copy_input()])?;
    let ask = ask.with("stdin", super::knowing::STREAM);
    let mut peer = bench.connect()?;
    let (old, new) = (b"of the old one\r\n", b"of the new one\r\n");
    let older = peer.open(&ask.to_box(), 0)?;
    peer.send(older, old, 0)?;
    let newer = peer.open(&ask.to_box(), 0)?;
    peer.send(newer, new, 0)?;
    peer.connection.send_data(older, 0, old)?;
    peer.connection
        .finish(older, old.len() as u64, digest(old))?;
    peer.send(newer, new, new.len())?;
    let mut journal = Vec::new();
    peer.read(newer, &mut journal)??;
    same_bytes("the output", &Ran::parse(&journal)?.output, new)
}
