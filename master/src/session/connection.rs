//! The task of one connection: it owns the socket and the protocol's state machine, and moves
//! bytes, events and wishes between them. It never waits for a user of a channel.

mod orders;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;
use windlass_protocol::{
    AgentHello, ChannelId, CloseReason, CommandState, Connection, Event, Key, MasterHello,
    Progress, hex,
};

use super::Farewell;
use super::command::CommandId;
use super::limits::{FAREWELL_MAX, READ_BYTES, WRITE_MAX};
use super::link::{KnownCommand, Link, Said};
use super::pipe::Pipe;

/// Who decides about agents: which keys hold, who may stay.
pub(crate) trait Registry: Clone + Send + Sync + 'static {
    /// The keys of an agent as 64 hex digits, none if it is unknown.
    fn keys(&self, name: &str) -> impl Future<Output = Vec<String>> + Send;
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
    peer: SocketAddr,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    /// Bytes being written, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// When the bytes being written made progress last.
    wrote_at: Instant,
    /// Zero of the state machine's time.
    began: Instant,
    link: Link,
    /// Users of the open channels.
    pipes: HashMap<ChannelId, Arc<Pipe>>,
    name: Option<String>,
    is_admitted: bool,
    /// When the connection is cut though BYE was not written.
    ends_at: Option<Instant>,
    /// Told when the agent has proved who it is.
    pub(super) on_proof: Option<Box<dyn FnOnce() + Send>>,
}

impl<R: Registry> Task<R> {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        hello: MasterHello,
        nonce: [u8; 32],
        registry: R,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        let began = Instant::now();
        Self {
            core: Connection::master(hello, nonce, 0),
            registry,
            peer,
            reader,
            writer,
            out: Vec::new(),
            written: 0,
            wrote_at: began,
            began,
            link: Link::new(),
            pipes: HashMap::new(),
            name: None,
            is_admitted: false,
            ends_at: None,
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
        let began = self.began;
        let timeout = self.core.poll_timeout().map_or(WRITE_MAX, |at| {
            (began + Duration::from_millis(at)).saturating_duration_since(Instant::now())
        });
        let has_output = self.written < self.out.len();
        let stalled = self.wrote_at + WRITE_MAX;
        let ends_at = self.ends_at;
        let link = self.link.clone();
        tokio::select! {
            read = self.reader.read(buffer) => {
                let now = self.now_ms();
                match read {
                    Ok(0) | Err(_) => self.core.handle_eof(now),
                    Ok(count) => self.core.handle_bytes(now, &buffer[..count]),
                }
            }
            wrote = self.writer.write(&self.out[self.written..]), if has_output => match wrote {
                Ok(count) if count > 0 => {
                    self.written += count;
                    self.wrote_at = Instant::now();
                }
                _ => return Err(CloseReason::Lost),
            },
            () = link.shared().wake.notified() => {}
            () = tokio::time::sleep(timeout) => {
                let now = self.now_ms();
                self.core.handle_timeout(now);
            }
            () = tokio::time::sleep_until(stalled), if has_output => return Err(CloseReason::Silent),
            () = tokio::time::sleep_until(ends_at.unwrap_or(stalled)), if ends_at.is_some() => {
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
            self.wrote_at = Instant::now();
        }
    }

    /// Writes what is left, for a moment only.
    async fn flush(&mut self) {
        let work = async {
            loop {
                self.refill();
                if self.out.is_empty() {
                    return self.writer.shutdown().await;
                }
                self.writer.write_all(&self.out[self.written..]).await?;
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
            } => {
                self.tell(channel, |state| state.end = Some((length, sha256)));
            }
            Event::Ack { channel, .. } | Event::Writable { channel } => self.pump(channel),
            Event::Goaway { text, .. } => {
                tracing::info!(agent = self.name, text, "the agent is about to leave");
                // Whoever wants something new waits for the next connection.
                self.link.shared().leaving.cancel();
            }
            // Free space and load are asked for when they are needed.
            Event::Status(_) => {}
            Event::Enrolling { .. } => {
                let now = self.now_ms();
                // Refused only when the connection ended meanwhile, which `Closed` tells.
                let _ = self.core.refuse_enrolment(now);
            }
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
        let keys = match &hello.enroll {
            None => self.registry.keys(&hello.name).await,
            // No token is known.
            Some(_) => Vec::new(),
        };
        self.name = Some(hello.name);
        let keys = keys
            .iter()
            .filter_map(|text| hex::decode_array(text.as_bytes()).map(Key::from_bytes))
            .collect();
        let now = self.now_ms();
        // Refused only when the connection ended meanwhile, which `Closed` tells.
        let _ = self.core.provide_keys(now, keys);
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
            peer: self.peer,
            commands: commands.iter().map(known).collect(),
        };
        match self.registry.admit(said, self.link.clone()).await {
            Ok(()) => self.is_admitted = true,
            Err(farewell) => self.link.dismiss(farewell),
        }
    }
}

fn known(state: &CommandState) -> KnownCommand {
    KnownCommand {
        id: CommandId::from_wire(state.id),
        generation: state.generation,
        running: state.progress == Progress::Running,
    }
}
