//! `attach`, `signal` and `forget`: what is asked about a command that is known already.

use crate::boxes::{BoxError, Boxed};
use crate::connection::CancelMode;
use crate::error::Failure;
use crate::ids::CommandId;

use super::manner::SignalName;

/// Send the journal from the offset the channel was opened with, live until its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attach {
    /// The command.
    pub id: CommandId,
    /// The lease generation; a lower one than seen before is `stale-generation`.
    pub generation: u64,
}

/// Signal a command, or end it, without being attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal {
    /// The command.
    pub id: CommandId,
    /// The lease generation.
    pub generation: u64,
    /// What is done.
    pub order: Order,
}

/// What a `signal` request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Ends the command: asks first, or kills at once.
    End(CancelMode),
    /// Delivers a signal once to the whole command; by itself that ends nothing.
    Deliver(SignalName),
}

/// Delete a finished command. One that still runs is `busy`, an unknown id is success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forget {
    /// The command.
    pub id: CommandId,
    /// The lease generation.
    pub generation: u64,
}

impl Attach {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        write_id(pairs, self.id, self.generation);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let generation = pairs.require_number("generation")?;
        Ok(Self {
            id: read_id(pairs)?,
            generation,
        })
    }
}

impl Signal {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        write_id(pairs, self.id, self.generation);
        match self.order {
            Order::End(mode) => pairs.push("mode", mode.as_str()),
            Order::Deliver(signal) => pairs.push("signal", signal.as_str()),
        }
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let generation = pairs.require_number("generation")?;
        let mode = pairs
            .text("mode")?
            .map(|word| CancelMode::parse(word).ok_or(BoxError::BadValue("mode", "term or kill")));
        let order = match (mode.transpose()?, SignalName::read(pairs, "signal")?) {
            (Some(mode), None) => Order::End(mode),
            (None, Some(signal)) => Order::Deliver(signal),
            (None, None) => return Err(BoxError::Missing("mode").into()),
            (Some(_), Some(_)) => {
                return Err(BoxError::BadValue("signal", "absent beside `mode`").into());
            }
        };
        Ok(Self {
            id: read_id(pairs)?,
            generation,
            order,
        })
    }
}

impl Forget {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        write_id(pairs, self.id, self.generation);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let generation = pairs.require_number("generation")?;
        Ok(Self {
            id: read_id(pairs)?,
            generation,
        })
    }
}

fn write_id(pairs: &mut Boxed, id: CommandId, generation: u64) {
    pairs.push("id", id.to_string());
    pairs.push_number("generation", generation);
}

pub(super) fn read_id(pairs: &Boxed) -> Result<CommandId, BoxError> {
    CommandId::parse(pairs.require_text("id")?)
        .ok_or(BoxError::BadValue("id", "32 lower-case hex digits"))
}
