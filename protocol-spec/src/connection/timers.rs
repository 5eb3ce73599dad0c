//! What a connection does when time passes: the end of a handshake that takes too long, the
//! delayed refusal, PING, and the end of a silent peer.

use super::handshake::Phase;
use super::{CloseReason, Connection};

impl Connection {
    /// The time of `poll_timeout` has come (harmless before).
    pub fn handle_timeout(&mut self, now_ms: u64) {
        match self.phase {
            Phase::Closed => {}
            Phase::Refusing { .. } => self.refuse_if_due(now_ms),
            Phase::Ready => {
                if now_ms >= self.heard_ms.saturating_add(self.timing.dead_ms) {
                    self.close(CloseReason::Silent);
                } else if now_ms >= self.ping_at() {
                    self.pinged_ms = now_ms;
                    self.ping = Some(now_ms.to_be_bytes());
                }
            }
            _ if now_ms >= self.started_ms.saturating_add(self.timing.handshake_ms) => {
                self.close(CloseReason::Silent);
            }
            _ => {}
        }
    }

    /// When `handle_timeout` wants to be called; `None` after the end.
    pub fn poll_timeout(&self) -> Option<u64> {
        match self.phase {
            Phase::Closed => None,
            Phase::Refusing { at_ms } => Some(at_ms),
            Phase::Ready => Some(
                self.ping_at()
                    .min(self.heard_ms.saturating_add(self.timing.dead_ms)),
            ),
            _ => Some(self.started_ms.saturating_add(self.timing.handshake_ms)),
        }
    }

    /// When the next PING is due: after silence, and again after each PING without an answer.
    fn ping_at(&self) -> u64 {
        self.heard_ms
            .max(self.pinged_ms)
            .saturating_add(self.timing.ping_ms)
    }
}
