//! How a command is run, in the words of the protocol. Not here: what it is (`command`).

use windlass_protocol::ops::{self, Exec};

use super::calls::{self, LinkError};
use super::command::{BadCommand, CommandSpec};
use crate::config::manner::OnFull;

/// Writes into a request what the command's manner says, with the values of its secrets.
pub(super) fn apply(
    command: &CommandSpec,
    values: &[ops::Secret],
    exec: &mut Exec,
) -> Result<(), BadCommand> {
    let manner = &command.manner;
    if values.len() != manner.secrets.len() {
        return Err(BadCommand("its secrets were not read".to_owned()));
    }
    let bytes = |text: &String| text.clone().into_bytes();
    exec.env_clean = manner.clean_env;
    exec.env_unset = manner.unset.iter().map(bytes).collect();
    let secrets = manner.secrets.keys().map(bytes);
    exec.env_secret = secrets.zip(values.iter().cloned()).collect();
    let prepend = manner.prepend.iter();
    exec.env_prepend = prepend
        .map(|(name, text)| (bytes(name), bytes(text)))
        .collect();
    if let Some(text) = &command.stdin {
        exec.stdin = ops::Stdin::Input(bytes(text));
    }
    exec.pty = manner.pty.map(|pty| ops::Pty {
        rows: pty.rows,
        columns: pty.columns,
    });
    if manner.split {
        exec.output = ops::Output::Split;
    }
    exec.nice = manner.nice;
    exec.umask = manner.umask;
    exec.max_lines = manner.lines_max;
    if manner.keep_leftovers {
        exec.leftovers = ops::Leftovers::Keep;
    }
    exec.on_full = match manner.on_full {
        OnFull::Block => ops::OnFull::Block,
        OnFull::Kill => ops::OnFull::Kill,
        OnFull::Drop => ops::OnFull::Drop,
    };
    let tail = |(name, path): (&String, &String)| {
        let path = calls::path(path).map_err(|error: LinkError| BadCommand(error.to_string()))?;
        let name = name.clone();
        Ok(ops::Tail { name, path })
    };
    exec.tails = manner.logs.iter().map(tail).collect::<Result<_, _>>()?;
    Ok(())
}
