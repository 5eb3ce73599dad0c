//! The task of one connection: it owns the socket and the protocol's state machine, and moves
//! bytes, events and wishes between them. It never waits for a user of a channel.

mod orders;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windlass_protocol::{
    AgentHello, Boxed, ChannelId, CloseReason, CommandState, Connection, Event, Key, MasterHello,
    Progress, hex,
};

use crate::clock::Stopwatch;

use super::Farewell;
use super::command::CommandId;
use super::limits::{
    FAREWELL_MAX, READ_BYTES, REFUSES_CHARS_MAX, STATUS_WINDOW, STATUSES_PER_WINDOW, WRITE_MAX,
};
use super::link::{KnownCommand, Link, Said, StatusSaid};
use super::pipe::Pipe;
use super::wire::Wire;
use crate::db::agent_tokens::Asking;

/// The figures of a STATUS that are kept.
const STATUS_FIGURES: [&str; 6] = [
    "disk_free",
    "disk_total",
    "mem_free",
    "mem_total",
    "load",
    "running",
];

/// Who decides about agents: which keys hold, who may stay.
pub(crate) trait Registry: Clone + Send + Sync + 'static {
    /// The keys of an agent as 64 hex digits, none if it is unknown.
    fn keys(&self, name: &str) -> impl Future<Output = Vec<String>> + Send;
    /// The secret of a one-time token as 64 hex digits, nothing if it is unknown or over.
    fn token(&self, id: &str) -> impl Future<Output = Option<String>> + Send;
    /// An agent has proved a token's secret: stores its key and the token's use. `false` shows it
    /// out.
    fn enrol(&self, asking: Asking, peer: SocketAddr) -> impl Future<Output = bool> + Send;
    /// An admitted agent tells how its machine stands.
    fn status(&self, link: &Link, told: StatusSaid) -> impl Future<Output = ()> + Send;
    /// An agent has proved its key. `Err` shows it out.
    fn admit(&self, said: Said, link: Link) -> impl Future<Output = Result<(), Farewell>> + Send;
    /// The connection of an admitted agent is over.
    fn gone(&self, name: &str, link: &Link) -> impl Future<Output = ()> + Send;
}

/// How a connection ended.
pub(super) struct Ending {
    /// Why.
    pub(super) reason: CloseReason,
    /// The name it gave, proved or not.
    pub(super) name: Option<String>,
    /// Whether it had proved it.
    pub(super) is_proved: bool,
}

/// One connection.
pub(super) struct Task<R> {
    core: Connection,
    registry: R,
    wire: Wire,
    /// Bytes being written, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// When the bytes being written made progress last.
    wrote_at: Stopwatch,
    /// Zero of the state machine's time.
    began: Stopwatch,
    link: Link,
    /// Users of the open channels.
    pipes: HashMap<ChannelId, Arc<Pipe>>,
    name: Option<String>,
    /// What an agent with a token asks for, until it has proved the token.
    asking: Option<Asking>,
    is_admitted: bool,
    /// How many STATUS of late were taken.
    statuses: Statuses,
    /// When it was said that the connection ends; it is cut soon after though BYE was not written.
    ends_at: Option<Stopwatch>,
    /// The one agent that may come this way, if only one may.
    pub(super) expected: Option<String>,
    /// Told when the agent has proved who it is.
    pub(super) on_proof: Option<Box<dyn FnOnce() + Send>>,
}

impl<R: Registry> Task<R> {
    pub(super) fn new(wire: Wire, hello: MasterHello, nonce: [u8; 32], registry: R) -> Self {
        let began = Stopwatch::start();
        Self {
            core: Connection::master(hello, nonce, 0),
            registry,
            wire,
            out: Vec::new(),
            written: 0,
            wrote_at: began,
            began,
            link: Link::new(),
            pipes: HashMap::new(),
            name: None,
            asking: None,
            is_admitted: false,
            statuses: Statuses::default(),
            ends_at: None,
            expected: None,
            on_proof: None,
        }
    }

    /// The handle, to end the connection from outside.
    pub(super) fn link(&self) -> Link {
        self.link.clone()
    }

    /// Serves until the end.
    pub(super) async fn run(mut self) -> Ending {
        let reason = self.serve().await;
        let shared = self.link.shared();
        shared.closed.cancel();
        for pipe in self.pipes.values() {
            pipe.tell_user(|state| state.lost = true);
        }
        let calls = std::mem::take(&mut shared.orders().calls);
        for call in calls {
            call.pipe.tell_user(|state| state.lost = true);
        }
        if self.is_admitted
            && let Some(name) = &self.name
        {
            self.registry.gone(name, &self.link).await;
        }
        Ending {
            reason,
            name: self.name,
            is_proved: self.is_admitted,
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn serve(&mut self) -> CloseReason {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.obey();
            self.refill();
            while let Some(event) = self.core.poll_event() {
                if let Event::Closed(reason) = event {
                    self.flush().await;
                    return reason;
                }
                self.handle(event).await;
                self.refill();
            }
            if let Err(reason) = self.wait(&mut buffer).await {
                self.flush().await;
                return reason;
            }
        }
    }

    /// Waits for the socket, the clock or an order, and feeds the state machine.
    async fn wait(&mut self, buffer: &mut [u8]) -> Result<(), CloseReason> {
        let (began, wrote_at) = (self.began, self.wrote_at);
        let due = self.core.poll_timeout().map(Duration::from_millis);
        let due = due.unwrap_or_else(|| began.elapsed() + WRITE_MAX);
        let has_output = self.written < self.out.len();
        let farewell = self.ends_at;
        let link = self.link.clone();
        tokio::select! {
            read = self.wire.reader.read(buffer) => {
                let now = self.now_ms();
                match read {
                    Ok(0) | Err(_) => self.core.handle_eof(now),
                    Ok(count) => self.core.handle_bytes(now, &buffer[..count]),
                }
            }
            wrote = self.wire.writer.write(&self.out[self.written..]), if has_output => match wrote {
                Ok(count) if count > 0 => {
                    self.written += count;
                    self.wrote_at = Stopwatch::start();
                }
                _ => return Err(CloseReason::Lost),
            },
            () = link.shared().wake.notified() => {}
            () = began.until(due) => {
                let now = self.now_ms();
                self.core.handle_timeout(now);
            }
            () = wrote_at.until(WRITE_MAX), if has_output => return Err(CloseReason::Silent),
            () = farewell.unwrap_or(began).until(FAREWELL_MAX), if farewell.is_some() => {
                return Err(CloseReason::Ended);
            }
        }
        Ok(())
    }

    /// Takes the next bytes to write once the last ones are written.
    fn refill(&mut self) {
        if self.written == self.out.len() {
            self.written = 0;
            self.out = self.core.poll_transmit().unwrap_or_default();
            self.wrote_at = Stopwatch::start();
        }
    }

    /// Writes what is left, for a moment only.
    async fn flush(&mut self) {
        let work = async {
            loop {
                self.refill();
                if self.out.is_empty() {
                    return self.wire.writer.shutdown().await;
                }
                self.wire
                    .writer
                    .write_all(&self.out[self.written..])
                    .await?;
                self.written = self.out.len();
            }
        };
        // A peer that does not read its farewell goes without.
        let _ = tokio::time::timeout(FAREWELL_MAX, work).await;
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Hello(hello) => self.look_up(hello).await,
            Event::Ready {
                hello, commands, ..
            } => self.admit(hello, &commands).await,
            Event::Response { channel, result } => {
                if let Some(pipe) = self.pipes.remove(&channel) {
                    pipe.tell_user(|state| state.answer = Some(result));
                }
            }
            Event::Data { channel, bytes, .. } => {
                self.tell(channel, |state| {
                    if !state.abandoned {
                        state.arrive(bytes);
                    }
                });
            }
            Event::End {
                channel,
                length,
                sha256,
                ..
            } => {
                self.tell(channel, |state| state.end = Some((length, sha256)));
            }
            Event::Ack { channel, .. } => {
                // The first one says where our stream begins; nothing was sent before it.
                if let Some(begin) = self.core.next_offset(channel) {
                    self.tell(channel, |state| {
                        state.begin.get_or_insert(begin);
                    });
                }
                self.pump(channel);
            }
            Event::Writable { channel } => self.pump(channel),
            Event::Goaway { text, .. } => {
                tracing::info!(agent = self.name, text, "the agent is about to leave");
                // Whoever wants something new waits for the next connection.
                self.link.shared().leaving.cancel();
            }
            Event::Status(pairs) => {
                if self.is_admitted && self.statuses.fits() {
                    self.registry.status(&self.link, status_said(&pairs)).await;
                }
            }
            Event::Enrolling { key } => self.enrol(&key).await,
            Event::Closed(_)
            | Event::Enrolled { .. }
            | Event::Proven(_)
            | Event::Request { .. }
            | Event::Abort { .. }
            | Event::Cancel { .. } => {}
        }
    }

    fn tell(&self, channel: ChannelId, change: impl FnOnce(&mut super::pipe::State)) {
        if let Some(pipe) = self.pipes.get(&channel) {
            pipe.tell_user(change);
        }
    }

    async fn look_up(&mut self, hello: AgentHello) {
        let is_wrong = |expected: &String| *expected != hello.name;
        let keys = match &hello.enroll {
            _ if self.expected.as_ref().is_some_and(is_wrong) => Vec::new(),
            None => self.registry.keys(&hello.name).await,
            Some(token) => self.registry.token(token).await.into_iter().collect(),
        };
        self.name = Some(hello.name.clone());
        self.asking = hello.enroll.map(|public_id| Asking {
            public_id,
            name: hello.name,
            installation: hello.installation,
            key_hex: String::new(),
        });
        let keys = keys
            .iter()
            .filter_map(|text| hex::decode_array(text.as_bytes()).map(Key::from_bytes))
            .collect();
        let now = self.now_ms();
        // Refused only when the connection ended meanwhile, which `Closed` tells.
        let _ = self.core.provide_keys(now, keys);
    }

    /// Lets the registry store the key that a token gave, then answers the agent.
    async fn enrol(&mut self, key: &Key) {
        let is_enrolled = match self.asking.take() {
            Some(mut asking) => {
                asking.key_hex = hex::encode(key.as_bytes());
                self.registry.enrol(asking, self.wire.peer).await
            }
            None => false,
        };
        let now = self.now_ms();
        // Both are refused only when the connection ended meanwhile, which `Closed` tells.
        let _ = match is_enrolled {
            true => self.core.accept_enrolment(),
            false => self.core.refuse_enrolment(now),
        };
    }

    async fn admit(&mut self, hello: AgentHello, commands: &[CommandState]) {
        if let Some(on_proof) = self.on_proof.take() {
            on_proof();
        }
        let said = Said {
            name: hello.name,
            installation: hello.installation,
            version: hello.version,
            os: hello.os,
            arch: hello.arch,
            peer: self.wire.peer,
            way: self.wire.way,
            // The agent's word: our end does not see what lies before a proxy or a tunnel.
            confidential: hello.confidential,
            enrolling: hello.enroll.is_some(),
            commands: commands.iter().map(known).collect(),
        };
        if said.confidential {
            self.link.note_confidential();
        }
        match self.registry.admit(said, self.link.clone()).await {
            Ok(()) => self.is_admitted = true,
            Err(farewell) => self.link.dismiss(farewell),
        }
    }
}

/// Counts what an agent tells of itself, each of which is a write to the database: an honest one
/// tells it twice a minute, and when something turns.
#[derive(Default)]
struct Statuses {
    since: Option<Stopwatch>,
    count: u32,
}

impl Statuses {
    fn fits(&mut self) -> bool {
        let is_new = |since: Stopwatch| since.elapsed() >= STATUS_WINDOW;
        if self.since.is_none_or(is_new) {
            (self.since, self.count) = (Some(Stopwatch::start()), 0);
        }
        self.count += 1;
        self.count <= STATUSES_PER_WINDOW
    }
}

/// The figures of a STATUS, and why the agent takes no new command.
fn status_said(pairs: &Boxed) -> StatusSaid {
    let figure = |key: &'static str| Some((key, pairs.number(key).ok().flatten()?));
    let sentence = |key: &str| {
        let text = pairs.first(key).map(String::from_utf8_lossy)?;
        let plain = text.chars().filter(|c| !c.is_control());
        Some(plain.take(REFUSES_CHARS_MAX).collect())
    };
    StatusSaid {
        figures: STATUS_FIGURES.iter().copied().filter_map(figure).collect(),
        refuses: sentence("refuses"),
        upgrade_failed: sentence("upgrade_failed"),
    }
}

fn known(state: &CommandState) -> KnownCommand {
    KnownCommand {
        id: CommandId::from_wire(state.id),
        generation: state.generation,
        running: state.progress == Progress::Running,
    }
}
