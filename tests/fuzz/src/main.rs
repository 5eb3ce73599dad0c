//! One program for all targets: `WINDLASS_FUZZ_TARGET` names the one that libFuzzer drives. Memory
//! is counted, and more than a decoder may ever need is a crash.

#![no_main]

mod memory;
mod targets;

use std::sync::OnceLock;

use memory::Counting;

#[global_allocator]
static MEMORY: Counting = Counting;

/// The target of this process.
fn target() -> fn(&[u8]) {
    static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();
    *TARGET.get_or_init(|| {
        let wanted = std::env::var("WINDLASS_FUZZ_TARGET").unwrap_or_default();
        let found = targets::ALL.iter().find(|(name, _)| *name == wanted);
        let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
        match found {
            Some((_, run)) => *run,
            None => panic!("WINDLASS_FUZZ_TARGET is `{wanted}`; it must be one of {names:?}"),
        }
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let run = target();
    memory::within_bounds(bytes.len(), || run(bytes));
});
