//! The handle of one connection: asks its task to open channels and to end. Cheap to clone.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use windlass_protocol::Boxed;
use windlass_protocol::ops::Request;

use super::Farewell;
use super::calls::{LinkError, Refusal};
use super::channel::Channel;
use super::command::CommandId;
use super::limits::CALLS_WAITING_MAX;
use super::pipe::Pipe;
use super::wire::Way;

/// What the agent said of itself, proved by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its name.
    pub(crate) name: String,
    /// Its installation id.
    pub(crate) installation: String,
    /// Version of its program.
    pub(crate) version: String,
    /// Operating system.
    pub(crate) os: String,
    /// Processor.
    pub(crate) arch: String,
    /// Where it connected from.
    pub(crate) peer: SocketAddr,
    /// How we came together.
    pub(crate) way: Way,
    /// Whether nobody can read the connection on the way.
    pub(crate) confidential: bool,
    /// Whether it came with a token, not with its own key.
    pub(crate) enrolling: bool,
    /// Commands it knows.
    pub(crate) commands: Vec<KnownCommand>,
}

/// How an agent's machine stands, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusSaid {
    /// Numbers by the protocol's names; what it does not tell is absent.
    pub(crate) figures: BTreeMap<&'static str, u64>,
    /// Why it takes no new command now.
    pub(crate) refuses: Option<String>,
    /// Why it went back from the last program that it was sent.
    pub(crate) upgrade_failed: Option<String>,
}

/// A command that an agent listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownCommand {
    /// Which.
    pub(crate) id: CommandId,
    /// The newest generation it was addressed with.
    pub(crate) generation: u64,
    /// Whether it still runs.
    pub(crate) running: bool,
}

/// The handle of one connection.
#[derive(Clone)]
pub(crate) struct Link {
    shared: Arc<Shared>,
}

/// What the handles and the task of a connection share.
pub(super) struct Shared {
    orders: Mutex<Orders>,
    /// Whether nobody can read the connection on the way; known once it is admitted.
    confidential: AtomicBool,
    /// Wakes the task.
    pub(super) wake: Notify,
    /// Cancelled when either side has said that the end is near: nothing new may be asked.
    pub(super) leaving: CancellationToken,
    /// Cancelled when the connection is over.
    pub(super) closed: CancellationToken,
}

/// What the task is to do.
#[derive(Default)]
pub(super) struct Orders {
    /// Channels to open, oldest first; at most `CALLS_WAITING_MAX`.
    pub(super) calls: VecDeque<Call>,
    /// Pipes whose wishes changed, each once.
    pub(super) listed: Vec<Arc<Pipe>>,
    /// Why the connection is to end.
    pub(super) farewell: Option<Farewell>,
}

/// A channel to open.
pub(super) struct Call {
    pub(super) request: Boxed,
    pub(super) from: u64,
    pub(super) window: u64,
    pub(super) pipe: Arc<Pipe>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                orders: Mutex::default(),
                confidential: AtomicBool::new(false),
                wake: Notify::new(),
                leaving: CancellationToken::new(),
                closed: CancellationToken::new(),
            }),
        }
    }

    /// Notes that nobody can read the connection on the way.
    pub(super) fn note_confidential(&self) {
        self.shared.confidential.store(true, Ordering::Relaxed);
    }

    /// Whether nobody can read the connection on the way: only then secrets are sent over it.
    pub(super) fn is_confidential(&self) -> bool {
        self.shared.confidential.load(Ordering::Relaxed)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Link) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Whether the connection is over.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed.is_cancelled()
    }

    /// Whether something new may be asked over it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.is_closed() && !self.shared.leaving.is_cancelled()
    }

    /// Ends the connection after telling the agent why. Commands go on.
    pub(crate) fn dismiss(&self, farewell: Farewell) {
        self.shared.leaving.cancel();
        self.shared.orders().farewell.get_or_insert(farewell);
        self.shared.wake.notify_one();
    }

    /// Asks for a channel; the agent may send its stream from `from` to `from + window`.
    pub(super) fn open(
        &self,
        request: &Request,
        from: u64,
        window: u64,
    ) -> Result<Channel, LinkError> {
        if self.is_closed() {
            return Err(LinkError::Lost);
        }
        let pipe = Arc::new(Pipe::default());
        {
            let mut orders = self.shared.orders();
            if orders.calls.len() >= CALLS_WAITING_MAX {
                return Err(LinkError::Refused(Refusal {
                    code: "busy",
                    text: "too many calls wait for this agent".to_owned(),
                }));
            }
            orders.calls.push_back(Call {
                request: request.to_box(),
                from,
                window,
                pipe: Arc::clone(&pipe),
            });
        }
        self.shared.wake.notify_one();
        // The task may have ended between the look and the order.
        if self.is_closed() {
            return Err(LinkError::Lost);
        }
        Ok(Channel {
            pipe,
            link: self.clone(),
            is_over: false,
        })
    }

    /// Puts a pipe on the list of changed ones and wakes the task.
    pub(super) fn list(&self, pipe: &Arc<Pipe>) {
        let listed = std::mem::replace(&mut pipe.lock().is_listed, true);
        if !listed {
            self.shared.orders().listed.push(Arc::clone(pipe));
            self.shared.wake.notify_one();
        }
    }
}

impl Shared {
    /// What is to be done; whoever panicked while holding it left plain values behind.
    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
