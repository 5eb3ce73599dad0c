//! One connection to the master, from the first byte to the last. One loop owns the protocol's
//! state machine; a reader, a writer and one thread per request talk to it through one queue, so
//! that nothing slow is ever in the way of a heartbeat. Not here: dialling; what requests do.

mod events;
mod input;
mod leaving;
mod lines;
pub(crate) mod port;
mod requests;
mod stop;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use windlass_protocol::{AgentHello, CancelMode, ChannelId, CloseReason, Connection, Key};

pub(crate) use input::Input;
pub(crate) use requests::Answer;
pub(crate) use stop::Stop;

use crate::agent::Agent;
use crate::clock::{now_ms, until};
use crate::commands::Entry;
use crate::commands::gate::Gate;
use crate::sys;
use crate::transport::Transport;
use lines::Lines;
use port::Inbound;

/// How often the master is told about disk space and running commands.
const STATUS_MS: u64 = 30_000;
/// How long commands and their last output get when the agent is stopped; service managers wait
/// longer than this before they kill.
const STOP_MS: u64 = 5_000;
/// A peer that takes no byte of a block for so long is as good as gone; as its silence is.
const WRITE_MAX_MS: u64 = 60_000;
/// Blocks handed to the writer and not yet written. Two keep it busy; more would only delay
/// control frames behind data.
const UNWRITTEN_MAX: usize = 2;

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reason: CloseReason,
    /// The master proved itself.
    pub(crate) proven: bool,
    /// What the master asks us to wait, milliseconds; 0 if nothing.
    pub(crate) retry_ms: u64,
}

/// One open channel.
struct Channel {
    /// Where its thread waits before it sends.
    gate: Arc<Gate>,
    /// Where its thread takes the master's bytes from; `None` for input of a command.
    inbox: Option<Sender<Vec<Inbound>>>,
    /// What is to go there once all that has come is looked at: so its thread is woken once.
    parcel: Vec<Inbound>,
    /// Its command, once known.
    entry: Option<Arc<Entry>>,
    /// By which number it brings input to its command.
    listener: u64,
    /// A cancel that came before the command was known.
    cancel: Option<CancelMode>,
}

/// The loop's state.
struct Session<'a> {
    agent: &'a Arc<Agent>,
    stop: &'a Stop,
    connection: Connection,
    channels: HashMap<ChannelId, Channel>,
    /// Answered channels whose last bytes may still wait in the connection.
    answered: Vec<ChannelId>,
    sender: Sender<Input>,
    lines: Lines,
    /// Blocks handed to the writer and not yet written.
    unwritten: usize,
    /// When the writer got on last; counts while something is unwritten.
    wrote_at_ms: u64,
    /// Whether nobody on the way reads what passes.
    confidential: bool,
    proven: bool,
    retry_ms: u64,
    /// When the next status is due.
    status_at_ms: u64,
    /// A thread is finding out; a disk that hangs must not gather more of them.
    asks_status: bool,
    /// When we hang up although something is left, once the agent stops.
    stop_by_ms: Option<u64>,
    said_bye: bool,
    closed: Option<CloseReason>,
}

/// Serves one connection until it ends.
pub(crate) fn serve(
    agent: &Arc<Agent>,
    stop: &Stop,
    key: Key,
    transport: Transport,
) -> io::Result<Outcome> {
    let mut nonce = [0; 32];
    sys::fill_random(&mut nonce)?;
    let (sender, inputs) = mpsc::channel();
    let confidential = transport.confidential;
    let lines = Lines::start(transport, &sender)?;
    let to_stop = sender.clone();
    let ticket = stop.attach(Box::new(move || {
        // The loop may have ended meanwhile.
        let _ = to_stop.send(Input::Stop);
    }));
    let connection = Connection::agent(hello(agent, confidential), vec![key], nonce, now_ms());
    let mut session = Session {
        agent,
        stop,
        connection,
        channels: HashMap::new(),
        answered: Vec::new(),
        sender,
        lines,
        unwritten: 0,
        wrote_at_ms: now_ms(),
        confidential,
        proven: false,
        retry_ms: 0,
        status_at_ms: u64::MAX,
        asks_status: false,
        stop_by_ms: None,
        said_bye: false,
        closed: None,
    };
    let reason = session.run(&inputs);
    stop.detach(ticket);
    // Before the leases are told: a command that starts later would miss that.
    session
        .channels
        .values()
        .for_each(|channel| channel.gate.close());
    if session.proven {
        agent.master_left();
    }
    session.lines.end();
    Ok(Outcome {
        reason,
        proven: session.proven,
        retry_ms: session.retry_ms,
    })
}

/// What this agent says of itself.
pub(crate) fn hello(agent: &Agent, confidential: bool) -> AgentHello {
    let boot = sys::boot_id();
    AgentHello {
        name: agent.name.clone(),
        installation: agent.installation.clone(),
        boot: if boot.is_empty() {
            "unknown".into()
        } else {
            boot
        },
        version: env!("CARGO_PKG_VERSION").into(),
        os: sys::os_name().into(),
        arch: std::env::consts::ARCH.into(),
        enroll: None,
        confidential,
        capabilities: Vec::new(),
    }
}

impl Session<'_> {
    fn run(&mut self, inputs: &Receiver<Input>) -> CloseReason {
        loop {
            self.settle();
            if let Some(reason) = self.closed.take() {
                self.flush(inputs);
                return reason;
            }
            match inputs.recv_timeout(self.wait()) {
                Ok(input) => self.take(input),
                // `self.sender` keeps the queue connected.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.keep_time();
        }
    }

    /// Serves events, opens gates and hands out blocks until there is nothing left to do.
    fn settle(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.connection.poll_event() {
                idle = false;
                self.serve_event(event);
            }
            while self.unwritten < UNWRITTEN_MAX {
                let Some(block) = self.connection.poll_transmit() else {
                    break;
                };
                idle = false;
                self.write(block);
            }
            if idle {
                break;
            }
        }
        self.answered
            .retain(|id| self.connection.next_offset(*id).is_some());
        for (id, channel) in &mut self.channels {
            if let Some(next) = self.connection.next_offset(*id)
                && let room @ 1.. = self.connection.ample_room(*id)
            {
                channel.gate.open_to(next.saturating_add(room));
            }
            if let Some(inbox) = &channel.inbox
                && !channel.parcel.is_empty()
            {
                // A thread that has stopped listening answers for itself.
                let _ = inbox.send(std::mem::take(&mut channel.parcel));
            }
        }
    }

    fn write(&mut self, block: Vec<u8>) {
        if self.unwritten == 0 {
            self.wrote_at_ms = now_ms();
        }
        self.unwritten += 1;
        self.lines.write(block);
    }

    /// When a peer that takes nothing counts as dead.
    fn stalled_at_ms(&self) -> u64 {
        match self.unwritten {
            0 => u64::MAX,
            _ => self.wrote_at_ms.saturating_add(WRITE_MAX_MS),
        }
    }

    fn wait(&self) -> Duration {
        let timer = self.connection.poll_timeout().unwrap_or(u64::MAX);
        let status = if self.proven {
            self.status_at_ms
        } else {
            u64::MAX
        };
        let stop = self.stop_by_ms.unwrap_or(u64::MAX);
        until(timer.min(status).min(stop).min(self.stalled_at_ms()))
    }

    fn keep_time(&mut self) {
        let now = now_ms();
        if self.connection.poll_timeout().is_some_and(|at| at <= now) {
            self.connection.handle_timeout(now);
        }
        if self.stalled_at_ms() <= now {
            self.closed.get_or_insert(CloseReason::Silent);
        }
        if self.proven && self.status_at_ms <= now {
            self.status_at_ms = now.saturating_add(STATUS_MS);
            self.begin_status();
            if self.is_quiet() {
                sys::give_back_memory();
            }
        }
        if self.agent.is_drained() && self.is_quiet() {
            self.stop.request();
        }
        if let Some(by) = self.stop_by_ms {
            let done = match self.agent.commands.are_ending() {
                true => self.is_quiet() && self.agent.commands.count_running() == 0,
                // Commands go on in their shims, and their journals are sent another time.
                false => {
                    let mut open = self.channels.values();
                    self.answered.is_empty() && open.all(|channel| channel.entry.is_some())
                }
            };
            if (done || by <= now) && !self.said_bye {
                self.said_bye = true;
                self.stop_by_ms = Some(now.saturating_add(STOP_MS));
                self.connection.bye();
            } else if by <= now {
                self.closed.get_or_insert(CloseReason::Ended);
            }
        }
    }

    /// Has a thread look at the machine, because a look at a disk may take long.
    fn begin_status(&mut self) {
        if self.asks_status {
            return;
        }
        let (agent, sender) = (Arc::clone(self.agent), self.sender.clone());
        let look = move || {
            // Nobody waits for it if the connection is gone.
            let _ = sender.send(Input::Status(requests::status(&agent)));
        };
        let thread = std::thread::Builder::new().name("status".into());
        self.asks_status = thread.spawn(look).is_ok();
    }

    /// Whether every request is answered and every answer handed out.
    fn is_quiet(&self) -> bool {
        self.channels.is_empty() && self.answered.is_empty()
    }
}
