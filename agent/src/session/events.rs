//! What the loop does about each event of the protocol. Not here: time, sending, the end.

use std::sync::Arc;

use windlass_protocol::ops::Reason;
use windlass_protocol::{ChannelId, Code, CommandState, Event, Failure, limits};

use super::port::Inbound;
use super::{Channel, Input, Session, requests};
use crate::clock::now_ms;
use crate::commands::Entry;
use crate::log::log;

impl Session<'_> {
    pub(super) fn attach(&mut self, id: ChannelId, entry: Arc<Entry>) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        if let Some(mode) = channel.cancel.take() {
            entry.end(Reason::Cancelled, mode);
        }
        let sender = self.sender.clone();
        let tell = move |durable: u64, consumed: u64| {
            let limit = consumed.saturating_add(limits::LOG_WINDOW);
            let _ = sender.send(Input::Acknowledge {
                channel: id,
                durable,
                limit,
            });
        };
        channel.listener = entry.listen_input(Box::new(tell));
        channel.entry = Some(entry);
    }

    pub(super) fn serve_event(&mut self, event: Event) {
        match event {
            Event::Proven(master) => self.announce(&master.deployment),
            Event::Request { channel, .. } if self.stop_by_ms.is_some() => {
                let text = "the agent is stopped; it starts nothing new";
                let _ = self
                    .connection
                    .respond(channel, Err(Failure::new(Code::ShuttingDown, text)));
            }
            Event::Request {
                channel,
                request,
                from,
            } => {
                let opened = requests::open(
                    self.agent,
                    &self.sender,
                    self.confidential,
                    channel,
                    request,
                    from,
                );
                self.channels.insert(channel, opened);
            }
            Event::Data {
                channel,
                offset,
                bytes,
            } => match self.channels.get_mut(&channel) {
                Some(Channel {
                    inbox: Some(_),
                    parcel,
                    ..
                }) => parcel.push(Inbound::Bytes { offset, bytes }),
                Some(Channel {
                    entry: Some(entry),
                    listener,
                    ..
                }) => {
                    entry.push_input(*listener, offset, &bytes);
                }
                _ => {}
            },
            Event::End {
                channel,
                length,
                // A master's stream has one.
                sha256: Some(sha256),
                found,
            } => match self.channels.get_mut(&channel) {
                Some(Channel {
                    inbox: Some(_),
                    parcel,
                    ..
                }) => parcel.push(Inbound::End {
                    length,
                    sha256,
                    found,
                }),
                Some(Channel {
                    entry: Some(entry),
                    listener,
                    ..
                }) => {
                    entry.end_input(*listener);
                }
                _ => {}
            },
            Event::Abort { channel, .. } => {
                let text = "the master gave the request up";
                self.respond(channel, Err(Failure::new(Code::Cancelled, text)));
            }
            Event::Ack {
                channel, durable, ..
            } => {
                if let Some(Channel {
                    entry: Some(entry), ..
                }) = self.channels.get(&channel)
                {
                    entry.mark_stored(durable);
                }
            }
            Event::Cancel { channel, mode } => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    match &channel.entry {
                        Some(entry) => entry.end(Reason::Cancelled, mode),
                        None => channel.cancel = Some(mode),
                    }
                }
            }
            Event::Goaway {
                code,
                text,
                retry_ms,
            } => {
                log!("the master says goodbye: {code}: {text}");
                self.retry_ms = retry_ms;
            }
            Event::Closed(reason) => self.closed = Some(reason),
            // Gates are opened after every input; the rest comes only to a master.
            _ => {}
        }
    }

    fn announce(&mut self, deployment: &str) {
        let commands: Vec<CommandState> = self.agent.commands.list();
        log!(
            "connected to {deployment}; {} command(s) known",
            commands.len()
        );
        self.proven = true;
        self.status_at_ms = now_ms();
        self.agent.master_came();
        if let Err(error) = self.connection.announce(&commands) {
            log!("cannot announce the commands: {error}");
        }
        self.agent.tell_ready();
    }
}
