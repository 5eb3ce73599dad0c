//! Frames of a WebSocket: the examples of the RFC, any cut, and what is refused.

use super::*;

/// Decodes everything, `step` bytes at a time.
fn decode(bytes: &[u8], of_client: bool, step: usize) -> Result<(Vec<u8>, Vec<Piece>), BadFrame> {
    let mut decoder = Decoder::new(of_client);
    let (mut stream, mut others) = (Vec::new(), Vec::new());
    for mut piece in bytes.chunks(step) {
        while let Some(piece) = decoder.next(&mut piece)? {
            match piece {
                Piece::Bytes(bytes) => stream.extend_from_slice(&bytes),
                other => others.push(other),
            }
        }
        assert!(piece.is_empty(), "bytes were left");
    }
    Ok((stream, others))
}

#[test]
fn the_examples_of_the_rfc_come_out() {
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(
        decode(&ping, false, 7).unwrap().1,
        [Piece::Ping(b"Hello".to_vec())]
    );
    // The masked text of the RFC, as a PONG, which carries nothing.
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(decode(&pong, true, 11).unwrap(), (Vec::new(), Vec::new()));
    let mut out = Vec::new();
    encode(
        &mut out,
        Kind::Pong,
        b"Hello",
        Some([0x37, 0xfa, 0x21, 0x3d]),
    );
    assert_eq!(out, pong);
}

#[test]
fn a_stream_survives_any_cut_with_control_frames_between() {
    for (of_client, mask) in [(true, Some([1, 2, 3, 250])), (false, None)] {
        let mut wire = Vec::new();
        let mut sent = Vec::new();
        for (turn, size) in [1, 0, 125, 126, 127, 65_535, 65_536, 3]
            .into_iter()
            .enumerate()
        {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + turn) as u8).collect();
            encode(&mut wire, Kind::Binary, &bytes, mask);
            encode(&mut wire, Kind::Ping, &[turn as u8], mask);
            sent.extend_from_slice(&bytes);
        }
        encode(&mut wire, Kind::Close, &[3, 232], mask);
        for step in [1, 2, 3, 5, 1000, wire.len()] {
            let (stream, others) = decode(&wire, of_client, step).unwrap();
            assert!(stream == sent, "step {step}");
            assert_eq!((others.len(), others.last()), (9, Some(&Piece::Close)));
        }
    }
}

#[test]
fn a_message_in_parts_is_one_stream() {
    let wire = [0x02, 1, b'a', 0x89, 0, 0x00, 1, b'b', 0x80, 1, b'c'];
    let (stream, others) = decode(&wire, false, 1).unwrap();
    assert_eq!((&stream[..], others.len()), (&b"abc"[..], 1));
}

#[test]
fn what_is_no_plain_binary_stream_is_refused() {
    for (wire, of_client, what) in [
        (&[0xc2, 0][..], false, "extension"),
        (&[0x81, 0], false, "other than binary"),
        (&[0x83, 0], false, "other than binary"),
        (&[0x80, 0], false, "out of turn"),
        (&[0x02, 0, 0x82, 0], false, "out of turn"),
        (&[0x82, 0x80, 0, 0, 0, 0], false, "mask"),
        (&[0x82, 0], true, "mask"),
        (&[0x09, 0], false, "control"),
        (&[0x89, 126, 0, 126], false, "control"),
    ] {
        let error = decode(wire, of_client, 1).unwrap_err().to_string();
        assert!(error.contains(what), "{wire:?}: {error}");
    }
}

#[test]
fn a_claimed_length_allocates_nothing() {
    let mut decoder = Decoder::new(false);
    let mut wire = &[0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, b'x'][..];
    assert_eq!(
        decoder.next(&mut wire).unwrap(),
        Some(Piece::Bytes(b"x".to_vec()))
    );
    assert_eq!(decoder.next(&mut wire).unwrap(), None);
}

#[test]
fn base64_is_that_of_the_rfcs() {
    // RFC 4648, section 10, and the key of RFC 6455, section 1.3.
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("the sample nonce", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}
