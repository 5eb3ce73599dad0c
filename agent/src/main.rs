//! The program `windlass-agent`. Everything is in the library, so that `windlass agent run` is
//! the same code.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: windlass_agent::Memory = windlass_agent::Memory;

fn main() -> ExitCode {
    windlass_agent::main(std::env::args_os().skip(1))
}
