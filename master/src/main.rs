//! The program `windlass`. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::cli::run(std::env::args_os())
}
