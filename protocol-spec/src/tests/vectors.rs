//! Boxes, frames, journals and trees of `vectors/`.

use super::read;
use crate::auth::{Key, Transcript};
use crate::boxes::Boxed;
use crate::error::ProtocolError;
use crate::frame::{FrameReader, FrameWriter};
use crate::hmac::Hmac;
use crate::journal::Decoder;
use crate::ops::Request;
use crate::path::RelPath;
use crate::tree::{EntryDecoder, NeedList};
use crate::{hex, sha256};

#[test]
fn boxes_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/boxes.txt")) {
        let bytes = vector.bytes("hex");
        let result = Boxed::decode(&bytes);
        if vector.first("reject").is_some() {
            assert!(result.is_err(), "{vector:?}");
            continue;
        }
        let pairs = result.unwrap_or_else(|error| panic!("{error}: {vector:?}"));
        let shown: Vec<String> = pairs
            .pairs()
            .map(|(key, value)| format!("{key} \"{}\"", value.escape_ascii()))
            .collect();
        assert_eq!(shown, vector.all("pair"));
        assert_eq!(pairs.encode(), bytes);
    }
}

#[test]
fn frames_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/frames.txt")) {
        let mut reader = FrameReader::new();
        reader.push(b"WNDLS/1\n");
        let mut writer = FrameWriter::new();
        if vector.first("key").is_some() {
            let sequence: u64 = vector.first("sequence").unwrap().parse().unwrap();
            let key = Hmac::new(&vector.bytes("key"));
            reader.set_key_at(key.clone(), sequence);
            writer.set_key_at(key, sequence);
        }
        let bytes = vector.bytes("hex");
        reader.push(&bytes);
        let result = reader.next_frame();
        match vector.first("reject") {
            Some("too-big") => {
                assert!(
                    matches!(result, Err(ProtocolError::FrameTooBig(_))),
                    "{vector:?}"
                );
            }
            Some("mac") => assert_eq!(result, Err(ProtocolError::BadMac), "{vector:?}"),
            Some("more") => assert_eq!(result, Ok(None), "{vector:?}"),
            Some(other) => panic!("{other}"),
            None => {
                let frame = result.unwrap().unwrap_or_else(|| panic!("{vector:?}"));
                let header = frame.header;
                let shown = format!(
                    "type={} flags={} channel={} payload={}",
                    header.tag,
                    header.flags,
                    header.channel,
                    hex::encode(&frame.payload)
                );
                assert_eq!(Some(shown.as_str()), vector.first("frame"));
                let mut again = Vec::new();
                let parts = [frame.payload.as_slice()];
                writer.write_raw(&mut again, header.tag, header.flags, header.channel, &parts);
                assert_eq!(again, bytes);
            }
        }
    }
}

#[test]
fn journals_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/journal.txt")) {
        let mut decoder = Decoder::starting_at(0);
        decoder.push(&vector.bytes("hex"));
        let mut shown = Vec::new();
        let failed = loop {
            match decoder.next_record() {
                Ok(Some(record)) => {
                    let bytes = record.bytes.escape_ascii();
                    shown.push(format!(
                        "{} {} \"{bytes}\"",
                        record.kind.as_byte(),
                        record.ms
                    ));
                }
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert_eq!(failed, vector.first("reject").is_some(), "{vector:?}");
        if !failed {
            assert_eq!(shown, vector.all("record"));
        }
    }
}

#[test]
fn trees_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/trees.txt")) {
        let mut decoder = EntryDecoder::new();
        decoder.push(&vector.bytes("hex"));
        let mut shown = Vec::new();
        let result = loop {
            match decoder.next_entry() {
                Ok(Some(entry)) => {
                    let mut line = format!(
                        "{} \"{}\"",
                        entry.kind.as_str(),
                        entry.path.as_bytes().escape_ascii()
                    );
                    if entry.kind == crate::tree::Kind::File {
                        let x = if entry.executable { "x" } else { "-" };
                        let hash = entry.sha256.map_or("-".into(), |hash| hex::encode(&hash));
                        line += &format!(" {x} {} {hash}", entry.size);
                    }
                    if let Some(target) = entry.target {
                        line += &format!(" \"{}\"", target.escape_ascii());
                    }
                    shown.push(line);
                }
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure.code.as_str()),
            }
        };
        assert_eq!(result.err(), vector.first("reject"), "{vector:?}");
        if result.is_ok() {
            assert_eq!(shown, vector.all("entry"));
            assert!(decoder.is_ended());
            assert_eq!(decoder.into_rest(), vector.bytes("rest"));
        }
    }
}

#[test]
fn need_lists_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/needs.txt")) {
        let files = vector.first("files").unwrap().parse().unwrap();
        let bytes = vector.bytes("hex");
        match NeedList::decode(&bytes, files) {
            Err(failure) => assert_eq!(Some(failure.code.as_str()), vector.first("reject")),
            Ok(list) => {
                let bits: String = list.iter().map(|bit| if bit { '1' } else { '0' }).collect();
                assert_eq!(Some(bits.as_str()), vector.first("bits"), "{vector:?}");
                assert_eq!(Some(list.have().to_string().as_str()), vector.first("have"));
                assert_eq!(list.encode(), bytes);
            }
        }
    }
}

#[test]
fn transcripts_and_keys_are_as_the_session_says() {
    let [session] = read(include_str!("../../vectors/session.txt"))
        .try_into()
        .unwrap();
    let frame = |lines: &[&str], at: usize| hex::decode(lines[at].as_bytes()).unwrap();
    let (up, down) = (session.all("up"), session.all("down"));
    let key = Key::from_bytes(session.array("key"));
    let t1 = Transcript::of_hellos(&frame(&up, 1), &frame(&down, 1));
    let t2 = t1.then(&frame(&up, 2));
    let t3 = t2.then(&frame(&down, 2));
    assert_eq!(
        [t1, t2, t3].map(|t| t.as_bytes()),
        ["t1", "t2", "t3"].map(|name| session.array::<32>(name))
    );
    assert!(up[2].ends_with(&hex::encode(&t1.agent_proof(&key))));
    assert!(down[2].ends_with(&hex::encode(&t2.master_proof(&key))));
    let keys = t3.session_keys(&key);
    for (mac, name) in [(keys.agent, "key_up"), (keys.master, "key_down")] {
        assert_eq!(
            mac.sign(&[b"x"]),
            Hmac::new(&session.bytes(name)).sign(&[b"x"])
        );
    }
    let end = &up[up.len() - 3][2 * (10 + 8)..2 * (10 + 8 + 32)];
    assert_eq!(end, hex::encode(&sha256::digest(&session.bytes("journal"))));
}

#[test]
fn requests_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/requests.txt")) {
        let pairs = Boxed::decode(&vector.bytes("hex")).unwrap();
        let result = Request::from_box(&pairs);
        let code = result.as_ref().err().map(|failure| failure.code.as_str());
        assert_eq!(code, vector.first("reject"), "{vector:?}: {result:?}");
        if let Ok(Request::Exec(exec)) = result {
            let digest = hex::encode(&exec.digest());
            assert_eq!(Some(digest.as_str()), vector.first("digest"), "{vector:?}");
        }
    }
}

#[test]
fn paths_are_as_the_vectors_say() {
    for vector in read(include_str!("../../vectors/paths.txt")) {
        let path = RelPath::parse(&vector.bytes("hex"));
        let said = |name| vector.first(name) == Some("yes");
        assert_eq!(path.is_ok(), said("unix"), "{vector:?}");
        let taken = path.is_ok_and(|path| path.check_windows().is_ok());
        assert_eq!(taken, said("windows"), "{vector:?}");
    }
}
