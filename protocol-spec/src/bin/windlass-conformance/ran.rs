//! What a journal says, and whether it is one.

use std::collections::BTreeMap;

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{ExecResult, Reason};

use crate::fault::{Outcome, broken, ensure, same};

/// A whole journal, read.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
    /// Bytes of followed files, by number.
    pub(crate) tails: BTreeMap<u8, Vec<u8>>,
    pub(crate) starts: usize,
    pub(crate) result: ExecResult,
}

impl Ran {
    /// Reads a complete journal; one that ends early or goes on after its exit record is a fault.
    pub(crate) fn parse(journal: &[u8]) -> Outcome<Self> {
        let mut decoder = Decoder::starting_at(0);
        decoder.push(journal);
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut tails: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        let (mut starts, mut result, mut count) = (0, None, 0);
        while let Some(record) = decoder.next_record()? {
            count += 1;
            match record.kind {
                RecordKind::Stdout => output.extend_from_slice(&record.bytes),
                RecordKind::Stderr => errors.extend_from_slice(&record.bytes),
                RecordKind::Tail => {
                    let (number, bytes) = record.tail()?;
                    tails.entry(number).or_default().extend_from_slice(bytes);
                }
                RecordKind::Started => {
                    ensure(count == 1, "`started` must be the first record")?;
                    starts += 1;
                }
                RecordKind::Exit => result = Some(record.exit()?),
                _ => {}
            }
        }
        same(
            "end of the last record",
            decoder.boundary(),
            journal.len() as u64,
        )?;
        match result {
            Some(result) => Ok(Self {
                output,
                errors,
                tails,
                starts,
                result,
            }),
            None => broken("the journal has no exit record"),
        }
    }

    /// Fails unless it was started once and exited by itself with this code.
    pub(crate) fn exited(&self, code: u32) -> Outcome {
        same("reason", self.result.reason, Reason::Exited)?;
        same("exit code", self.result.exit, Some(code))?;
        same("number of `started` records", self.starts, 1)
    }

    /// Fails unless it was started once and ended for this reason.
    pub(crate) fn ended(&self, reason: Reason) -> Outcome {
        same("reason", self.result.reason, reason)?;
        same("number of `started` records", self.starts, 1)
    }
}
