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

use std::process::ExitCode;

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
    let mut failed = 0;
    for (at, case) in wanted.iter().enumerate() {
        failed += usize::from(!run(&options, at + 1, case));
    }
    println!("# {} of {} kept", wanted.len() - failed, wanted.len());
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Runs one case in folders of its own; tells whether it passed or had to be left out.
fn run(options: &Options, number: usize, case: &Case) -> bool {
    let result = Bench::new(options, case.name).and_then(|mut bench| {
        let result = (case.run)(&mut bench);
        bench.clear(options.keep);
        result
    });
    let line = format!("{number} - {} {}: {}", case.level, case.name, case.promise);
    match result {
        Ok(()) => println!("ok {line}"),
        Err(Fault::Skip(why)) => println!("ok {line} # SKIP {why}"),
        Err(Fault::Broken(why)) => {
            println!("not ok {line}");
            why.lines().for_each(|line| println!("# {line}"));
            return false;
        }
    }
    true
}
