//! What a journal must be before its exit record counts.

use std::sync::Arc;

use windlass_protocol::journal::encode;
use windlass_protocol::sha256;

use windlass_protocol::journal::RECORD_HEADER;

use super::*;
use crate::session::pipe::Pipe;
use crate::session::result::EndReason;

/// `begun`, a record of a later version, and the exit with code 0; where the second one begins.
fn stream() -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    encode(RecordKind::Stdout, 1, b"begun\n", &mut bytes);
    let second = bytes.len();
    encode(RecordKind::Unknown(77), 2, b"?", &mut bytes);
    let exit = [
        (b"reason".as_slice(), b"exited".as_slice()),
        (b"exit", b"0"),
    ];
    let mut pairs = Vec::new();
    for (key, value) in exit {
        pairs.push(u8::try_from(key.len()).unwrap());
        pairs.extend_from_slice(key);
        pairs.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
        pairs.extend_from_slice(value);
    }
    encode(RecordKind::Exit, 3, &pairs, &mut bytes);
    (bytes, second)
}

fn journal(from: Mark) -> (Journal, Arc<Pipe>) {
    let pipe = Arc::new(Pipe::default());
    let channel = Channel {
        pipe: Arc::clone(&pipe),
        link: Link::new(),
        is_over: false,
    };
    (Journal::over(channel, from), pipe)
}

async fn exit(journal: &mut Journal) -> CommandResult {
    loop {
        if let JournalPart::Exit(result) = journal.next().await.ok().unwrap() {
            return result;
        }
    }
}

/// How a journal of these bytes with this END is taken.
async fn taken(bytes: &[u8], length: u64, hash: [u8; 32]) -> CommandResult {
    let (mut journal, pipe) = journal(Mark::default());
    pipe.tell_user(|state| {
        state.arrive(bytes.to_vec());
        state.end = Some((length, Some(hash)));
    });
    exit(&mut journal).await
}

#[tokio::test]
async fn an_exit_record_counts_with_the_right_end_only() {
    let (bytes, _) = stream();
    let (length, hash) = (bytes.len() as u64, sha256::digest(&bytes));
    assert!(taken(&bytes, length, hash).await.is_success());

    let mut wrong = hash;
    wrong[31] ^= 1;
    let lost = taken(&bytes, length, wrong).await;
    assert_eq!(lost.reason, EndReason::AgentLost);
    assert!(lost.text.contains("SHA-256"), "{}", lost.text);

    let lost = taken(&bytes, length + 1, hash).await;
    assert_eq!(lost.reason, EndReason::AgentLost);
    assert!(lost.text.contains("ends at"), "{}", lost.text);
}

#[tokio::test]
async fn each_changed_byte_of_output_is_noticed() {
    let (bytes, second) = stream();
    let (length, hash) = (bytes.len() as u64, sha256::digest(&bytes));
    for at in RECORD_HEADER..second {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        let lost = taken(&changed, length, hash).await;
        assert_eq!(lost.reason, EndReason::AgentLost, "byte {at}");
    }
}

#[tokio::test]
async fn a_hash_goes_on_from_what_was_stored() {
    let (bytes, second) = stream();
    let (mut first, pipe) = journal(Mark::default());
    pipe.tell_user(|state| state.arrive(bytes[..second + 3].to_vec()));
    assert!(matches!(
        first.next().await.ok().unwrap(),
        JournalPart::Output(_)
    ));
    let stored = first.mark().state();
    assert_eq!(first.mark().offset, second as u64);

    let mark = Mark::stored(second as u64, Some(&stored)).unwrap();
    let (mut again, pipe) = journal(mark);
    pipe.tell_user(|state| {
        state.arrive(bytes[second..].to_vec());
        state.end = Some((bytes.len() as u64, Some(sha256::digest(&bytes))));
    });
    assert!(exit(&mut again).await.is_success());
    for bad in [None, Some("00"), Some(stored.as_str())] {
        assert!(Mark::stored(second as u64 + 1, bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn an_exit_record_without_its_end_is_no_result() {
    let (bytes, _) = stream();
    // The answer instead of the end.
    let (mut answered, pipe) = journal(Mark::default());
    pipe.tell_user(|state| {
        state.arrive(bytes.clone());
        state.answer = Some(Ok(Boxed::new()));
    });
    assert_eq!(exit(&mut answered).await.reason, EndReason::AgentLost);
    // The connection breaks: over the next one it comes again.
    let (mut cut, pipe) = journal(Mark::default());
    pipe.tell_user(|state| {
        state.arrive(bytes.clone());
        state.lost = true;
    });
    assert!(matches!(
        cut.next().await.ok().unwrap(),
        JournalPart::Output(_)
    ));
    assert!(matches!(cut.next().await, Err(LinkError::Lost)));
    // Nothing at all.
    let (mut silent, _pipe) = journal(Mark::default());
    silent.exit = Some((taken(&bytes, 0, [0; 32]).await, Instant::now()));
    let lost = exit(&mut silent).await;
    assert!(lost.text.contains("never came"), "{}", lost.text);
}
