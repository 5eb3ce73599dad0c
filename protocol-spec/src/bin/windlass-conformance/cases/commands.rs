//! Section 7.1: what a command is given, and what comes of it.

use windlass_protocol::ops::Reason;
use windlass_protocol::{Event, limits};

use super::Row;
use crate::ask::Ask;
use crate::bench::Bench;
use crate::fault::{Outcome, broken, ensure, same, same_bytes};
use crate::ran::Ran;
use crate::shell::Shell;

pub(crate) const ROWS: &[Row] = &[
    ("output", "output arrives as it was written", output),
    ("exit-code", "the exit code arrives", exit_code),
    (
        "program",
        "arguments reach the program as they were sent",
        program,
    ),
    (
        "spawn-failed",
        "a program that cannot be started is a result",
        spawn_failed,
    ),
    (
        "merge",
        "merged output keeps its order, all of kind 1",
        merge,
    ),
    ("split", "split output comes as two kinds", split),
    ("environment", "variables are unset and set", environment),
    ("cwd", "a command works in its folder", cwd),
    (
        "no-input",
        "without input a command reads end of file",
        no_input,
    ),
    (
        "input",
        "the down stream reaches the command, and its end",
        input,
    ),
    (
        "large-output",
        "five megabytes arrive exactly",
        large_output,
    ),
    ("credit", "no byte is sent beyond the limit", credit),
    (
        "at-once",
        "commands run at once, and a full channel stalls no other",
        at_once,
    ),
    (
        "nothing-said",
        "a command without output has a result",
        nothing_said,
    ),
];

fn output(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("hello"), shell.say("world")])?;
    let shell = bench.shell()?;
    let ran = bench.connect()?.run(&ask)?;
    ran.exited(0)?;
    let wanted = [shell.line("hello"), shell.line("world")].concat();
    same_bytes("output", &ran.output, &wanted)
}

fn exit_code(bench: &mut Bench<'_>) -> Outcome {
    for code in [0, 1, 7, 255] {
        let ask = bench.script(|shell| vec![shell.exit(code)])?;
        bench.connect()?.run(&ask)?.exited(code)?;
    }
    Ok(())
}

fn program(bench: &mut Bench<'_>) -> Outcome {
    match bench.shell()? {
        Shell::Sh => {
            let arguments = ["", "a b", "\"'\\$`*", "-x", "\u{e4}\u{20ac}", "line\nbreak"];
            let mut ask = Ask::new(&mut bench.random, &[("arg", b"printf"), ("arg", b"<%s>")]);
            let mut wanted = String::new();
            for argument in arguments {
                ask = ask.with("arg", argument);
                wanted += &format!("<{argument}>");
            }
            let raw = b"\xff\x01".as_slice();
            let ran = bench.connect()?.run(&ask.with("arg", raw))?;
            ran.exited(0)?;
            let wanted = [wanted.as_bytes(), b"<", raw, b">"].concat();
            same_bytes("output", &ran.output, &wanted)
        }
        Shell::Cmd => {
            bench.write("input.txt", b"one\r\ntwo\r\n")?;
            let words: [&[u8]; 3] = [b"cmd", b"/c", b"type input.txt"];
            let pairs = words.map(|word| ("arg", word));
            let ask = Ask::new(&mut bench.random, &pairs);
            let ran = bench.connect()?.run(&ask)?;
            ran.exited(0)?;
            same_bytes("output", &ran.output, b"one\r\ntwo\r\n")
        }
    }
}

fn spawn_failed(bench: &mut Bench<'_>) -> Outcome {
    let name = b"no-such-program-anywhere";
    let ask = Ask::new(&mut bench.random, &[("arg", name)]);
    let mut peer = bench.connect()?;
    for _ in 0..2 {
        let ran = peer.run(&ask)?;
        same("reason", ran.result.reason, Reason::SpawnFailed)?;
        same("number of `started` records", ran.starts, 0)?;
    }
    Ok(())
}

fn merge(bench: &mut Bench<'_>) -> Outcome {
    let lines = |shell: Shell| {
        let one = |at: usize| match at % 2 {
            0 => shell.say(&format!("n{at}")),
            _ => shell.complain(&format!("n{at}")),
        };
        (0..20).map(one).collect()
    };
    let shell = bench.shell()?;
    let ask = bench.script(lines)?.with("output", "merge");
    let ran = bench.connect()?.run(&ask)?;
    ran.exited(0)?;
    same_bytes("records of kind 2", &ran.errors, b"")?;
    let wanted: Vec<u8> = (0..20)
        .flat_map(|at| shell.line(&format!("n{at}")))
        .collect();
    same_bytes("output", &ran.output, &wanted)
}

fn split(bench: &mut Bench<'_>) -> Outcome {
    let shell = bench.shell()?;
    let ask = bench.script(|shell| vec![shell.say("out"), shell.complain("err")])?;
    let ran = bench.connect()?.run(&ask.with("output", "split"))?;
    ran.exited(0)?;
    same_bytes("records of kind 1", &ran.output, &shell.line("out"))?;
    same_bytes("records of kind 2", &ran.errors, &shell.line("err"))
}

fn environment(bench: &mut Bench<'_>) -> Outcome {
    let shell = bench.shell()?;
    let ask = bench.script(|shell| vec![shell.variable("CONF_A"), shell.variable("CONF_B")])?;
    // Unsetting comes first, whatever the order of the pairs.
    let ask = ask
        .with("env.set", "CONF_A=a value = with signs")
        .with("env.set", "CONF_B=old")
        .with("env.set", "CONF_B=new")
        .with("env.unset", "CONF_A");
    let ran = bench.connect()?.run(&ask)?;
    let wanted = [shell.line("a value = with signs"), shell.line("new")].concat();
    same_bytes("the variables", &ran.output, &wanted)?;
    if shell == Shell::Sh {
        let ask = bench.script(|_| vec!["echo ${HOME-unset}".into()])?;
        let ran = bench.connect()?.run(&ask.with("env.unset", "HOME"))?;
        same_bytes("a variable taken away", &ran.output, b"unset\n")?;
    }
    Ok(())
}

fn cwd(bench: &mut Bench<'_>) -> Outcome {
    bench.write("one/t w o/name", b"right\n")?;
    let ask = bench.script(|shell| vec![shell.show("name")])?;
    let ran = bench.connect()?.run(&ask.with("cwd", "one/t w o"))?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, b"right\n")
}

fn no_input(bench: &mut Bench<'_>) -> Outcome {
    let shell = bench.shell()?;
    let ask = bench.script(|shell| vec![shell.copy_input(), shell.say("end")])?;
    let ran = bench.connect()?.run(&ask.with("stdin", "null"))?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &shell.line("end"))
}

fn input(bench: &mut Bench<'_>) -> Outcome {
    bench.require_copying()?;
    let ask = bench.script(|shell| vec![shell.copy_input()])?;
    let ask = ask.with("stdin", super::knowing::STREAM);
    // Lines, so that every shell copies them as they are.
    let lines = (0..20_000).map(|at| format!("line {at} of the input\r\n"));
    let input = lines.collect::<String>().into_bytes();
    let mut peer = bench.connect()?;
    let channel = peer.open(&ask.to_box(), 0)?;
    let mut journal = Vec::new();
    // In pieces, because output comes back while input goes.
    let mut until = 0;
    while until < input.len() {
        until = (until + 100_000).min(input.len());
        peer.send(channel, &input, until)?;
    }
    peer.read(channel, &mut journal)??;
    let ran = Ran::parse(&journal)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &input)
}

/// Text of five megabytes that no two places are alike in.
pub(super) fn text(lines: usize) -> Vec<u8> {
    let line = |at: usize| format!("{at:08} {:016x} of the text\r\n", at * 2_654_435_761);
    (0..lines).map(line).collect::<String>().into_bytes()
}

fn large_output(bench: &mut Bench<'_>) -> Outcome {
    let content = text(130_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| vec![shell.show("content")])?;
    let ran = bench.connect()?.run(&ask)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, &content)
}

fn credit(bench: &mut Bench<'_>) -> Outcome {
    let content = text(5_000);
    bench.write("content", &content)?;
    let ask = bench.script(|shell| vec![shell.show("content")])?;
    let mut peer = bench.connect()?;
    // Every step gives a window of another size; the connection fails on a byte beyond it.
    let channel = peer.connection.open_box(&ask.to_box(), 0, 1)?;
    let mut journal = Vec::new();
    loop {
        match peer.next()? {
            Event::Data { bytes, .. } => {
                journal.extend_from_slice(&bytes);
                let durable = journal.len() as u64;
                let window = 1 + bench.random.below(9000) as u64;
                let _ = peer
                    .connection
                    .acknowledge(channel, durable, durable + window);
            }
            Event::Response { result, .. } => {
                result?;
                break;
            }
            _ => {}
        }
    }
    same_bytes("output", &Ran::parse(&journal)?.output, &content)
}

fn at_once(bench: &mut Bench<'_>) -> Outcome {
    bench.write("content", &text(130_000))?;
    let full = bench.script(|shell| vec![shell.show("content")])?;
    let mut peer = bench.connect()?;
    // It fills its window and is never acknowledged.
    let stuck = peer
        .connection
        .open_box(&full.to_box(), 0, limits::LOG_WINDOW)?;
    let mut waiting = Vec::new();
    for number in 0..10 {
        let (mine, next) = (format!("go{number}"), format!("go{}", number + 1));
        let ask = bench.script(|shell| vec![shell.wait_for(&mine), shell.mark(&next)])?;
        waiting.push(peer.open(&ask.to_box(), 0)?);
    }
    // Each waits for the one before: they can only end when all run at once.
    bench.write("go0", b"")?;
    while !waiting.is_empty() {
        if let Event::Response { channel, result } = peer.next()? {
            ensure(channel != stuck, "the channel without credit was answered")?;
            result?;
            waiting.retain(|other| *other != channel);
        }
    }
    Ok(())
}

fn nothing_said(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.exit(0)])?;
    let mut peer = bench.connect()?;
    let ran = peer.run(&ask)?;
    ran.exited(0)?;
    same_bytes("output", &ran.output, b"")?;
    match ran.result.wall_ms {
        0..60_000 => Ok(()),
        long => broken(format!("`wall_ms` is {long}")),
    }
}
