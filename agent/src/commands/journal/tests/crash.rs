//! Record and journal on a disk that loses what was not synced: a crash at every call, every
//! subset of lost writes that chance brings, every call failing once. What was acknowledged is
//! there afterwards, and nothing is made up.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use windlass_protocol::journal::RecordKind;
use windlass_protocol::ops::{ExecResult, OnFull, Reason};
use windlass_protocol::sha256::{Sha256, digest};

use super::super::{Journal, Spool, prepare};
use crate::commands::disk::Disk;
use crate::commands::record::Record;

/// Seeds of the short form; `WINDLASS_TEST_SEEDS` says others.
const SEEDS: u64 = 6;
/// Crashes with differently lost writes, at each call.
const LOSSES: u64 = 4;

/// A sequence of numbers from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// One change of a file that may be lost.
#[derive(Debug, Clone)]
enum Write {
    At(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Write>,
}

impl Content {
    fn apply(bytes: &mut Vec<u8>, write: &Write) {
        match write {
            Write::At(at, piece) => {
                if bytes.len() < at + piece.len() {
                    bytes.resize(at + piece.len(), 0);
                }
                bytes[*at..at + piece.len()].copy_from_slice(piece);
            }
            Write::Cut(len) => bytes.truncate(*len),
        }
    }

    fn now(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for write in &self.pending {
            Content::apply(&mut bytes, write);
        }
        bytes
    }
}

/// One change of the names that may be lost.
#[derive(Debug, Clone)]
enum Naming {
    Give(String, usize),
    Take(String),
}

#[derive(Debug, Default)]
struct State {
    contents: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<Naming>,
    calls: u64,
    /// The call that fails, and all after it if it is a crash.
    fails_at: Option<u64>,
    crashes: bool,
    chance: u64,
    trace: Sha256,
}

#[derive(Debug, Clone, Default)]
struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Counts a call that changes something; an error if it is the one that fails.
    fn call(&self, what: &str, name: &str, count: usize) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.calls += 1;
        let line = format!("{what} {name} {count}\n");
        state.trace.update(line.as_bytes());
        let failing = match state.fails_at {
            Some(at) if state.crashes => state.calls >= at,
            at => at == Some(state.calls),
        };
        match failing {
            true => Err(io::Error::other("this call fails")),
            false => Ok(state),
        }
    }

    /// What is on the disk after the power was off: chance says what else was written.
    fn after_crash(&self, chance: &mut Chance) -> SimDisk {
        let state = self.lock();
        let mut names = state.durable_names.clone();
        for naming in &state.pending {
            if chance.below(2) == 0 {
                continue;
            }
            match naming {
                Naming::Give(name, file) => names.insert(name.clone(), *file),
                Naming::Take(name) => names.remove(name),
            };
        }
        let mut contents = Vec::new();
        for content in &state.contents {
            let mut bytes = content.durable.clone();
            for write in &content.pending {
                if chance.below(2) == 1 {
                    Content::apply(&mut bytes, write);
                }
            }
            contents.push(Content {
                durable: bytes,
                pending: Vec::new(),
            });
        }
        let fresh = State {
            contents,
            durable_names: names.clone(),
            names,
            ..State::default()
        };
        SimDisk(Arc::new(Mutex::new(fresh)))
    }
}

impl Disk for SimDisk {
    type File = usize;

    fn open(&self, name: &str) -> io::Result<usize> {
        let mut state = self.call("open", name, 0)?;
        if let Some(file) = state.names.get(name) {
            return Ok(*file);
        }
        let file = state.contents.len();
        state.contents.push(Content::default());
        state.names.insert(name.to_owned(), file);
        state.pending.push(Naming::Give(name.to_owned(), file));
        Ok(file)
    }

    fn append(&self, file: &mut usize, bytes: &[u8]) -> io::Result<()> {
        let called = self.call("append", "", bytes.len()).map(drop);
        let mut state = self.lock();
        let mut chance = Chance(state.chance ^ state.calls);
        let count = match &called {
            Ok(()) => bytes.len(),
            // Any part of it but the whole, which would be as good as done.
            Err(_) => usize::try_from(chance.below(bytes.len() as u64)).unwrap(),
        };
        let at = state.contents[*file].now().len();
        let write = Write::At(at, bytes[..count].to_vec());
        state.contents[*file].pending.push(write);
        called
    }

    fn truncate(&self, file: &mut usize, len: u64) -> io::Result<()> {
        let mut state = self.call("truncate", "", usize::try_from(len).unwrap())?;
        let cut = Write::Cut(usize::try_from(len).unwrap());
        state.contents[*file].pending.push(cut);
        Ok(())
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        let mut state = self.call("sync", "", 0)?;
        let content = &mut state.contents[*file];
        content.durable = content.now();
        content.pending.clear();
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.call("sync names", "", 0)?;
        state.durable_names = state.names.clone();
        state.pending.clear();
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.lock();
        let file = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.contents[*file].now())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.call("rename", to, 0)?;
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        // A file system does not take a name away before it has given the other.
        state.pending.push(Naming::Give(to.to_owned(), file));
        state.pending.push(Naming::Take(from.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.call("remove", name, 0)?;
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.pending.push(Naming::Take(name.to_owned()));
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn free_bytes(&self) -> u64 {
        u64::MAX
    }
}

/// What was promised before the end, and every state that the stream went through.
#[derive(Default)]
struct Promised {
    recorded: bool,
    finished: Option<(u64, [u8; 32])>,
    seen: Vec<(u64, [u8; 32])>,
}

const SPOOL: Spool = Spool {
    bytes_max: u64::MAX,
    reserve_bytes: 0,
    on_full: OnFull::Kill,
    segment_bytes: 300,
};

fn record() -> Record {
    Record {
        digest: [9; 32],
        generation: 1,
        boot: "boot".into(),
        takes_input: false,
    }
}

/// The life of one command on that disk, as agent and shim live it.
fn live(disk: &SimDisk, seed: u64, promised: &mut Promised) -> io::Result<()> {
    prepare(disk)?;
    record().write(disk)?;
    promised.recorded = true;
    let journal = Journal::begin(disk.clone(), SPOOL)?;
    let mut chance = Chance(seed);
    let mut steps = |what: &dyn Fn(&Journal<SimDisk>) -> io::Result<()>| {
        // What fails is lost, as a command's output on a failing disk is.
        let _ = what(&journal);
        promised.seen.push((journal.extent().len, journal.sha256()));
    };
    steps(&|journal| journal.start(7));
    for _ in 0..12 {
        let piece = vec![chance.next().to_be_bytes()[0]; 1 + chance.below(150) as usize];
        steps(&|journal| journal.append(RecordKind::Stdout, &piece));
        let stored = chance.below(journal.extent().len + 1);
        journal.mark_stored(stored);
    }
    let mut result = ExecResult::new(Reason::Exited);
    result.exit = Some(0);
    // It is tried until it works, at most so often; after a crash it never does.
    for _ in 0..4 {
        if journal.finish(&result).is_ok() {
            promised.finished = Some((journal.extent().len, journal.sha256()));
            break;
        }
    }
    Ok(())
}

/// What is wrong with the disk, if anything.
fn verify(disk: &SimDisk, promised: &Promised) -> Result<(), String> {
    let found = Record::read(disk).map_err(|error| format!("record: {error}"));
    match found {
        Ok(Some(found)) if found == record() => {}
        Ok(None) if !promised.recorded => return Ok(()),
        // Before it is promised it may be anything: nothing was started.
        _ if !promised.recorded => return Ok(()),
        other => return Err(format!("the record is gone: {other:?}")),
    }
    let found = Journal::look(disk).map_err(|error| format!("journal: {error}"))?;
    let standing = (found.extent.len, found.sha256);
    if let Some(end) = promised.finished {
        return match found.extent.finished && standing == end {
            true => Ok(()),
            false => Err(format!("the end that was told is not there: {found:?}")),
        };
    }
    let known = promised.seen.contains(&standing) || standing == (0, digest(b""));
    if !found.extent.finished && !known {
        return Err(format!("a stream that never was: {found:?}"));
    }
    let ended = Journal::end_left(disk.clone(), "lost", true).map_err(|error| error.to_string())?;
    let again = Journal::look(&disk.after_crash(&mut Chance(1))).map_err(|e| e.to_string())?;
    let same = again.extent == ended.extent && again.sha256 == ended.sha256;
    match ended.extent.finished && same {
        true => Ok(()),
        false => Err(format!("ended as {ended:?}, found as {again:?}")),
    }
}

/// Everything for one seed: calls made, the hash of the trace, and the first fault.
fn explore(seed: u64) -> (u64, [u8; 32], Result<(), String>) {
    let whole = SimDisk::default();
    live(&whole, seed, &mut Promised::default()).unwrap();
    let calls = whole.lock().calls;
    let mut trace = whole.lock().trace.clone();
    for (crashes, at) in (1..=calls + 1).flat_map(|at| [(true, at), (false, at)]) {
        let disk = SimDisk::default();
        {
            let mut state = disk.lock();
            (state.fails_at, state.crashes, state.chance) = (Some(at), crashes, seed);
        }
        let mut promised = Promised::default();
        // An error is what the agent answers; nothing is promised then.
        let _ = live(&disk, seed, &mut promised);
        trace.update(&disk.lock().trace.clone().finish());
        for loss in 0..LOSSES {
            let left = match crashes || loss > 0 {
                true => disk.after_crash(&mut Chance(seed ^ at ^ (loss << 32))),
                false => disk.clone(),
            };
            left.lock().fails_at = None;
            if let Err(fault) = verify(&left, &promised) {
                let text = format!("seed {seed}, call {at}, crash {crashes}, loss {loss}: {fault}");
                return (calls, trace.finish(), Err(text));
            }
        }
    }
    (calls, trace.finish(), Ok(()))
}

fn seeds() -> u64 {
    let given = std::env::var("WINDLASS_TEST_SEEDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

#[test]
#[cfg(not(feature = "planted-defect"))]
fn what_was_acknowledged_is_there_whatever_call_the_machine_falls_over_in() {
    for seed in 0..seeds() {
        let (calls, trace, found) = explore(seed);
        println!(
            "seed {seed}: {calls} calls, trace {}",
            windlass_protocol::hex::encode(&trace)
        );
        found.unwrap();
        assert!(calls > 30, "{calls} calls are no life");
        assert_eq!(explore(seed).1, trace, "the same seed gives the same trace");
    }
}

#[test]
#[cfg(feature = "planted-defect")]
fn the_planted_defect_is_found_by_the_short_form() {
    let found = (0..seeds()).find_map(|seed| explore(seed).2.err());
    println!(
        "{}",
        found.expect("an exit box that is not synced goes unnoticed")
    );
}
