//! Level 2: what neither a broken connection nor the death of the agent's process ends.

use windlass_protocol::ops::Reason;
use windlass_protocol::{Code, Progress, limits};

use super::Row;
use crate::ask::Ask;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes};
use crate::peer::Peer;
use crate::ran::Ran;

pub(crate) const ROWS: &[Row] = &[
    (
        "outlives-cut",
        "a command outlives its connection",
        outlives_cut,
    ),
    (
        "outlives-kill",
        "a command outlives a killed agent",
        outlives_kill,
    ),
    (
        "cuts",
        "output is exact however often and wherever the connection breaks",
        cuts,
    ),
    (
        "kills",
        "output is exact however often the agent is killed",
        kills,
    ),
    (
        "stored",
        "what was acknowledged may be gone; what was not is there",
        stored,
    ),
    (
        "finished",
        "a finished journal is the same after a restart",
        finished,
    ),
    (
        "exec-again",
        "a request repeated after a restart starts nothing",
        exec_again,
    ),
    (
        "exec-cut",
        "a request cut anywhere starts at most one command",
        exec_cut,
    ),
    (
        "stale-after",
        "generations are remembered over a restart",
        stale_after,
    ),
    ("forgotten", "what was forgotten stays forgotten", forgotten),
    (
        "signal-after",
        "`signal` reaches a command after a restart",
        signal_after,
    ),
];

/// A command that waits between two halves of its output.
fn halves(bench: &mut Bench<'_>) -> Outcome<Ask> {
    bench.script(|shell| {
        vec![
            shell.mark("starts"),
            shell.say("one"),
            shell.wait_for("go"),
            shell.say("two"),
        ]
    })
}

/// Starts it and reads until it has said the first word; tells how much of the journal that was.
pub(super) fn first_half(peer: &mut Peer, ask: &Ask, journal: &mut Vec<u8>) -> Outcome {
    let channel = peer.open(&ask.to_box(), 0)?;
    let said = |bytes: &[u8]| bytes.windows(3).any(|three| three == b"one");
    match peer.read_until(channel, journal, said)? {
        None => Ok(()),
        Some(answer) => broken(format!("it ended early: {answer:?}")),
    }
}

/// Attaches where the journal ends so far, and reads the rest.
fn second_half(bench: &mut Bench<'_>, ask: &Ask, journal: &mut Vec<u8>) -> Outcome {
    let mut peer = bench.connect()?;
    let [state] = peer.commands.as_slice() else {
        return broken(format!("READY lists {:?}", peer.commands));
    };
    same(
        "its state in READY",
        (state.id, state.progress),
        (ask.id, Progress::Running),
    )?;
    bench.write("go", b"")?;
    let channel = peer.open(&ask.about("attach", &[]), journal.len() as u64)?;
    peer.read(channel, journal)??;
    let ran = Ran::parse(journal)?;
    ran.exited(0)?;
    let shell = bench.shell()?;
    same_bytes(
        "output",
        &ran.output,
        &[shell.line("one"), shell.line("two")].concat(),
    )?;
    same("starts", bench.count_marks("starts"), 1)
}

fn outlives_cut(bench: &mut Bench<'_>) -> Outcome {
    let ask = halves(bench)?;
    let mut journal = Vec::new();
    first_half(&mut bench.connect()?, &ask, &mut journal)?;
    second_half(bench, &ask, &mut journal)
}

fn outlives_kill(bench: &mut Bench<'_>) -> Outcome {
    let ask = halves(bench)?;
    let mut journal = Vec::new();
    let mut peer = bench.connect()?;
    first_half(&mut peer, &ask, &mut journal)?;
    bench.kill()?;
    drop(peer);
    second_half(bench, &ask, &mut journal)
}

/// Reads a command's journal over many connections, each broken somewhere.
fn broken_often(bench: &mut Bench<'_>, times: usize, kill: bool) -> Outcome {
    let content = super::commands::text(60_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| {
        let show = shell.show("content");
        vec![
            shell.mark("starts"),
            show.clone(),
            shell.wait_for("go"),
            show,
        ]
    })?;
    let mut journal = Vec::new();
    for number in 0..times {
        if number == times / 2 {
            bench.write("go", b"")?;
        }
        let mut peer = bench.connect()?;
        peer.stores = true;
        let most = if number % 3 == 0 { 2_000 } else { 600_000 };
        let until = journal.len() + bench.random.below(most);
        let channel = peer.open(&ask.to_box(), journal.len() as u64)?;
        // It may wait for `go` at the end of the first half.
        let enough = |bytes: &[u8]| bytes.len() >= until.min(content.len());
        let answer = peer.read_until(channel, &mut journal, enough)?;
        if kill {
            bench.kill()?;
        }
        if answer.is_some() {
            break;
        }
    }
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), journal.len() as u64)?;
    peer.read(channel, &mut journal)??;
    let ran = Ran::parse(&journal)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &content.repeat(2))?;
    same("starts", bench.count_marks("starts"), 1)
}

fn cuts(bench: &mut Bench<'_>) -> Outcome {
    broken_often(bench, 24, false)
}

fn kills(bench: &mut Bench<'_>) -> Outcome {
    broken_often(bench, 10, true)
}

fn stored(bench: &mut Bench<'_>) -> Outcome {
    let content = super::commands::text(30_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| vec![shell.show("content")])?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut whole = Vec::new();
    peer.read(channel, &mut whole)??;
    drop(peer);
    // Half of it is stored now.
    let half = whole.len() / 2;
    let mut peer = bench.connect()?;
    let request = ask.about("attach", &[]);
    let channel = peer
        .connection
        .open_box(&request, half as u64, limits::LOG_WINDOW)?;
    let mut journal = whole[..half].to_vec();
    peer.stores = true;
    peer.read_until(channel, &mut journal, |bytes| bytes.len() > half)?;
    bench.kill()?;
    drop(peer);
    let mut peer = bench.connect()?;
    let from = journal.len();
    let channel = peer.open(&request, from as u64)?;
    peer.read(channel, &mut journal)??;
    same_bytes("the journal", &journal, &whole)
}

fn finished(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x"), shell.exit(3)])?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut whole = Vec::new();
    peer.read(channel, &mut whole)??;
    bench.kill()?;
    drop(peer);
    let mut peer = bench.connect()?;
    let [state] = peer.commands.as_slice() else {
        return broken(format!("READY lists {:?}", peer.commands));
    };
    let told = (
        state.id,
        state.generation,
        state.progress,
        state.journal_end,
    );
    same(
        "READY",
        told,
        (ask.id, 1, Progress::Finished, whole.len() as u64),
    )?;
    for from in 0..=whole.len() {
        let channel = peer.open(&ask.about("attach", &[]), from as u64)?;
        let mut journal = whole[..from].to_vec();
        peer.read(channel, &mut journal)??;
        same_bytes("the journal", &journal, &whole)?;
    }
    Ran::parse(&whole)?.exited(3)
}

fn exec_again(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.mark("starts"), shell.say("x")])?;
    bench.connect()?.run(&ask)?.exited(0)?;
    for kill in [false, true] {
        if kill {
            bench.kill()?;
        }
        let mut peer = bench.connect()?;
        peer.run(&ask)?.exited(0)?;
        let other = ask.clone().with("timeout_ms", "77777");
        peer.refused("other arguments", &other.to_box(), Code::IdMismatch)?;
        bench.kill()?;
    }
    same("starts", bench.count_marks("starts"), 1)
}

fn exec_cut(bench: &mut Bench<'_>) -> Outcome {
    for round in 0..8 {
        let file = format!("starts{round}");
        let ask = bench.script(|shell| vec![shell.mark(&file), shell.say("x")])?;
        let length = ask.to_box().encoded_len();
        let mut peer = bench.connect()?;
        peer.open(&ask.to_box(), 0)?;
        // All of the request, or less than all of it.
        let count = if round % 2 == 0 {
            usize::MAX
        } else {
            bench.random.below(length)
        };
        peer.cut_after(count);
        if round % 4 == 0 {
            bench.kill()?;
        }
        bench.connect()?.run(&ask)?.exited(0)?;
        same("starts", bench.count_marks(&file), 1)?;
    }
    Ok(())
}

fn stale_after(bench: &mut Bench<'_>) -> Outcome {
    let mut ask = bench.script(|shell| vec![shell.say("x")])?;
    ask.generation = 5;
    bench.connect()?.run(&ask)?.exited(0)?;
    let mut newer = ask.clone();
    newer.generation = 8;
    let mut peer = bench.connect()?;
    let channel = peer.open(&newer.about("attach", &[]), 0)?;
    peer.read(channel, &mut Vec::new())??;
    bench.kill()?;
    drop(peer);
    let mut peer = bench.connect()?;
    let generation = peer.commands.first().map(|state| state.generation);
    same("generation in READY", generation, Some(8))?;
    peer.refused(
        "attach of 5",
        &ask.about("attach", &[]),
        Code::StaleGeneration,
    )?;
    peer.refused("exec of 5", &ask.to_box(), Code::StaleGeneration)
}

fn forgotten(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x")])?;
    let mut peer = bench.connect()?;
    peer.run(&ask)?.exited(0)?;
    peer.call(&ask.about("forget", &[]))??;
    bench.kill()?;
    drop(peer);
    let mut peer = bench.connect()?;
    ensure(
        peer.commands.is_empty(),
        format!("READY lists {:?}", peer.commands),
    )?;
    peer.refused("attach", &ask.about("attach", &[]), Code::UnknownId)?;
    peer.call(&ask.about("forget", &[]))??;
    Ok(())
}

fn signal_after(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("one"), shell.sleep()])?;
    let mut peer = bench.connect()?;
    first_half(&mut peer, &ask, &mut Vec::new())?;
    bench.kill()?;
    drop(peer);
    let mut peer = bench.connect()?;
    peer.call(&ask.about("signal", &[("mode", b"kill")]))??;
    peer.run(&ask)?.ended(Reason::Cancelled)
}
