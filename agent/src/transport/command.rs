//! A transport command: a program such as `ssh -T`, whose standard input and output are the
//! connection. Its standard error is the agent's. Not here: choosing it.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{HungUp, Transport};

/// How long the program gets to send our last bytes on and to end, before it is killed.
const LINGER: Duration = Duration::from_secs(2);

/// Starts the program; the connection ends with it and it with the connection.
pub(crate) fn start(words: &[String], folder: Option<&Path>) -> io::Result<Transport> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
    let mut command = Command::new(program);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot start it: {error}")))?;
    let (Some(writer), Some(reader)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("it was started without pipes"));
    };
    Ok(Transport {
        reader: Box::new(reader),
        writer: Box::new(writer),
        hang_up: Box::new(move || {
            // It has ended already if this fails.
            let _ = child.kill();
            let _ = child.wait();
            // A child of the program may hold the pipes still.
            HungUp::Stuck
        }),
        linger: LINGER,
        confidential: true,
    })
}
