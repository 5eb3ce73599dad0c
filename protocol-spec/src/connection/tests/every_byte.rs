//! A whole session of more than 50,000 bytes, cut once at every byte of it, in both directions:
//! a command with input and output and a file, taken up again after the cut. Both programs are
//! models without I/O; what they promise is what real ones must.

mod model;

use super::*;
use model::{Agent, Master};

/// What the session moves. Prime numbers, so that no cut falls together with a round offset.
const OUTPUT_BYTES: u32 = 36_007;
const INPUT_BYTES: u32 = 6_007;
const FILE_BYTES: u32 = 9_001;

/// What is carried out and must be so at the end, whatever breaks.
pub(super) struct Plan {
    /// The journal up to where the command waits for its input to end.
    pub(super) first: Vec<u8>,
    /// The whole journal.
    pub(super) journal: Vec<u8>,
    pub(super) journal_hash: [u8; 32],
    pub(super) input: Vec<u8>,
    pub(super) input_hash: [u8; 32],
    pub(super) file: Vec<u8>,
    pub(super) file_hash: [u8; 32],
}

impl Plan {
    fn new() -> Self {
        use crate::journal::{self, RecordKind};
        let pattern = |count: u32, step: u32| -> Vec<u8> {
            (0..count).map(|n| (n * step / 13) as u8).collect()
        };
        let mut first = Vec::new();
        journal::encode_started(4711, &mut first);
        for piece in pattern(OUTPUT_BYTES, 31).chunks(777) {
            journal::encode(RecordKind::Stdout, 5, piece, &mut first);
        }
        let mut journal = first.clone();
        journal::encode(
            RecordKind::Stderr,
            8,
            b"the input has ended\n",
            &mut journal,
        );
        let result = crate::ops::ExecResult {
            exit: Some(0),
            ..crate::ops::ExecResult::new(crate::ops::Reason::Exited)
        };
        journal::encode_exit(9, &result, &mut journal);
        let (input, file) = (pattern(INPUT_BYTES, 29), pattern(FILE_BYTES, 17));
        Self {
            journal_hash: digest(&journal),
            input_hash: digest(&input),
            file_hash: digest(&file),
            first,
            journal,
            input,
            file,
        }
    }
}

/// What is lost when the connection breaks: the rest of the block that was on its way, and
/// whatever else was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Up,
    Down,
}

/// Carries one connection from beginning to end, or until `left` bytes were delivered to the
/// side's receiver. Tells how many were, each way.
fn connect(agent: &mut Agent, master: &mut Master, cut: Option<(Side, usize)>) -> [usize; 2] {
    let mut delivered = [0, 0];
    loop {
        let (up, down) = (agent.transmit(), master.transmit());
        if up.is_none() && down.is_none() {
            assert!(cut.is_none(), "the session is shorter than the cut");
            return delivered;
        }
        for (side, bytes) in [(Side::Up, up), (Side::Down, down)] {
            let Some(bytes) = bytes else {
                continue;
            };
            let count = &mut delivered[usize::from(side == Side::Down)];
            let most = match cut {
                Some((cut_side, at)) if cut_side == side => bytes.len().min(at - *count),
                _ => bytes.len(),
            };
            *count += most;
            match side {
                Side::Up => master.receive(&bytes[..most]),
                Side::Down => agent.receive(&bytes[..most]),
            }
            if cut == Some((side, *count)) {
                agent.hang_up();
                master.hang_up();
                return delivered;
            }
        }
    }
}

/// The session with this cut, then on to its end.
fn run_cut(plan: &Plan, side: Side, at: usize) {
    let (mut agent, mut master) = (Agent::new(plan), Master::new(plan));
    connect(&mut agent, &mut master, Some((side, at)));
    master.check_so_far();
    agent.reconnect(2);
    master.reconnect(2);
    connect(&mut agent, &mut master, None);
    master.check_end();
    agent.check_end();
}

#[test]
fn a_session_cut_at_any_byte_goes_on_and_no_part_passes_for_the_whole() {
    let plan = Plan::new();
    let (mut agent, mut master) = (Agent::new(&plan), Master::new(&plan));
    let [up, down] = connect(&mut agent, &mut master, None);
    master.check_end();
    agent.check_end();
    assert!(up + down >= 50_000, "only {up} + {down} bytes");
    // Every byte of both directions; two threads, because this is much hashing.
    let halves = [0, 1].map(|half| {
        let plan = &plan;
        move || {
            (half..up)
                .step_by(2)
                .for_each(|at| run_cut(plan, Side::Up, at));
            (half..down)
                .step_by(2)
                .for_each(|at| run_cut(plan, Side::Down, at));
        }
    });
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(half);
        }
    });
}
