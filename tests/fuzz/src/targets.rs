//! The targets: each hands bytes to one decoder and checks what every caller relies on.

mod connections;

use windlass_agent::decoders;
use windlass_protocol::boxes::Boxed;
use windlass_protocol::frame::FrameReader;
use windlass_protocol::header::PREAMBLE;
use windlass_protocol::hmac::Hmac;
use windlass_protocol::journal::Decoder;
use windlass_protocol::ops::{ExecResult, Request, parse_list};
use windlass_protocol::path::{CaseClash, RelPath};
use windlass_protocol::tree::{EntryDecoder, NeedList};
use windlass_protocol::websocket;
use windlass_protocol::{AgentHello, Failure, Key, MasterHello};

/// Every target by name.
pub const ALL: &[(&str, fn(&[u8]))] = &[
    ("frame", frame),
    ("box", boxes),
    ("request", request),
    ("hello", hello),
    ("handshake", connections::handshake),
    ("connection", connections::established),
    ("journal", journal),
    ("manifest", manifest),
    ("needs", needs),
    ("path", path),
    ("key", key),
    ("websocket", web_socket),
    ("config", config),
    ("http-head", http_head),
    ("shim", shim),
    ("journal-file", journal_file),
];

fn frame(bytes: &[u8]) {
    for key in [None, Some(Hmac::new(b"key"))] {
        let mut reader = FrameReader::new();
        if let Some(key) = key {
            reader.set_key(key);
        }
        reader.push(PREAMBLE);
        // In two pieces, at a place that the input chooses.
        let at = usize::from(bytes.first().copied().unwrap_or(0)).min(bytes.len());
        for piece in [&bytes[..at], &bytes[at..]] {
            reader.push(piece);
            while let Ok(Some(frame)) = reader.next_frame() {
                assert_eq!(frame.header.length as usize, frame.payload.len());
            }
        }
    }
}

fn boxes(bytes: &[u8]) {
    if let Ok(pairs) = Boxed::decode(bytes) {
        assert_eq!(pairs.encode(), bytes);
        assert_eq!(pairs.encoded_len(), bytes.len());
        let _ = Failure::from_box(&pairs);
        let _ = ExecResult::from_box(&pairs);
        let _ = parse_list(&pairs);
    }
}

fn request(bytes: &[u8]) {
    let Ok(pairs) = Boxed::decode(bytes) else {
        return;
    };
    if let Ok(request) = Request::from_box(&pairs) {
        // What we understood is what we would say.
        let again = Request::from_box(&request.to_box());
        assert!(again.is_ok(), "{request:?} became {again:?}");
    }
}

fn hello(bytes: &[u8]) {
    let Ok(pairs) = Boxed::decode(bytes) else {
        return;
    };
    if let Ok(hello) = AgentHello::from_box(&pairs) {
        assert_eq!(AgentHello::from_box(&hello.to_box()).ok(), Some(hello));
    }
    if let Ok(hello) = MasterHello::from_box(&pairs) {
        assert_eq!(MasterHello::from_box(&hello.to_box()).ok(), Some(hello));
    }
}

fn journal(bytes: &[u8]) {
    let mut decoder = Decoder::starting_at(0);
    let mut end = 0;
    for piece in bytes.chunks(1000) {
        decoder.push(piece);
        while let Ok(Some(record)) = decoder.next_record() {
            assert_eq!(record.start, end);
            end = record.end;
            let _ = (record.exit(), record.tail());
        }
    }
    assert!(end <= bytes.len() as u64);
}

fn manifest(bytes: &[u8]) {
    let mut decoder = EntryDecoder::new();
    let mut clash = CaseClash::new();
    for piece in bytes.chunks(1000) {
        decoder.push(piece);
        while let Ok(Some(entry)) = decoder.next_entry() {
            assert!(!entry.path.is_root());
            let _ = clash.insert(&entry.path);
        }
    }
    if decoder.is_ended() {
        assert!(decoder.into_rest().len() < bytes.len());
    }
}

fn needs(bytes: &[u8]) {
    let Some((files, rest)) = bytes.split_first() else {
        return;
    };
    if let Ok(list) = NeedList::decode(rest, usize::from(*files)) {
        assert_eq!(list.encode(), rest);
    }
}

fn path(bytes: &[u8]) {
    let Ok(path) = RelPath::parse(bytes) else {
        return;
    };
    assert_eq!(path.as_bytes(), bytes);
    for component in path.components() {
        assert!(!component.is_empty() && component != b"." && component != b"..");
    }
    let _ = path.check_windows();
    if let Some(parent) = path.parent() {
        assert!(bytes.starts_with(parent.as_bytes()));
    }
    assert!(
        path.below(&path)
            .is_ok_and(|below| below.as_bytes().starts_with(bytes))
            || bytes.len() > 2000
    );
}

fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(key) = Key::parse(&text) {
        assert_eq!(key.to_text(), text);
    }
    if let Some(token) = windlass_protocol::auth::Token::parse(&text) {
        assert_eq!(token.to_text(), text);
    }
}

fn web_socket(bytes: &[u8]) {
    for of_client in [false, true] {
        let mut decoder = websocket::Decoder::new(of_client);
        let mut given = 0;
        for piece in bytes.chunks(100) {
            let mut input = piece;
            while let Ok(Some(piece)) = decoder.next(&mut input) {
                match piece {
                    websocket::Piece::Bytes(bytes) => given += bytes.len(),
                    websocket::Piece::Ping(bytes) => assert!(bytes.len() <= websocket::CONTROL_MAX),
                    websocket::Piece::Close => {}
                }
            }
        }
        assert!(given <= bytes.len());
    }
}

/// Bytes as text, as far as they are.
fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn config(bytes: &[u8]) {
    let _ = decoders::config_file(&as_text(bytes));
}

fn http_head(bytes: &[u8]) {
    let _ = decoders::http_head(bytes);
}

fn shim(bytes: &[u8]) {
    decoders::shim_boxes(bytes);
}

fn journal_file(bytes: &[u8]) {
    let _ = decoders::journal_file(bytes, 0);
}
