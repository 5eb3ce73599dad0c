//! The head of the upgrade, and the frames after it, without a socket.

use super::*;

#[test]
fn only_a_server_that_agrees_to_a_websocket_is_spoken_to() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n\r\n";
    assert_eq!(check_answer(good), Ok(()));
    for (bad, why) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        ("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", "200"),
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
            "no WebSocket",
        ),
        ("SSH-2.0-OpenSSH 101\r\n\r\n", "SSH"),
    ] {
        let error = check_answer(bad).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_head_without_an_end_is_given_up() {
    let error = read_head(&mut io::repeat(b'x')).unwrap_err().to_string();
    assert!(error.contains("no end"), "{error}");
}

#[test]
fn a_ping_of_the_server_is_answered_with_our_next_bytes() {
    let pong = Pong::default();
    let mut wire = Vec::new();
    websocket::encode(&mut wire, Kind::Binary, b"one", None);
    websocket::encode(&mut wire, Kind::Ping, b"?", None);
    websocket::encode(&mut wire, Kind::Binary, b"two", None);
    websocket::encode(&mut wire, Kind::Close, b"", None);
    let mut read = Vec::new();
    let mut reader = Reader::new(&wire[..], Arc::clone(&pong));
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"onetwo");
    let mut sent = Vec::new();
    let mut writer = Writer {
        below: &mut sent,
        pong,
    };
    writer.write_all(b"mine").unwrap();
    let mut decoder = Decoder::new(true);
    // A PONG is no piece; its head is in the clear.
    assert_eq!(sent[..2], [0x8a, 0x81]);
    let piece = decoder.next(&mut &sent[..]).unwrap();
    assert_eq!(piece, Some(Piece::Bytes(b"mine".to_vec())));
}
