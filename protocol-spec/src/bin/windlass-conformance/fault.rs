//! Why a case did not pass.

use windlass_protocol::boxes::BoxError;
use windlass_protocol::{CallError, Failure, ProtocolError};

/// A promise that was not kept, or a case that this agent's machine does not allow.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What was wrong.
    Broken(String),
    /// Why the case was left out.
    Skip(String),
}

/// What a case gives.
pub(crate) type Outcome<T = ()> = Result<T, Fault>;

/// A broken promise with this text.
pub(crate) fn broken<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Fault::Broken(text.into()))
}

/// A case that cannot be run here.
pub(crate) fn skip<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Fault::Skip(text.into()))
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(format!("input or output: {error}"))
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Broken(format!("the connection does not allow it: {error:?}"))
    }
}

impl From<BoxError> for Fault {
    fn from(error: BoxError) -> Self {
        Self::Broken(format!("a box of the agent: {error}"))
    }
}

impl From<ProtocolError> for Fault {
    fn from(error: ProtocolError) -> Self {
        Self::Broken(format!("bytes of the agent: {error}"))
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Broken(format!("refused: {failure}"))
    }
}

/// Fails the case unless both are equal; the text says what they are.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    match got == wanted {
        true => Ok(()),
        false => broken(format!("{what}: got {got:?}, not {wanted:?}")),
    }
}

/// Fails the case unless the condition holds.
pub(crate) fn ensure(holds: bool, text: impl Into<String>) -> Outcome {
    match holds {
        true => Ok(()),
        false => broken(text),
    }
}

/// Fails the case unless both are the same bytes; tells where they part.
pub(crate) fn same_bytes(what: &str, got: &[u8], wanted: &[u8]) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    let at = got.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let shown = |bytes: &[u8]| {
        let rest = &bytes[at..bytes.len().min(at + 40)];
        format!("{} bytes, \"{}\" there", bytes.len(), rest.escape_ascii())
    };
    broken(format!(
        "{what} differs from byte {at} on: got {}, not {}",
        shown(got),
        shown(wanted)
    ))
}
