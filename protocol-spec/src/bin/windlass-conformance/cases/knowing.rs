//! Section 7: ids, generations, and what an agent remembers, in one life of the agent.

use windlass_protocol::{Code, Progress, ops};

use super::Row;
use crate::ask::request;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes};
use crate::ran::Ran;

/// The word of `stdin` for the down stream.
pub(super) const STREAM: &str = "stream";

pub(crate) const ROWS: &[Row] = &[
    (
        "once",
        "a repeated exec never starts twice, and gives the same journal",
        once,
    ),
    (
        "twice-at-once",
        "two channels with one exec share one command",
        twice_at_once,
    ),
    (
        "id-mismatch",
        "an id with other arguments is refused",
        id_mismatch,
    ),
    (
        "generations",
        "an older generation is refused, a newer one is remembered",
        generations,
    ),
    (
        "attach",
        "a journal is given from any offset, with the hash of the whole",
        attach,
    ),
    (
        "list",
        "`list` and READY tell what is known until it is forgotten",
        list,
    ),
    ("forget", "`forget` deletes; what runs is `busy`", forget),
    (
        "unknown-id",
        "`attach`, `signal` and a resumed `exec` of an unknown id are refused",
        unknown_id,
    ),
];

fn once(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.mark("starts"), shell.say("x")])?;
    let mut peer = bench.connect()?;
    let mut first = None;
    for _ in 0..4 {
        let channel = peer.open(&ask.to_box(), 0)?;
        let mut journal = Vec::new();
        peer.read(channel, &mut journal)??;
        Ran::parse(&journal)?.exited(0)?;
        let wanted = first.get_or_insert_with(|| journal.clone());
        same_bytes("the journal", &journal, wanted)?;
    }
    same("starts", bench.count_marks("starts"), 1)
}

fn twice_at_once(bench: &mut Bench<'_>) -> Outcome {
    let lines = |shell: crate::shell::Shell| {
        vec![shell.mark("starts"), shell.wait_for("go"), shell.say("x")]
    };
    let ask = bench.script(lines)?;
    let mut peer = bench.connect()?;
    let mut channels = Vec::new();
    for _ in 0..5 {
        channels.push(peer.open(&ask.to_box(), 0)?);
    }
    bench.write("go", b"")?;
    let mut answers = 0;
    while answers < channels.len() {
        if let windlass_protocol::Event::Response { result, .. } = peer.next()? {
            result?;
            answers += 1;
        }
    }
    same("starts", bench.count_marks("starts"), 1)
}

fn id_mismatch(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.mark("starts")])?;
    let mut peer = bench.connect()?;
    peer.run(&ask)?.exited(0)?;
    let other = ask.clone().with("timeout_ms", "1000");
    peer.refused("other arguments", &other.to_box(), Code::IdMismatch)?;
    let mut other = ask.clone();
    other.pairs.reverse();
    peer.refused(
        "the same pairs in another order",
        &other.to_box(),
        Code::IdMismatch,
    )?;
    // The lease is not part of what a command is.
    let mut same_one = ask;
    same_one.lease_s = Some(60);
    peer.run(&same_one)?.exited(0)?;
    same("starts", bench.count_marks("starts"), 1)
}

fn generations(bench: &mut Bench<'_>) -> Outcome {
    let mut ask = bench.script(|shell| vec![shell.say("x"), shell.wait_for("go")])?;
    ask.generation = 4;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    peer.read_until(channel, &mut Vec::new(), |bytes| !bytes.is_empty())?;
    let with = |generation| {
        let mut other = ask.clone();
        other.generation = generation;
        other
    };
    let stale = Code::StaleGeneration;
    peer.refused("attach of 3", &with(3).about("attach", &[]), stale)?;
    peer.refused("exec of 3", &with(3).to_box(), stale)?;
    peer.refused(
        "signal of 3",
        &with(3).about("signal", &[("mode", b"kill")]),
        stale,
    )?;
    peer.refused("forget of 3", &with(3).about("forget", &[]), stale)?;
    bench.write("go", b"")?;
    let newer = peer.open(&with(9).about("attach", &[]), 0)?;
    peer.read(newer, &mut Vec::new())??;
    peer.refused("attach of 8 after 9", &with(8).about("attach", &[]), stale)?;
    let states = ops::parse_list(&peer.call(&request("list", &[]))??)?;
    same(
        "generation in `list`",
        states.first().map(|state| state.generation),
        Some(9),
    )
}

fn attach(bench: &mut Bench<'_>) -> Outcome {
    let content = super::commands::text(4_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| vec![shell.show("content")])?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut whole = Vec::new();
    peer.read(channel, &mut whole)??;
    let mut offsets = vec![0, 1, 7, 8, whole.len() - 1, whole.len()];
    offsets.extend((0..10).map(|_| bench.random.below(whole.len())));
    // From the beginning on, because what is acknowledged need not be kept.
    offsets.sort_unstable();
    for from in offsets {
        let channel = peer
            .connection
            .open_box(&ask.about("attach", &[]), from as u64, 1 << 30)?;
        let mut journal = whole[..from].to_vec();
        loop {
            match peer.next()? {
                windlass_protocol::Event::Data { offset, bytes, .. } => {
                    same("offset of DATA", offset, journal.len() as u64)?;
                    journal.extend_from_slice(&bytes);
                }
                windlass_protocol::Event::End { length, sha256, .. } => {
                    same("length in END", length, whole.len() as u64)?;
                    let hash = windlass_protocol::sha256::digest(&whole);
                    same("SHA-256 in END", sha256, Some(hash))?;
                }
                windlass_protocol::Event::Response {
                    channel: answered,
                    result,
                } => {
                    same("channel of RES", answered, channel)?;
                    result?;
                    break;
                }
                _ => {}
            }
        }
        same_bytes(&format!("the journal from {from} on"), &journal, &whole)?;
    }
    let beyond = whole.len() as u64 + 1;
    let channel = peer
        .connection
        .open_box(&ask.about("attach", &[]), beyond, 1000)?;
    match peer.answer(channel)? {
        Err(failure) => same("attach beyond the end", failure.code, Code::BadRequest),
        Ok(_) => broken("attach beyond the end of a finished journal succeeded"),
    }
}

fn list(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x")])?;
    let mut peer = bench.connect()?;
    ensure(
        peer.commands.is_empty(),
        "READY lists commands of a new state folder",
    )?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    peer.read(channel, &mut journal)??;
    let states = ops::parse_list(&peer.call(&request("list", &[]))??)?;
    drop(peer);
    let ready = bench.connect()?.commands;
    for states in [states, ready] {
        let [state] = states.as_slice() else {
            return broken(format!("not one command: {states:?}"));
        };
        same("id", state.id, ask.id)?;
        same("generation", state.generation, 1)?;
        same("state", state.progress, Progress::Finished)?;
        same(
            "end of the journal",
            state.journal_end,
            journal.len() as u64,
        )?;
    }
    Ok(())
}

fn forget(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x"), shell.wait_for("go")])?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    peer.read_until(channel, &mut journal, |bytes| !bytes.is_empty())?;
    peer.refused(
        "forget of a running one",
        &ask.about("forget", &[]),
        Code::Busy,
    )?;
    bench.write("go", b"")?;
    peer.read(channel, &mut journal)??;
    for _ in 0..2 {
        peer.call(&ask.about("forget", &[]))??;
    }
    peer.refused(
        "attach after forget",
        &ask.about("attach", &[]),
        Code::UnknownId,
    )?;
    let listed = peer.call(&request("list", &[]))??;
    same("commands after forget", listed.all("cmd").count(), 0)
}

fn unknown_id(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x")])?;
    let mut peer = bench.connect()?;
    peer.refused("attach", &ask.about("attach", &[]), Code::UnknownId)?;
    let signal = ask.about("signal", &[("mode", b"term")]);
    peer.refused("signal", &signal, Code::UnknownId)?;
    peer.call(&ask.about("forget", &[]))??;
    // Whoever has some of its journal has seen it start once.
    let channel = peer.open(&ask.to_box(), 1)?;
    let answer = peer.answer(channel)?.map_err(|failure| failure.code);
    same("exec from 1", answer.err(), Some(Code::BadRequest))?;
    let listed = peer.call(&request("list", &[]))??;
    same("commands after that", listed.all("cmd").count(), 0)
}
