//! The agent's programs for other systems, as `agent/dist` makes them, under what runs them here:
//! Wine and an emulator. `tests/run` says where they are; where it does not, the tests say that
//! they are left out. `probe` is a program for Windows, started by the agent in these tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod arm;
#[path = "../it/harness.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the other tests use the rest of it"
)]
mod harness;
mod windows;

use harness::Bench;

/// A bench with an agent of another system, started by the words of that variable; `None` where
/// it is not set.
fn bench(variable: &str) -> Option<Bench> {
    let mut bench = unstarted(variable)?;
    bench.start_agent();
    Some(bench)
}

/// The same, before the agent is started.
fn unstarted(variable: &str) -> Option<Bench> {
    let Ok(words) = std::env::var(variable) else {
        assert!(
            std::env::var_os("WINDLASS_TEST_ALL").is_none(),
            "{variable} must say how the agent is started"
        );
        eprintln!("left out: {variable} does not say how the agent is started");
        return None;
    };
    Some(Bench::of(words.split(' ').map(str::to_owned).collect()))
}
