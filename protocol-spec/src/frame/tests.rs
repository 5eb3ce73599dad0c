//! Frames in and out, with and without MAC.

use super::*;

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
