//! Limits of the agents' door that are the master's own. The protocol's are in its crate.

use std::time::Duration;

/// Connections at once: two per agent of the largest fleet we know of, far below the usual limit
/// of open files.
pub(super) const CONNECTIONS_MAX: usize = 4096;
/// Connections of one address that have not proved who they are: a hundred agents behind one
/// router come back within 10 s after a restart of the master, not all at once.
pub(super) const STRANGERS_PER_ADDRESS_MAX: u32 = 64;
/// Addresses with strangers at once, so that the table of them is bounded.
pub(super) const ADDRESSES_MAX: usize = 4096;
/// Audit rows of one address per hour: a person sees that somebody knocks, and a flood of
/// knocks does not fill the disk. All of them are logged.
pub(super) const REFUSALS_AUDITED_PER_HOUR: u32 = 20;
/// A write that makes no progress for so long is a dead peer, as silence is.
pub(super) const WRITE_MAX: Duration = Duration::from_secs(60);
/// Bytes taken from the socket at once: several frames, so that calls to the kernel are few.
pub(super) const READ_BYTES: usize = 256 * 1024;
/// Bytes of one channel that wait on our side of the protocol's own queue: a producer is one
/// turn of the scheduler ahead and no more.
pub(super) const OUTGOING_BYTES_MAX: usize = 512 * 1024;
/// Calls waiting for a free channel of one connection; a builder's slots bound them in practice.
pub(super) const CALLS_WAITING_MAX: usize = 1024;
/// Characters kept of an agent's reason for taking no work, or no program: it stands in the queue's
/// wait reasons and on pages.
pub(super) const REFUSES_CHARS_MAX: usize = 200;
/// STATUS of one connection that are taken in each such time; more are not looked at.
pub(super) const STATUSES_PER_WINDOW: u32 = 20;
pub(super) const STATUS_WINDOW: Duration = Duration::from_secs(60);
/// Time to say BYE at the end.
pub(super) const FAREWELL_MAX: Duration = Duration::from_secs(2);
/// What a refused double waits before it tries again, milliseconds: once in half a minute is
/// soon enough for a person who moves an agent to another machine.
pub(super) const DUPLICATE_RETRY_MS: u64 = 30_000;

/// A file, listing or tree that does not move for so long is given up: an agent may compare a
/// tree of hundreds of gigabytes with its manifest before it says anything.
pub(super) const TRANSFER_SILENCE_MAX: Duration = Duration::from_secs(1800);
