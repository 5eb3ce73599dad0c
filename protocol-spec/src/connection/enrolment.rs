//! A handshake whose key is a one-time token: both sides derive the agent's own key from it, and
//! each stores that before its READY. Who may use which token is the master's business.

use super::handshake::Phase;
use super::{Connection, Event};
use crate::auth::{Key, Transcript};
use crate::error::CallError;
use crate::hello::AgentHello;

/// Master: what was proved and is not answered yet, until the agent's key is stored.
#[derive(Debug)]
pub(super) struct Enrolment {
    /// Who it says it is.
    pub(super) peer: AgentHello,
    /// The token's secret.
    pub(super) secret: Key,
    /// T2.
    pub(super) transcript: Transcript,
}

impl Connection {
    /// Derives the agent's key and lets the program store it. The answer waits: whether it is
    /// a proof or a refusal is known only after that.
    pub(super) fn begin_enrolment(&mut self, enrolment: Enrolment) {
        let auth = Self::proof_of(&enrolment.transcript, &enrolment.secret);
        let key = enrolment
            .transcript
            .then(&auth)
            .enrolled_key(&enrolment.secret);
        self.phase = Phase::Enrolling(enrolment);
        self.events.push_back(Event::Enrolling { key });
    }

    /// Master, after `Event::Enrolling`: the key is stored and the token's use with it.
    pub fn accept_enrolment(&mut self) -> Result<(), CallError> {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Enrolling(enrolment) => {
                let Enrolment {
                    peer,
                    secret,
                    transcript,
                } = enrolment;
                self.answer_proof(peer, &transcript, &secret, 0);
                Ok(())
            }
            other => {
                self.phase = other;
                Err(CallError::NotReady)
            }
        }
    }

    /// Master, after `Event::Enrolling`: the token is used up or not for this agent. The agent
    /// gets the answer that a wrong key gets.
    pub fn refuse_enrolment(&mut self, now_ms: u64) -> Result<(), CallError> {
        if !matches!(self.phase, Phase::Enrolling(_)) {
            return Err(CallError::NotReady);
        }
        self.begin_refusal(now_ms);
        Ok(())
    }
}
