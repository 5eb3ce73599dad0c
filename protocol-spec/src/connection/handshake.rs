//! From the first byte to READY: agent's HELLO, master's HELLO, agent's AUTH, master's AUTH, in
//! this order and nothing between them; then READY each way, with a MAC.

use super::enrolment::Enrolment;
use super::{CloseReason, Connection, Event, Role};
use crate::auth::{Key, Transcript, matching_key};
use crate::boxes::Boxed;
use crate::error::{CallError, Code, Failure, ProtocolError};
use crate::frame::{Frame, FrameWriter};
use crate::header::{FrameType, PREAMBLE};
use crate::hello::{AgentHello, MasterHello};
use crate::ids::CommandState;
use crate::limits::{COMMANDS_MAX, KEYS_MAX};
use crate::ops;

/// How far the connection is.
#[derive(Debug)]
pub(super) enum Phase {
    /// Waiting for the peer's HELLO.
    Hello,
    /// Agent: waiting for the master's proof.
    MasterProof {
        transcript: Transcript,
        peer: MasterHello,
    },
    /// Master: waiting for the agent's proof and for its keys, in any order.
    AgentProof {
        transcript: Transcript,
        peer: AgentHello,
        keys: Option<Vec<Key>>,
        auth: Option<Frame>,
    },
    /// Master: the refusal waits for its time.
    Refusing { at_ms: u64 },
    /// Master: a token was proved; waiting until the agent's new key is stored.
    Enrolling(Enrolment),
    /// Agent: keys stand, waiting for the master's READY. With the key of an enrolment.
    MasterReady {
        peer: MasterHello,
        enrolled: Option<Key>,
    },
    /// Agent: waiting for its program's list of commands.
    Announcing,
    /// Master: keys stand, waiting for the agent's READY.
    AgentReady { peer: AgentHello, key_index: usize },
    /// Channels may be opened.
    Ready,
    /// Over.
    Closed,
}

impl Connection {
    /// Writes preamble and HELLO into the bytes to be sent and remembers the frame.
    pub(super) fn say_hello(&mut self) {
        let mut pairs = match &self.role {
            Role::Agent { hello, .. } => hello.to_box(),
            Role::Master { hello } => hello.to_box(),
        };
        pairs.push("nonce", self.nonce);
        self.grease.add(&mut pairs);
        self.out.extend_from_slice(PREAMBLE);
        let start = self.out.len();
        self.writer
            .write(&mut self.out, FrameType::Hello, 0, 0, &[&pairs.encode()]);
        self.hello_frame = self.out[start..].to_vec();
    }

    /// Takes one frame of the handshake. Anything out of the fixed sequence is an error.
    pub(super) fn handle_handshake(
        &mut self,
        now_ms: u64,
        frame: Frame,
    ) -> Result<(), ProtocolError> {
        let kind = FrameType::parse(frame.header.tag);
        if frame.header.channel != 0 || frame.header.flags != 0 {
            return Err(ProtocolError::Unexpected(
                "channel or flags in the handshake",
            ));
        }
        let is_agent = matches!(self.role, Role::Agent { .. });
        let before_proof = matches!(self.phase, Phase::Hello | Phase::MasterProof { .. });
        if kind == Some(FrameType::Goaway) && is_agent && before_proof {
            return self.handle_refusal(&frame);
        }
        match (std::mem::replace(&mut self.phase, Phase::Closed), kind) {
            (Phase::Hello, Some(FrameType::Hello)) => match is_agent {
                true => self.handle_master_hello(&frame),
                false => self.handle_agent_hello(now_ms, &frame),
            },
            (Phase::MasterProof { transcript, peer }, Some(FrameType::Auth)) => {
                self.handle_master_proof(transcript, peer, &frame)
            }
            (
                Phase::AgentProof {
                    transcript,
                    peer,
                    keys,
                    auth: None,
                },
                Some(FrameType::Auth),
            ) => {
                read_proofs(&read_box(&frame)?)?;
                self.phase = Phase::AgentProof {
                    transcript,
                    peer,
                    keys,
                    auth: Some(frame),
                };
                self.check_agent_proof(now_ms)
            }
            (Phase::MasterReady { peer, enrolled }, Some(FrameType::Ready)) => {
                read_box(&frame)?;
                self.phase = Phase::Announcing;
                self.heard_ms = now_ms;
                self.events
                    .extend(enrolled.map(|key| Event::Enrolled { key }));
                self.events.push_back(Event::Proven(peer));
                Ok(())
            }
            (Phase::AgentReady { peer, key_index }, Some(FrameType::Ready)) => {
                let commands = ops::parse_list(&read_box(&frame)?)
                    .map_err(|_| ProtocolError::Malformed("the list of commands in READY"))?;
                self.phase = Phase::Ready;
                self.heard_ms = now_ms;
                self.events.push_back(Event::Ready {
                    hello: peer,
                    commands,
                    key_index,
                });
                Ok(())
            }
            _ => Err(ProtocolError::Unexpected(
                "a frame out of the order of the handshake",
            )),
        }
    }

    fn handle_agent_hello(&mut self, now_ms: u64, frame: &Frame) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        let peer = AgentHello::from_box(&pairs).map_err(|_| BAD_HELLO)?;
        self.check_nonce(&pairs)?;
        self.hello_ms = now_ms;
        self.say_hello();
        let transcript = Transcript::of_hellos(&raw(frame), &self.hello_frame);
        self.events.push_back(Event::Hello(peer.clone()));
        self.phase = Phase::AgentProof {
            transcript,
            peer,
            keys: None,
            auth: None,
        };
        Ok(())
    }

    fn handle_master_hello(&mut self, frame: &Frame) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        let peer = MasterHello::from_box(&pairs).map_err(|_| BAD_HELLO)?;
        self.check_nonce(&pairs)?;
        let transcript = Transcript::of_hellos(&self.hello_frame, &raw(frame));
        let Role::Agent { keys, .. } = &self.role else {
            return Err(BAD_HELLO);
        };
        let mut auth = Boxed::new();
        keys.iter()
            .for_each(|key| auth.push("mac", transcript.agent_proof(key)));
        let start = self.out.len();
        self.writer
            .write(&mut self.out, FrameType::Auth, 0, 0, &[&auth.encode()]);
        let transcript = transcript.then(&self.out[start..]);
        self.phase = Phase::MasterProof { transcript, peer };
        Ok(())
    }

    /// Nothing ignorable: an all-zero nonce is no nonce, and our own would be a reflection.
    fn check_nonce(&self, pairs: &Boxed) -> Result<(), ProtocolError> {
        match pairs.first("nonce") {
            Some(nonce) if nonce.len() == 32 && nonce != [0; 32] && nonce != self.nonce => Ok(()),
            _ => Err(ProtocolError::Malformed("the nonce in HELLO")),
        }
    }

    pub(super) fn store_keys(&mut self, now_ms: u64, given: Vec<Key>) -> Result<(), CallError> {
        match &mut self.phase {
            Phase::AgentProof {
                keys: keys @ None, ..
            } => *keys = Some(given),
            _ => return Err(CallError::NotReady),
        }
        if let Err(error) = self.check_agent_proof(now_ms) {
            self.fail(error);
        }
        Ok(())
    }

    /// Decides once both the proof and the keys are there.
    fn check_agent_proof(&mut self, now_ms: u64) -> Result<(), ProtocolError> {
        let (transcript, peer, keys, auth) = match std::mem::replace(&mut self.phase, Phase::Closed)
        {
            Phase::AgentProof {
                transcript,
                peer,
                keys: Some(keys),
                auth: Some(auth),
            } => (transcript, peer, keys, auth),
            other => {
                self.phase = other;
                return Ok(());
            }
        };
        let pairs = read_box(&auth)?;
        let proofs = read_proofs(&pairs)?;
        let Some(key_index) = matching_key(&keys, &proofs, |key| transcript.agent_proof(key))
        else {
            self.begin_refusal(now_ms);
            return Ok(());
        };
        let transcript = transcript.then(&raw(&auth));
        let key = &keys[key_index];
        if peer.enroll.is_some() {
            self.begin_enrolment(Enrolment {
                peer,
                secret: key.clone(),
                transcript,
            });
        } else {
            self.answer_proof(peer, &transcript, key, key_index);
        }
        Ok(())
    }

    /// The master's AUTH frame, given T2.
    pub(super) fn proof_of(transcript: &Transcript, key: &Key) -> Vec<u8> {
        let mut answer = Boxed::new();
        answer.push("mac", transcript.master_proof(key));
        let mut frame = Vec::new();
        // The handshake's frames have no mac, so any writer writes the same bytes.
        FrameWriter::new().write(&mut frame, FrameType::Auth, 0, 0, &[&answer.encode()]);
        frame
    }

    /// Sends the master's proof over T2 and its READY.
    pub(super) fn answer_proof(
        &mut self,
        peer: AgentHello,
        transcript: &Transcript,
        key: &Key,
        key_index: usize,
    ) {
        let auth = Self::proof_of(transcript, key);
        self.out.extend_from_slice(&auth);
        let session = transcript.then(&auth).session_keys(key);
        self.reader.set_key(session.agent);
        self.writer.set_key(session.master);
        let mut ready = Boxed::new();
        self.grease.add(&mut ready);
        self.writer
            .write(&mut self.out, FrameType::Ready, 0, 0, &[&ready.encode()]);
        self.phase = Phase::AgentReady { peer, key_index };
    }

    fn handle_master_proof(
        &mut self,
        transcript: Transcript,
        peer: MasterHello,
        frame: &Frame,
    ) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        let proofs = read_proofs(&pairs)?;
        let Role::Agent { keys, hello } = &self.role else {
            return Err(BAD_HELLO);
        };
        let found = matching_key(keys, &proofs, |key| transcript.master_proof(key));
        let Some(key) = found.map(|index| &keys[index]) else {
            self.close(CloseReason::AuthFailed);
            return Ok(());
        };
        let transcript = transcript.then(&raw(frame));
        let session = transcript.session_keys(key);
        let is_token = hello.enroll.is_some();
        let enrolled = is_token.then(|| transcript.enrolled_key(key));
        self.reader.set_key(session.master);
        self.writer.set_key(session.agent);
        self.phase = Phase::MasterReady { peer, enrolled };
        Ok(())
    }

    pub(super) fn say_ready(&mut self, commands: &[CommandState]) -> Result<(), CallError> {
        if !matches!(self.phase, Phase::Announcing) {
            return Err(CallError::NotReady);
        }
        if commands.len() > COMMANDS_MAX {
            return Err(CallError::TooLarge);
        }
        let mut pairs = ops::list_result(commands);
        self.grease.add(&mut pairs);
        self.writer
            .write(&mut self.out, FrameType::Ready, 0, 0, &[&pairs.encode()]);
        self.phase = Phase::Ready;
        Ok(())
    }

    /// Refuses the agent, not before the time at which everybody is refused.
    pub(super) fn begin_refusal(&mut self, now_ms: u64) {
        self.phase = Phase::Refusing {
            at_ms: self.hello_ms + self.timing.refusal_ms,
        };
        self.refuse_if_due(now_ms);
    }

    /// Sends the one answer for wrong keys and unknown names when its time has come.
    pub(super) fn refuse_if_due(&mut self, now_ms: u64) {
        let Phase::Refusing { at_ms } = self.phase else {
            return;
        };
        if now_ms >= at_ms {
            let text = "unknown agent or wrong key";
            let pairs = Failure::new(Code::AuthFailed, text).to_box();
            self.writer
                .write(&mut self.out, FrameType::Goaway, 0, 0, &[&pairs.encode()]);
            self.close(CloseReason::AuthFailed);
        }
    }

    fn handle_refusal(&mut self, frame: &Frame) -> Result<(), ProtocolError> {
        let pairs = read_box(frame)?;
        let Failure { code, text, .. } = Failure::from_box(&pairs);
        let retry_ms = pairs.number("retry_ms").ok().flatten().unwrap_or(0);
        self.close(CloseReason::Refused {
            code,
            text,
            retry_ms,
        });
        Ok(())
    }
}

const BAD_HELLO: ProtocolError = ProtocolError::Malformed("HELLO");

/// The frame as it came over the wire, without the MAC that handshake frames do not have.
fn raw(frame: &Frame) -> Vec<u8> {
    [frame.header.encode().as_slice(), &frame.payload].concat()
}

fn read_box(frame: &Frame) -> Result<Boxed, ProtocolError> {
    let pairs = Boxed::decode(&frame.payload)
        .map_err(|_| ProtocolError::Malformed("a box of the handshake"))?;
    pairs
        .check_understood(&[])
        .map_err(|_| ProtocolError::Malformed("a marked key in the handshake is not known"))?;
    Ok(pairs)
}

fn read_proofs(pairs: &Boxed) -> Result<Vec<&[u8]>, ProtocolError> {
    let proofs: Vec<&[u8]> = pairs.all("mac").collect();
    let fits = (1..=KEYS_MAX).contains(&proofs.len()) && proofs.iter().all(|mac| mac.len() == 32);
    if fits {
        Ok(proofs)
    } else {
        Err(ProtocolError::Malformed("`mac` in AUTH"))
    }
}
