//! The promises of the table of commands.

use std::path::Path;
use std::time::{Duration, SystemTime};

use windlass_protocol::journal::RecordKind;
use windlass_protocol::ops::{Exec, ExecResult, Program, Reason};
use windlass_protocol::{Code, CommandId, Progress, limits};

use super::disk::RealDisk;
use super::journal::Journal;
use super::record::Record;
use super::room::KEEP_SECONDS;
use super::{Bounds, Commands, Launch};
use crate::scratch::Scratch;
use crate::sys::{self, Folder};

/// Leaves a command as an earlier run of the agent would.
fn leave(folder: &Path, number: usize, finished: bool) -> CommandId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let id = CommandId(id);
    let folder = folder.join(id.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    Record {
        digest: [1; 32],
        generation: 3,
        boot: sys::boot_id(),
        takes_input: false,
    }
    .write(&RealDisk::new(&folder))
    .unwrap();
    let journal = Journal::create(&folder).unwrap();
    journal.append(RecordKind::Stdout, b"out").unwrap();
    if finished {
        journal.finish(&ExecResult::new(Reason::Cancelled)).unwrap();
    }
    id
}

fn recover(folder: &Path) -> std::io::Result<Commands> {
    recover_keeping(folder, 0)
}

fn recover_keeping(folder: &Path, keep_ms: u64) -> std::io::Result<Commands> {
    let bounds = Bounds {
        spool_bytes: u64::MAX,
        spool_total_bytes: u64::MAX,
        reserve_bytes: 0,
        keep_ms,
    };
    Commands::recover(folder, folder, Launch::Threads, bounds)
}

fn set_age(folder: &Path, id: CommandId, seconds: u64) {
    // A result's age is that of its files.
    #[allow(
        clippy::disallowed_methods,
        reason = "the age of a file is counted from now"
    )]
    let then = SystemTime::now() - Duration::from_secs(seconds);
    for found in std::fs::read_dir(folder.join(id.to_string())).unwrap() {
        let path = found.unwrap().path();
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(then).unwrap();
    }
}

fn start(commands: &Commands, scratch: &Scratch, id: CommandId) {
    let exec = Exec::new(id, Program::Argv(vec![b"true".to_vec()]));
    commands
        .start(&exec, || Ok(Folder::open(scratch.path()).unwrap()))
        .unwrap();
}

#[test]
fn what_an_earlier_run_left_is_found_and_what_was_running_is_lost() {
    let scratch = Scratch::new();
    let done = leave(scratch.path(), 1, true);
    let torn = leave(scratch.path(), 2, false);
    std::fs::create_dir(scratch.path().join(CommandId([9; 16]).to_string())).unwrap();
    let commands = recover(scratch.path()).unwrap();
    let states = commands.list();
    let ids: Vec<CommandId> = states.iter().map(|state| state.id).collect();
    assert_eq!(
        ids,
        [done, torn],
        "and a folder without a record is dropped"
    );
    assert!(
        states
            .iter()
            .all(|state| state.progress == Progress::Finished)
    );
    assert!(states.iter().all(|state| state.generation == 3));
    assert_eq!(
        commands.find(torn, 2).unwrap_err().code,
        Code::StaleGeneration
    );
    assert!(commands.wait_idle(Duration::ZERO));
}

#[test]
fn finished_results_go_when_they_are_too_old_or_too_many_and_the_oldest_first() {
    let scratch = Scratch::new();
    let ids: Vec<CommandId> = (0..limits::COMMANDS_MAX)
        .map(|number| leave(scratch.path(), number, true))
        .collect();
    set_age(scratch.path(), ids[7], KEEP_SECONDS - 60);
    let commands = recover(scratch.path()).unwrap();
    let known = |id| commands.find(id, 3).is_ok();
    start(&commands, &scratch, CommandId([254; 16]));
    assert!(!known(ids[7]) && known(ids[8]));
    assert_eq!(commands.list().len(), limits::COMMANDS_MAX);
    set_age(scratch.path(), ids[8], KEEP_SECONDS + 60);
    set_age(scratch.path(), ids[9], KEEP_SECONDS + 60);
    start(&commands, &scratch, CommandId([255; 16]));
    assert!(!known(ids[8]) && !known(ids[9]) && known(ids[10]));
    assert!(commands.wait_idle(Duration::from_secs(20)));
}

#[test]
fn a_clock_that_jumped_a_year_drops_no_result_that_the_master_had_no_time_to_fetch() {
    let scratch = Scratch::new();
    let done = leave(scratch.path(), 1, true);
    let commands = recover_keeping(scratch.path(), 3_600_000).unwrap();
    set_age(scratch.path(), done, 365 * 86_400);
    start(&commands, &scratch, CommandId([255; 16]));
    assert!(commands.find(done, 3).is_ok(), "it would be started again");
    assert!(commands.wait_idle(Duration::from_secs(20)));
}

#[test]
fn nothing_starts_once_all_commands_are_ended_with_the_agent() {
    let scratch = Scratch::new();
    let commands = recover(scratch.path()).unwrap();
    commands.end_all(windlass_protocol::CancelMode::Kill);
    let exec = Exec::new(CommandId([5; 16]), Program::Argv(vec![b"true".to_vec()]));
    let refused = commands.start(&exec, || Ok(Folder::open(scratch.path()).unwrap()));
    assert_eq!(refused.unwrap_err().code, Code::ShuttingDown);
    assert!(commands.list().is_empty());
}

#[test]
fn a_command_whose_record_cannot_be_read_is_never_dropped() {
    let scratch = Scratch::new();
    let id = leave(scratch.path(), 1, true);
    let record = scratch.path().join(id.to_string()).join("record");
    std::fs::write(&record, b"\xff").unwrap();
    let error = recover(scratch.path()).unwrap_err().to_string();
    assert!(error.contains(&id.to_string()), "{error}");
    assert!(record.exists(), "it would be started a second time");
}

#[test]
fn a_start_that_fails_leaves_nothing_in_the_way_of_the_next() {
    let scratch = Scratch::new();
    // So deep that the command's folder has a valid path and the record in it has not.
    let mut deep = scratch.path().to_owned();
    while deep.as_os_str().len() < 3800 {
        deep.push("d".repeat(100));
    }
    deep.push("d".repeat(4095 - 34 - deep.as_os_str().len() - 1));
    let commands = recover(&deep).unwrap();
    let exec = Exec::new(CommandId([5; 16]), Program::Argv(vec![b"true".to_vec()]));
    let begin = || commands.start(&exec, || Ok(Folder::open(scratch.path()).unwrap()));
    let first = begin().unwrap_err();
    assert_eq!(first.code, Code::TooLong);
    assert_eq!(begin().unwrap_err(), first, "not `exists`");
}
