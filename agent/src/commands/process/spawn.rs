//! What the process of a command is started with: program, environment, terminal. Not here: the
//! system calls (`sys`), and anything that happens after it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use windlass_protocol::CommandId;
use windlass_protocol::ops::{Exec, Output, Program, Stdin};

use super::Task;
use crate::sys::{self, Account, Launch, Started};

/// Every process of a command inherits this variable with the command's id, by which the agent
/// recognises what an earlier run of the agent left, and where processes that leave the session
/// cannot be adopted, what belongs to the command. A process that is to outlive its command is
/// started without it.
const COMMAND_VARIABLE: &str = "WINDLASS_COMMAND";

/// The variable and its value as they stand in the environment of a command's processes.
pub(crate) fn mark(id: CommandId) -> String {
    format!("{COMMAND_VARIABLE}={id}")
}

/// Starts the process. The text of an error names the program.
pub(super) fn spawn(task: &Task) -> io::Result<Started> {
    let exec = &task.exec;
    let argv = match &exec.program {
        Program::Argv(argv) => argv
            .iter()
            .map(|word| sys::os_text(word).to_owned())
            .collect(),
        Program::Script { text, shell } => sys::shell_words(shell, text, &task.folder)?,
    };
    let inherited = if exec.env_clean {
        Vec::new()
    } else {
        std::env::vars_os().chain(own_variables(task)).collect()
    };
    sys::start(Launch {
        argv,
        env: environment(inherited, exec),
        cwd: task.cwd.duplicate()?,
        split: exec.output == Output::Split,
        input: exec.stdin != Stdin::Null,
        pty: exec.pty,
        umask: exec.umask,
        nice: exec.nice,
        adopts: task.adopts,
        account: task.account.clone(),
    })
}

/// What a user who is not ours finds in place of our own.
fn own_variables(task: &Task) -> impl Iterator<Item = (OsString, OsString)> {
    let of = |account: &Account| {
        let (name, home) = (&account.name, &account.home);
        [("HOME", home), ("USER", name), ("LOGNAME", name)]
            .map(|(variable, value)| (variable.into(), value.into()))
    };
    task.account.as_ref().map(of).into_iter().flatten()
}

/// The environment in the order of the text: inherited, unset, set, prepended; and the mark.
fn environment(inherited: Vec<(OsString, OsString)>, exec: &Exec) -> Vec<(OsString, OsString)> {
    let mut variables = BTreeMap::new();
    let mut set = |name: OsString, value: OsString| {
        variables.insert(sys::variable_key(&name), (name, value));
    };
    inherited
        .into_iter()
        .for_each(|(name, value)| set(name, value));
    for name in &exec.env_unset {
        variables.remove(&sys::variable_key(sys::os_text(name)));
    }
    let secrets = exec.env_secret.iter().map(|(name, value)| (name, &value.0));
    let plain = exec.env_set.iter().map(|(name, value)| (name, value));
    for (name, value) in plain.chain(secrets) {
        let (name, value) = (sys::os_text(name).to_owned(), sys::os_text(value));
        variables.insert(sys::variable_key(&name), (name, value.to_owned()));
    }
    for (name, text) in &exec.env_prepend {
        let name = sys::os_text(name).to_owned();
        let entry = variables.entry(sys::variable_key(&name));
        let (_, value) = entry.or_insert_with(|| (name, OsString::new()));
        let mut longer = sys::os_text(text).to_owned();
        if !value.is_empty() {
            longer.push(sys::LIST_SEPARATOR);
            longer.push(&*value);
        }
        *value = longer;
    }
    let id = exec.id.to_string();
    variables.insert(
        sys::variable_key(COMMAND_VARIABLE.as_ref()),
        (COMMAND_VARIABLE.into(), id.into()),
    );
    variables.into_values().collect()
}
