//! The conformance runner: starts any agent with its standard input and output as the connection,
//! plays the master, and tells for each promise of the text whether the agent keeps it, as lines
//! of TAP. What an agent must offer for this is section 13 of the text. Not here: the cases.

mod ask;
mod bench;
mod cases;
mod fault;
mod link;
mod options;
mod peer;
mod ran;
mod random;
mod shell;
mod tree;
mod wire;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use bench::Bench;
use cases::Case;
use fault::Fault;
use options::Options;

/// Exit status for a wrong command line.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let wanted: Vec<Case> = cases::all()
        .into_iter()
        .filter(|case| case.level <= options.level && case.name.contains(&options.only))
        .collect();
    if options.list {
        for case in &wanted {
            println!("{} {}: {}", case.level, case.name, case.promise);
        }
        return ExitCode::SUCCESS;
    }
    println!(
        "TAP version 13\n1..{}\n# seed {}",
        wanted.len(),
        options.seed
    );
    let failed = run_all(&options, &wanted);
    println!("# {} of {} kept", wanted.len() - failed, wanted.len());
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Runs the cases, several at once if asked, and prints them in their order; tells how many failed.
fn run_all(options: &Options, cases: &[Case]) -> usize {
    let next = AtomicUsize::new(0);
    let (sender, results) = channel();
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else {
                        return;
                    };
                    // The receiver lives as long as this scope.
                    let _ = sender.send((at, run(options, at + 1, case)));
                }
            });
        }
        let mut waiting = BTreeMap::new();
        let mut failed = 0;
        for at in 0..cases.len() {
            while !waiting.contains_key(&at) {
                let Ok((at, result)) = results.recv() else {
                    return cases.len();
                };
                waiting.insert(at, result);
            }
            if let Some((passed, text)) = waiting.remove(&at) {
                println!("{text}");
                failed += usize::from(!passed);
            }
        }
        failed
    })
}

/// Runs one case in folders of its own; tells whether it passed or had to be left out, and what to
/// print.
fn run(options: &Options, number: usize, case: &Case) -> (bool, String) {
    let result = Bench::new(options, case.name).and_then(|mut bench| {
        let result = (case.run)(&mut bench);
        bench.clear(options.keep);
        result
    });
    let line = format!("{number} - {} {}: {}", case.level, case.name, case.promise);
    match result {
        Ok(()) => (true, format!("ok {line}")),
        Err(Fault::Skip(why)) => (true, format!("ok {line} # SKIP {why}")),
        Err(Fault::Broken(why)) => {
            let why: String = why.lines().map(|line| format!("\n# {line}")).collect();
            (false, format!("not ok {line}{why}"))
        }
    }
}
