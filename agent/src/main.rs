//! The program `windlass-agent`. Everything is in the library, so that `windlass agent run` is
//! the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass_agent::main(std::env::args_os().skip(1))
}
