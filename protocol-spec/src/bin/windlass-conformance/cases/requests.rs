//! Requests that must be refused, and with which code; unknown keys that make no difference.

use windlass_protocol::{Boxed, Code};

use super::Row;
use crate::ask::{Ask, request};
use crate::bench::Bench;
use crate::fault::{Outcome, same};
use crate::peer::Peer;

pub(crate) const ROWS: &[Row] = &[
    (
        "unknown-op",
        "an operation that does not exist is `unsupported`",
        unknown_op,
    ),
    (
        "must-understand",
        "a marked key that is not known is `unsupported`",
        must_understand,
    ),
    (
        "unknown-keys",
        "unknown keys are ignored, and count for the digest",
        unknown_keys,
    ),
    (
        "exec-refused",
        "a malformed exec is `bad-request` and its id stays unknown",
        exec_refused,
    ),
    (
        "exec-cwd",
        "a bad or missing working folder is refused",
        exec_cwd,
    ),
    (
        "numbers",
        "numbers are decimal without sign and leading zeros",
        numbers,
    ),
    ("info", "`info` says what the machine is like", info),
];

fn unknown_op(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    peer.refused(
        "conformance",
        &request("conformance", &[]),
        Code::Unsupported,
    )?;
    peer.refused("no op", &nameless(), Code::BadRequest)
}

fn must_understand(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.mark("starts")])?;
    let mut peer = bench.connect()?;
    let list = request("list", &[("!conformance", b"1")]);
    peer.refused("list with `!conformance`", &list, Code::Unsupported)?;
    let ask = ask.with("!conformance", "");
    peer.refused("exec with `!conformance`", &ask.to_box(), Code::Unsupported)?;
    same("starts", bench.count_marks("starts"), 0)
}

fn unknown_keys(bench: &mut Bench<'_>) -> Outcome {
    let mut ask = bench.script(|shell| vec![shell.say("hello")])?;
    ask.pairs
        .insert(0, ("a.later-key".into(), vec![0, 255, 10]));
    ask = ask.with("x-random", bench.random.bytes(9));
    ask = ask.with("from", "0").with("grace_ms", "500");
    let mut peer = bench.connect()?;
    peer.run(&ask)?.exited(0)?;
    // The pairs with `x-` are not in the digest: with others it is the same command.
    let again = ask.clone().with("x-other", "1");
    same("starts", peer.run(&again)?.starts, 1)?;
    let other = ask.with("another.later-key", "1");
    peer.refused("another unknown key", &other.to_box(), Code::IdMismatch)
}

fn refuse(peer: &mut Peer, what: &str, ask: &Ask, code: Code) -> Outcome {
    peer.refused(what, &ask.to_box(), code)
}

fn exec_refused(bench: &mut Bench<'_>) -> Outcome {
    let good = bench.script(|shell| vec![shell.mark("starts")])?;
    let mut peer = bench.connect()?;
    let nothing = Ask::new(&mut bench.random, &[]);
    refuse(
        &mut peer,
        "neither arg nor script",
        &nothing,
        Code::BadRequest,
    )?;
    let both = good.clone().with("arg", "echo");
    refuse(&mut peer, "arg and script", &both, Code::BadRequest)?;
    let nul = nothing.clone().with("arg", "echo").with("arg", "a\0b");
    refuse(&mut peer, "an argument with NUL", &nul, Code::BadRequest)?;
    let empty = nothing.with("arg", "");
    refuse(&mut peer, "an empty program name", &empty, Code::BadRequest)?;
    for (key, value) in [
        ("output", "both"),
        ("stdin", "keyboard"),
        ("term_signal", "SEGV"),
        ("timeout_ms", "soon"),
        ("env.set", "no equals sign"),
        ("env.set", "=no name"),
        ("env.unset", "A=B"),
    ] {
        let ask = good.clone().with(key, value);
        refuse(
            &mut peer,
            &format!("{key} = {value:?}"),
            &ask,
            Code::BadRequest,
        )?;
    }
    let mut whole = good.to_box();
    for (what, left_out) in [
        ("id", "id"),
        ("generation", "generation"),
        ("digest", "digest"),
    ] {
        let kept = without(&whole, left_out);
        peer.refused(&format!("no {what}"), &kept, Code::BadRequest)?;
    }
    whole = without(&whole, "digest");
    whole.push("digest", "0".repeat(64));
    peer.refused("a wrong digest", &whole, Code::BadRequest)?;
    for id in [
        "",
        "0123",
        &"G".repeat(32),
        &"A".repeat(32),
        &"0".repeat(33),
    ] {
        let mut other = without(&good.to_box(), "id");
        other.push("id", id);
        peer.refused(&format!("id {id:?}"), &other, Code::BadRequest)?;
    }
    let listed = peer.call(&request("list", &[]))??;
    same("commands after all that", listed.all("cmd").count(), 0)?;
    same("starts", bench.count_marks("starts"), 0)
}

fn without(pairs: &Boxed, left_out: &str) -> Boxed {
    let mut kept = Boxed::new();
    for (key, value) in pairs.pairs().filter(|(key, _)| *key != left_out) {
        kept.push(key, value);
    }
    kept
}

fn exec_cwd(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.mark("starts")])?;
    bench.write("file", b"")?;
    let mut peer = bench.connect()?;
    for (cwd, code) in [
        ("missing/folder", Code::NotFound),
        ("file", Code::NotDir),
        ("..", Code::BadPath),
        ("/tmp", Code::BadPath),
        ("a/../..", Code::BadPath),
        ("a//b", Code::BadPath),
    ] {
        let other = ask.clone().with("cwd", cwd);
        refuse(&mut peer, &format!("cwd {cwd:?}"), &other, code)?;
    }
    let listed = peer.call(&request("list", &[]))??;
    same("commands after all that", listed.all("cmd").count(), 0)?;
    // The id stayed unknown: with a good folder the command starts.
    peer.run(&ask.with("cwd", ""))?.exited(0)?;
    same("starts", bench.count_marks("starts"), 1)
}

fn numbers(bench: &mut Bench<'_>) -> Outcome {
    let ask = bench.script(|shell| vec![shell.say("x")])?;
    let mut peer = bench.connect()?;
    for text in [
        "",
        "-1",
        "+1",
        "007",
        "1 ",
        "0x10",
        "1e3",
        "18446744073709551616",
    ] {
        let other = ask.clone().with("timeout_ms", text);
        refuse(
            &mut peer,
            &format!("timeout_ms = {text:?}"),
            &other,
            Code::BadRequest,
        )?;
    }
    peer.run(&ask.with("timeout_ms", "60000"))?.exited(0)
}

fn info(bench: &mut Bench<'_>) -> Outcome {
    let mut peer = bench.connect()?;
    let info = peer.call(&request("info", &[]))??;
    for key in ["name", "version", "os", "arch"] {
        info.require_text(key)?;
    }
    same("`os`", info.require_text("os")?, peer.os.as_str())?;
    same("`name`", info.require_text("name")?, crate::bench::NAME)
}

/// A request without `op`.
fn nameless() -> Boxed {
    let mut pairs = Boxed::new();
    pairs.push("path", "");
    pairs
}
