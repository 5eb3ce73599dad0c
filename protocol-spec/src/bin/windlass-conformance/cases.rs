//! Every case by name. Each guards one promise of the text.

mod absences;
mod commands;
mod endings;
mod files;
mod handshake;
mod knowing;
mod manner;
mod paths;
mod requests;
mod restarts;
mod transfers;
mod trees;
mod wires;

use std::fmt;

use crate::bench::Bench;
use crate::fault::Outcome;

/// A level of conformance; each holds those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    Commands,
    Files,
    Resume,
}

impl Level {
    /// The level of a word; the text of an error names the right ones.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        [Self::Commands, Self::Files, Self::Resume]
            .into_iter()
            .find(|level| level.to_string() == text)
            .ok_or_else(|| format!("--level: `{text}` is none; give L0, L1 or L2"))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commands => "L0",
            Self::Files => "L1",
            Self::Resume => "L2",
        })
    }
}

/// One promise and how it is tried.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) level: Level,
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) run: fn(&mut Bench<'_>) -> Outcome,
}

/// A row of a file's table.
type Row = (&'static str, &'static str, fn(&mut Bench<'_>) -> Outcome);

/// All of them, in the order of the text.
pub(crate) fn all() -> Vec<Case> {
    use Level::{Commands, Files, Resume};
    let tables: [(Level, &[Row]); 13] = [
        (Commands, handshake::ROWS),
        (Commands, wires::ROWS),
        (Commands, requests::ROWS),
        (Commands, commands::ROWS),
        (Commands, manner::ROWS),
        (Commands, endings::ROWS),
        (Commands, knowing::ROWS),
        (Files, files::ROWS),
        (Files, paths::ROWS),
        (Files, trees::ROWS),
        (Resume, restarts::ROWS),
        (Resume, absences::ROWS),
        (Resume, transfers::ROWS),
    ];
    let case = |level| {
        move |(name, promise, run): &Row| Case {
            level,
            name,
            promise,
            run: *run,
        }
    };
    let of_table = |(level, rows): (Level, &'static [Row])| rows.iter().map(case(level));
    tables.into_iter().flat_map(of_table).collect()
}
