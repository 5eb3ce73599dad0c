//! How a connection is ended from this side: the agent stops, or the master wants it to end.

use std::sync::mpsc::Receiver;

use windlass_protocol::ops::ShutdownMode;
use windlass_protocol::{CancelMode, CloseReason, Code};

use super::{Input, STOP_MS, Session, UNWRITTEN_MAX};
use crate::clock::{now_ms, until};
use crate::log::log;

impl Session<'_> {
    /// The master wants the agent to end, at once or when it is idle.
    pub(super) fn shut_down(&mut self, mode: ShutdownMode) {
        log!("the master asks to end the agent: {}", mode.as_str());
        self.agent.drain();
        match mode {
            ShutdownMode::Drain => self.status_at_ms = now_ms(),
            ShutdownMode::Now => {
                self.agent.commands.end_all(CancelMode::Kill);
                self.stop.request();
            }
        }
    }

    /// The agent stops: says so and leaves. Commands go on in their shims; only when they are
    /// ended too it stays until their ends are delivered.
    pub(super) fn begin_stop(&mut self) {
        if self.stop_by_ms.is_some() {
            return;
        }
        let text = "the agent is stopped";
        let _ = self.connection.goaway(Code::ShuttingDown, text, 0);
        self.agent.commands.leave();
        self.stop_by_ms = Some(now_ms().saturating_add(STOP_MS));
        if !self.proven {
            self.closed.get_or_insert(CloseReason::Ended);
        }
    }

    /// Lets the last blocks go out, for a bounded time.
    pub(super) fn flush(&mut self, inputs: &Receiver<Input>) {
        let by = now_ms().saturating_add(STOP_MS);
        loop {
            while self.unwritten < UNWRITTEN_MAX {
                let Some(block) = self.connection.poll_transmit() else {
                    break;
                };
                self.write(block);
            }
            if self.unwritten == 0 {
                return;
            }
            match inputs.recv_timeout(until(by)) {
                Ok(Input::Written) => self.unwritten -= 1,
                Ok(Input::Lost(_)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}
