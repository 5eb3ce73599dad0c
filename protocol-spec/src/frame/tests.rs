//! Frames in and out, with and without MAC.

use super::*;
use crate::header::FrameType;

fn read_all(bytes: &[u8]) -> Result<Vec<Frame>, ProtocolError> {
    let mut reader = FrameReader::new();
    reader.push(bytes);
    std::iter::from_fn(|| reader.next_frame().transpose()).collect()
}

#[test]
fn what_is_written_is_read() {
    let mut bytes = PREAMBLE.to_vec();
    let mut writer = FrameWriter::new();
    writer.write(&mut bytes, FrameType::Ping, 0, 0, &[b"1234", b"5678"]);
    writer.write(&mut bytes, FrameType::Data, 1, 7, &[]);
    let frames = read_all(&bytes).unwrap();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].payload, b"12345678");
    assert_eq!(
        frames[1].header,
        Header {
            length: 0,
            tag: 0x12,
            flags: 1,
            channel: 7
        }
    );
}

#[test]
fn the_limit_changes_with_the_keys() {
    for (keyed, most) in [
        (false, limits::FRAME_BEFORE_AUTH_MAX),
        (true, limits::FRAME_MAX),
    ] {
        for (length, fits) in [(most, true), (most + 1, false)] {
            let mut bytes = PREAMBLE.to_vec();
            let (mut reader, mut writer) = (FrameReader::new(), FrameWriter::new());
            if keyed {
                reader.set_key(Hmac::new(b"k"));
                writer.set_key(Hmac::new(b"k"));
            }
            writer.write(&mut bytes, FrameType::Ping, 0, 0, &[&vec![0; length]]);
            reader.push(&bytes);
            assert_eq!(reader.next_frame().is_ok(), fits, "{length} {keyed}");
        }
    }
}

#[test]
fn the_sequence_counts_frames_with_a_mac_only() {
    let mut bytes = PREAMBLE.to_vec();
    let (mut reader, mut writer) = (FrameReader::new(), FrameWriter::new());
    writer.write(&mut bytes, FrameType::Hello, 0, 0, &[]);
    reader.push(&bytes);
    reader.next_frame().unwrap().unwrap();
    assert_eq!((reader.sequence(), writer.sequence()), (0, 0));
    reader.set_key(Hmac::new(b"k"));
    writer.set_key(Hmac::new(b"k"));
    for n in 1..5 {
        bytes.clear();
        writer.write(&mut bytes, FrameType::Ping, 0, 0, &[]);
        reader.push(&bytes);
        reader.next_frame().unwrap().unwrap();
        assert_eq!((reader.sequence(), writer.sequence()), (n, n));
    }
}

#[test]
fn the_sequence_never_wraps() {
    for (sequence, fits) in [
        (limits::SEQUENCE_MAX - 1, true),
        (limits::SEQUENCE_MAX, false),
    ] {
        let (mut reader, mut writer) = (FrameReader::new(), FrameWriter::new());
        reader.set_key_at(Hmac::new(b"k"), sequence);
        writer.set_key_at(Hmac::new(b"k"), sequence);
        let mut bytes = PREAMBLE.to_vec();
        writer.write(&mut bytes, FrameType::Ping, 0, 0, &[]);
        reader.push(&bytes);
        assert_eq!(reader.next_frame().is_ok(), fits);
    }
}

/// Frames of a stream and a small one among them, with their MACs: some of them computed together.
fn many_frames() -> (Vec<u8>, Vec<usize>) {
    let mut writer = FrameWriter::new();
    writer.set_key_at(Hmac::new(b"k"), 77);
    let mut out = Vec::new();
    let mut ends = Vec::new();
    for number in 0..40_u64 {
        let bytes: Vec<u8> = (0..5000_u64)
            .map(|at| ((at * (number + 3)) >> 3) as u8)
            .collect();
        match number {
            // Between them one of another length, and one whose bytes are hashed beside.
            3 | 23 => writer.write(&mut out, FrameType::Ping, 0, 0, &[&bytes[..8]]),
            30 => writer.write_bytes(&mut out, 5, 1, &bytes, Some(&mut Sha256::new())),
            _ => writer.write_bytes(&mut out, 5, number, &bytes, None),
        }
        ends.push(out.len());
    }
    writer.sign(&mut out);
    assert_eq!(writer.sequence(), 77 + 40);
    (out, ends)
}

fn keyed_reader() -> FrameReader {
    let mut reader = FrameReader::new();
    reader.greeted = true;
    reader.set_key_at(Hmac::new(b"k"), 77);
    reader
}

/// How many frames are genuine, with their MACs computed ahead wherever there are enough of them.
fn count_genuine(bytes: &[u8], begun: usize) -> usize {
    let mut reader = keyed_reader();
    let mut foreseen = Foreseen::default();
    let (mut begun, mut rest) = bytes.split_at(begun);
    let mut count = 0;
    loop {
        reader.foresee(begun, rest, &mut foreseen);
        let from = if begun.is_empty() {
            &mut rest
        } else {
            &mut begun
        };
        match reader.cut(from, &foreseen, |_| None) {
            Ok(Some(cut)) => *from = &from[cut.count..],
            Ok(None) | Err(ProtocolError::BadMac) => return count,
            Err(error) => panic!("{error}"),
        }
        count += 1;
    }
}

#[test]
fn frames_signed_together_are_those_signed_one_by_one() {
    let (bytes, ends) = many_frames();
    let mut reader = keyed_reader();
    reader.push(&bytes);
    let frames = std::iter::from_fn(|| reader.next_frame().unwrap()).count();
    assert_eq!(frames, ends.len());
    assert_eq!(count_genuine(&bytes, 0), ends.len());
    assert_eq!(count_genuine(&bytes, ends[0]), ends.len());
}

#[test]
fn a_flipped_bit_anywhere_among_frames_checked_together_stops_the_stream_at_its_frame() {
    let (bytes, ends) = many_frames();
    for frame in 0..ends.len() {
        let begin = frame.checked_sub(1).map_or(0, |before| ends[before]);
        // In the offset or what follows it, in the middle, and in the MAC.
        for at in [
            begin + HEADER_BYTES,
            (begin + ends[frame]) / 2,
            ends[frame] - 1,
        ] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(count_genuine(&flipped, 0), frame, "byte {at}");
        }
    }
}

#[test]
fn two_frames_in_each_others_place_are_not_genuine() {
    let (bytes, ends) = many_frames();
    let mut swapped = bytes.clone();
    swapped[ends[5]..ends[6]].copy_from_slice(&bytes[ends[6]..ends[7]]);
    swapped[ends[6]..ends[7]].copy_from_slice(&bytes[ends[5]..ends[6]]);
    assert_eq!(count_genuine(&swapped, 0), 6);
}
