//! MACs computed ahead: those of whole frames that lie behind each other, together.

use super::{FrameReader, TOGETHER_BYTES};
use crate::limits::MAC_BYTES;
use crate::sha256::LANES;

/// The MACs that the frames at the beginning of some bytes must have, computed together.
#[derive(Default, Debug)]
pub(crate) struct Foreseen {
    /// In their order.
    macs: Vec<[u8; 32]>,
    /// Sequence of the frame that the first of them is for.
    first: u64,
}

impl Foreseen {
    /// That of the frame with this sequence.
    pub(super) fn mac(&self, sequence: u64) -> Option<&[u8; 32]> {
        let at = sequence.checked_sub(self.first)?;
        self.macs.get(usize::try_from(at).ok()?)
    }
}

impl FrameReader {
    /// Computes the MACs of the frames that come next, if there are enough of one length to do it
    /// together: of `begun`, if that is a whole frame, and those at the beginning of `rest`. They
    /// are for `cut` of the very same bytes and nothing else.
    pub(crate) fn foresee(&self, begun: &[u8], rest: &[u8], foreseen: &mut Foreseen) {
        let (Some(key), true) = (&self.key, self.greeted) else {
            return;
        };
        if foreseen.mac(self.sequence).is_some() {
            return;
        }
        let mut messages: Vec<(u64, &[u8])> = Vec::new();
        let mut left = if begun.is_empty() { rest } else { begun };
        if rest.len() < TOGETHER_BYTES
            || self.length(left).is_ok_and(|count| count < TOGETHER_BYTES)
        {
            return;
        }
        while messages.len() < LANES {
            let Ok(count) = self.length(left) else {
                break;
            };
            let alike = messages
                .first()
                .is_none_or(|(_, one)| one.len() + MAC_BYTES == count);
            let (Some((frame, after)), true) = (left.split_at_checked(count), alike) else {
                break;
            };
            let sequence = self.sequence.saturating_add(messages.len() as u64);
            messages.push((sequence, &frame[..count - MAC_BYTES]));
            left = match (messages.len(), begun.is_empty()) {
                (1, false) => rest,
                _ => after,
            };
        }
        if let Some(macs) = key.sign_all(&messages) {
            foreseen.first = self.sequence;
            foreseen.macs.clear();
            foreseen.macs.extend_from_slice(&macs[..messages.len()]);
        }
    }
}
