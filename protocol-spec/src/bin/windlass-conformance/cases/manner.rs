//! Section 7.1: how a command is run: its environment, terminal, priority, limits, followed files.

use windlass_protocol::Code;
use windlass_protocol::ops::Reason;

use super::Row;
use crate::ask::{Ask, request};
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes, skip};
use crate::peer::Peer;
use crate::ran::Ran;
use crate::shell::Shell;

pub(crate) const ROWS: &[Row] = &[
    (
        "env-clean",
        "`env.clean` begins with an empty environment",
        env_clean,
    ),
    (
        "env-prepend",
        "`env.prepend` stands before the present value",
        env_prepend,
    ),
    (
        "env-secret",
        "`env.secret` is set, or refused on a readable transport",
        env_secret,
    ),
    ("input-data", "`input` reaches the command", input_data),
    (
        "max-lines",
        "a command ends after `max_lines`, and no more are kept",
        max_lines,
    ),
    (
        "figures",
        "the exit box counts what the journal holds",
        figures,
    ),
    (
        "signalled",
        "a command that a signal ends is `signalled`",
        signalled,
    ),
    (
        "delivered",
        "`signal` delivers a signal and ends nothing",
        delivered,
    ),
    ("umask", "`umask` holds for the command", umask),
    ("nice", "`nice` lowers its priority", nice),
    (
        "pty",
        "`pty` gives it a terminal of the size asked for",
        pty,
    ),
    ("tail", "a followed file comes as it grows", tail),
    (
        "leftovers-keep",
        "`leftovers` = `keep` lets live what a command leaves",
        leftovers_keep,
    ),
    (
        "on-full-drop",
        "output without room is thrown away and counted",
        on_full_drop,
    ),
    (
        "on-full-kill",
        "output without room ends the command",
        on_full_kill,
    ),
    ("on-full-block", "output without room waits", on_full_block),
];

/// Runs a command whose keys an agent need not know.
fn run_if_supported(peer: &mut Peer, ask: &Ask) -> Outcome<Ran> {
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    match peer.read(channel, &mut journal)? {
        Err(failure) if failure.code == Code::Unsupported => skip("it is unsupported"),
        answer => answer
            .map_err(Into::into)
            .and_then(|_| Ran::parse(&journal)),
    }
}

/// A script for `sh`; elsewhere the case is left out.
fn sh(bench: &mut Bench<'_>, text: &str) -> Outcome<Ask> {
    match bench.shell()? {
        Shell::Sh => bench.script(|_| vec![text.to_owned()]),
        Shell::Cmd => skip("of Unix"),
    }
}

fn env_clean(bench: &mut Bench<'_>) -> Outcome {
    let ask = sh(bench, "echo \"${HOME-no}${USER-thing}$CONF\"")?;
    let ask = ask.with("env.clean", "1").with("env.set", "CONF=!");
    let ran = bench.connect()?.run(&ask)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, b"nothing!\n")
}

fn env_prepend(bench: &mut Bench<'_>) -> Outcome {
    let shell = bench.shell()?;
    let ask = bench.script(|shell| vec![shell.variable("CONF_A"), shell.variable("CONF_B")])?;
    let ask = ask
        .with("env.prepend", "CONF_A=one")
        .with("env.set", "CONF_A=two")
        .with("env.prepend", "CONF_B=alone");
    let ran = bench.connect()?.run(&ask)?;
    let first = shell.either("one:two", "one;two");
    let wanted = [shell.line(&first), shell.line("alone")].concat();
    same_bytes("output", &ran.output, &wanted)
}

fn env_secret(bench: &mut Bench<'_>) -> Outcome {
    let shell = bench.shell()?;
    let ask = bench.script(|shell| vec![shell.variable("CONF_S")])?;
    let ask = ask.with("env.secret", "CONF_S=a secret word");
    let mut peer = bench.connect()?;
    if !peer.confidential {
        return peer.refused("a secret", &ask.to_box(), Code::Permission);
    }
    let ran = peer.run(&ask)?;
    same_bytes("output", &ran.output, &shell.line("a secret word"))
}

fn input_data(bench: &mut Bench<'_>) -> Outcome {
    bench.require_copying()?;
    let ask = bench.script(|shell| vec![shell.copy_input()])?;
    let input = b"one line\r\nand another\r\n";
    let ask = ask.with("stdin", "data").with("input", input);
    let ran = bench.connect()?.run(&ask)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, input)
}

fn max_lines(bench: &mut Bench<'_>) -> Outcome {
    let lines = |shell: Shell| {
        let mut lines: Vec<String> = (0..40).map(|at| shell.say(&format!("line{at}"))).collect();
        lines.push(shell.sleep());
        lines
    };
    let ask = bench.script(lines)?.with("max_lines", "7");
    let ran = bench.connect()?.run(&ask)?;
    ran.ended(Reason::MaxOutput)?;
    let count = ran.output.iter().filter(|byte| **byte == b'\n').count();
    same("lines in the journal", count, 7)
}

fn figures(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("out"), shell.complain("err")])?;
    let ran = bench.connect()?.run(&ask.with("output", "split"))?;
    let bytes = ran.output.len() + ran.errors.len();
    same("`bytes`", ran.result.bytes, bytes as u64)?;
    same("`lines`", ran.result.lines, 2)?;
    same("`dropped`", ran.result.dropped, 0)
}

fn signalled(bench: &mut Bench<'_>) -> Outcome {
    let ask = sh(bench, "echo on; kill -9 $$")?;
    let ran = bench.connect()?.run(&ask)?;
    ran.ended(Reason::Signalled)?;
    same("`signal`", ran.result.signal, Some(9))
}

fn delivered(bench: &mut Bench<'_>) -> Outcome {
    let text = "trap 'echo usr1; exit 5' USR1; echo on; while :; do sleep 0.05; done";
    let ask = sh(bench, text)?;
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    peer.read_until(channel, &mut journal, |bytes| {
        bytes.windows(3).any(|three| three == b"on\n")
    })?;
    peer.call(&ask.about("signal", &[("signal", b"USR1")]))??;
    peer.read(channel, &mut journal)??;
    let ran = Ran::parse(&journal)?;
    ran.exited(5)?;
    // A shell may say a word about its `sleep`, which the signal reaches too.
    ensure(ran.output.ends_with(b"usr1\n"), "the signal did not arrive")
}

fn umask(bench: &mut Bench<'_>) -> Outcome {
    let ask = sh(bench, "umask")?.with("umask", "027");
    let ran = run_if_supported(&mut bench.connect()?, &ask)?;
    let text = String::from_utf8_lossy(&ran.output)
        .trim()
        .trim_start_matches('0')
        .to_owned();
    same("umask", text.as_str(), "27")
}

fn nice(bench: &mut Bench<'_>) -> Outcome {
    let plain = sh(bench, "nice")?;
    let ask = sh(bench, "nice")?.with("nice", "5");
    let mut peer = bench.connect()?;
    let number = |ran: Ran| {
        String::from_utf8_lossy(&ran.output)
            .trim()
            .parse::<i32>()
            .unwrap_or(-99)
    };
    let before = number(peer.run(&plain)?);
    let after = number(run_if_supported(&mut peer, &ask)?);
    same("steps", after, (before + 5).min(19))
}

fn pty(bench: &mut Bench<'_>) -> Outcome {
    let ask = sh(
        bench,
        "test -t 0 && test -t 1 && test -t 2 && echo yes; stty size; cat",
    )?;
    let ask = ask
        .with("pty", "1")
        .with("pty.rows", "30")
        .with("pty.columns", "111");
    let ran = run_if_supported(&mut bench.connect()?, &ask)?;
    ran.exited(0)?;
    let text = String::from_utf8_lossy(&ran.output).into_owned();
    ensure(
        text.starts_with("yes\r\n30 111\r\n"),
        format!("the terminal says {text:?}"),
    )
}

fn tail(bench: &mut Bench<'_>) -> Outcome {
    let lines = |shell: Shell| {
        let [one, two] = ["one", "two"].map(|word| {
            shell.either(
                format!("echo {word} >> logs/b.log"),
                format!("echo {word}>>logs\\b.log"),
            )
        });
        vec![one, shell.say("begun"), shell.wait_for("go"), two]
    };
    bench.write("logs/a.log", b"")?;
    let ask = bench
        .script(lines)?
        .with("tail", "a=logs/a.log")
        .with("tail", "b=logs/b.log");
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    // The first line comes while the command waits.
    let came = |bytes: &[u8]| bytes.windows(4).any(|four| four == b"\x01one");
    match peer.read_until(channel, &mut journal, came)? {
        None => {}
        Some(Err(failure)) if failure.code == Code::Unsupported => {
            return skip("it is unsupported");
        }
        Some(answer) => return broken(format!("it ended early: {answer:?}")),
    }
    bench.write("logs/a.log", b"end\n")?;
    bench.write("go", b"")?;
    peer.read(channel, &mut journal)??;
    let ran = Ran::parse(&journal)?;
    ran.exited(0)?;
    let shell = bench.shell()?;
    let wanted = [shell.line("one"), shell.line("two")].concat();
    same_bytes(
        "the second file",
        ran.tails.get(&1).map_or(b"", Vec::as_slice),
        &wanted,
    )?;
    same_bytes(
        "the first file",
        ran.tails.get(&0).map_or(b"", Vec::as_slice),
        b"end\n",
    )
}

fn leftovers_keep(bench: &mut Bench<'_>) -> Outcome {
    let ask = sh(
        bench,
        "(sleep 1; echo late > late) >/dev/null 2>&1 </dev/null & echo end",
    )?;
    let ran = bench.connect()?.run(&ask.with("leftovers", "keep"))?;
    ran.exited(0)?;
    for _ in 0..200 {
        if bench.root().join("late").exists() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    broken("what the command left did not live on")
}

/// Starts a command that writes two megabytes, grants no credit, and has room for 256 KiB only.
fn fill(bench: &mut Bench<'_>, on_full: &str) -> Outcome<(Ask, Vec<u8>)> {
    let content = super::commands::text(50_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| vec![shell.show("content"), shell.mark("done")])?;
    Ok((
        ask.with("on_full", on_full).with("spool_max", "262144"),
        content,
    ))
}

/// Asks for the command without credit and waits until it has ended.
fn let_end(peer: &mut Peer, ask: &Ask) -> Outcome {
    peer.connection.open_box(&ask.to_box(), 0, 0)?;
    for _ in 0..600 {
        let listed = peer.call(&request("list", &[]))??;
        let line = listed
            .first("cmd")
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        if line.contains(" finished ") {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    broken("it did not end although its output needs no room")
}

fn on_full_drop(bench: &mut Bench<'_>) -> Outcome {
    let (ask, content) = fill(bench, "drop")?;
    let mut peer = bench.connect()?;
    let_end(&mut peer, &ask)?;
    let ran = peer.run(&ask)?;
    ran.exited(0)?;
    ensure(ran.result.dropped > 0, "nothing was dropped")?;
    let sum = ran.output.len() as u64 + ran.result.dropped;
    same("bytes kept and dropped", sum, content.len() as u64)?;
    ensure(
        content.starts_with(&ran.output[..100_000]),
        "what was kept first is not the first output",
    )
}

fn on_full_kill(bench: &mut Bench<'_>) -> Outcome {
    let (ask, content) = fill(bench, "kill")?;
    let mut peer = bench.connect()?;
    let_end(&mut peer, &ask)?;
    let ran = peer.run(&ask)?;
    ran.ended(Reason::MaxOutput)?;
    ensure(
        content.starts_with(&ran.output),
        "what was kept is not the first output",
    )
}

fn on_full_block(bench: &mut Bench<'_>) -> Outcome {
    let (ask, content) = fill(bench, "block")?;
    let mut peer = bench.connect()?;
    peer.stores = true;
    peer.connection.open_box(&ask.to_box(), 0, 0)?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    ensure(
        !bench.root().join("done").exists(),
        "the command did not wait for room",
    )?;
    let ran = peer.run(&ask)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &content)
}
