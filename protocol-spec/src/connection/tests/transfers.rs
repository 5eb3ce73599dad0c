//! Files and trees over a channel, as the text describes them: who sends what, and when.

use super::*;
use crate::ops::{Delete, Get, ManifestId, Put, TreePut, TreePutResult};
use crate::sha256::Sha256;
use crate::tree::{self, Entry, EntryDecoder, NeedList};

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

/// Sends bytes down from `from`, with the end of the whole stream, while the agent grants
/// `window`; what arrived at the agent.
fn stream_down(
    pair: &mut Pair,
    channel: ChannelId,
    from: usize,
    whole: &[u8],
    window: u64,
) -> Vec<u8> {
    let mut got = Vec::new();
    let mut sent = from;
    while sent < whole.len() {
        sent += pair
            .master
            .send_data(channel, sent as u64, &whole[sent..])
            .unwrap();
        pair.carry();
        for event in std::mem::take(&mut pair.at_agent) {
            if let Event::Data { offset, bytes, .. } = event {
                assert_eq!(offset as usize, from + got.len());
                got.extend(bytes);
            }
        }
        let durable = (from + got.len()) as u64;
        pair.agent
            .acknowledge(channel, durable, durable + window)
            .unwrap();
        pair.carry();
    }
    got
}

#[test]
fn a_hash_taken_beside_the_macs_is_that_of_the_whole_stream_on_both_sides() {
    let content: Vec<u8> = (0..400_000u32).map(|n| (n / 5) as u8).collect();
    for begin in [0, 7, 100_001] {
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), begin as u64, 1_000_000);
        let mut before = Sha256::new();
        before.update(&content[..begin]);
        pair.master.hash_received(channel, before.clone()).unwrap();
        assert_eq!(
            pair.agent.finish_hashed(channel, begin as u64),
            Err(CallError::NotReady),
            "nobody asked for a hash"
        );
        assert_eq!(
            pair.agent.hash_sent(channel, zeros(begin + 1)),
            Err(CallError::WrongOffset(begin as u64)),
            "a hash of something else"
        );
        pair.agent.hash_sent(channel, before).unwrap();
        let mut at = begin;
        let mut got = content[..begin].to_vec();
        let mut found = None;
        while at < content.len() {
            let piece = content[at..content.len().min(at + 65_536)].to_vec();
            let count = piece.len();
            match pair.agent.send_piece(channel, at as u64, piece).unwrap() {
                true => at += count,
                false => assert!(pair.agent.room(channel) < count as u64),
            }
            if at == content.len() {
                pair.agent.finish_hashed(channel, at as u64).unwrap();
                assert_eq!(
                    pair.agent.send_piece(channel, at as u64, vec![1]),
                    Err(CallError::Ended)
                );
            }
            pair.carry();
            for event in std::mem::take(&mut pair.at_master) {
                match event {
                    Event::Data { bytes, .. } => got.extend(bytes),
                    Event::End {
                        sha256, found: own, ..
                    } => found = Some((sha256, own)),
                    _ => {}
                }
            }
        }
        let whole = digest(&content);
        assert!(got == content, "from {begin}");
        assert_eq!(found, Some((Some(whole), Some(whole))), "from {begin}");
    }
}

#[test]
fn a_hash_is_left_out_only_where_the_request_allows_it() {
    let get = |unhashed| {
        Request::Get(Get {
            path: path("a"),
            max_bytes: 0,
            expect: None,
            unhashed,
        })
    };
    for (unhashed, from, allowed) in [(true, 0, true), (true, 2, false), (false, 0, false)] {
        let mut pair = Pair::ready();
        let channel = pair.open(&get(unhashed), from, 100);
        pair.agent.send_data(channel, from, b"bytes").unwrap();
        let ended = pair.agent.finish_hashed(channel, from + 5);
        assert_eq!(ended.is_ok(), allowed, "{unhashed} {from}");
        if !allowed {
            // An agent that does so all the same has broken the rules.
            let own = pair.agent.channels.get_mut(&channel.0).unwrap();
            own.may_leave_hash = true;
            pair.agent.finish_hashed(channel, from + 5).unwrap();
        }
        pair.carry();
        let end = Event::End {
            channel,
            length: from + 5,
            sha256: None,
            found: None,
        };
        assert_eq!(pair.at_master.contains(&end), allowed);
        assert_eq!(pair.master.is_closed(), !allowed);
    }
}

/// A hash that took so many zeros.
fn zeros(count: usize) -> Sha256 {
    let mut sha256 = Sha256::new();
    sha256.update(&vec![0; count]);
    sha256
}

#[test]
fn a_put_that_was_cut_off_goes_on_from_what_is_durable() {
    let content: Vec<u8> = (0..300_000u32).map(|n| (n / 3) as u8).collect();
    let put = Request::Put(Put {
        path: path("dist/app"),
        size: content.len() as u64,
        sha256: digest(&content),
        executable: true,
        replace: true,
        parents: true,
    });
    let mut part = Vec::new();
    for stop in [100_000, 123_457, 300_000] {
        let mut pair = Pair::ready();
        let channel = pair.open(&put, 0, 0);
        let have = part.len() as u64;
        pair.agent
            .acknowledge(channel, have, have + 20_000)
            .unwrap();
        pair.carry();
        assert_eq!(pair.master.next_offset(channel), Some(have));
        part.extend(stream_down(
            &mut pair,
            channel,
            part.len(),
            &content[..stop],
            20_000,
        ));
        if stop == content.len() {
            pair.master
                .finish(channel, stop as u64, digest(&content))
                .unwrap();
            pair.carry();
            let end = Event::End {
                channel,
                length: stop as u64,
                sha256: Some(digest(&part)),
                found: None,
            };
            assert_eq!(pair.at_agent, [end]);
        }
    }
    assert!(part == content);
}

#[test]
fn a_tree_sends_only_what_the_agent_lacks() {
    let files = [
        ("a", b"alpha".as_slice()),
        ("b", b"beta"),
        ("c", b""),
        ("d/e", b"epsilon"),
    ];
    let mut manifest = Vec::new();
    Entry::dir(path("d")).encode(&mut manifest);
    for (name, content) in files {
        let size = content.len() as u64;
        Entry::file(path(name), false, size, digest(content)).encode(&mut manifest);
    }
    Entry::link(path("l"), b"a".to_vec()).encode(&mut manifest);
    tree::encode_end(&mut manifest);

    let mut pair = Pair::ready();
    let request = Request::TreePut(TreePut {
        path: path("src"),
        manifest: ManifestId {
            size: manifest.len() as u64,
            sha256: digest(&manifest),
        },
        delete: Delete::Extra,
        keep: Vec::new(),
    });
    let channel = pair.open(&request, 0, limits::FILE_WINDOW);
    pair.agent
        .acknowledge(channel, 0, limits::FILE_WINDOW)
        .unwrap();
    pair.carry();
    let mut decoder = EntryDecoder::new();
    decoder.push(&stream_down(&mut pair, channel, 0, &manifest, 1000));
    let entries: Vec<_> = std::iter::from_fn(|| decoder.next_entry().unwrap()).collect();
    assert!(decoder.is_ended() && entries.len() == 6);

    // The agent has `a` and `c` already.
    let mut needs = NeedList::new();
    let hashes = entries.iter().filter_map(|entry| entry.sha256);
    hashes.for_each(|hash| needs.push(hash != digest(b"alpha") && hash != digest(b"")));
    let list = needs.encode();
    pair.at_master.clear();
    pair.agent.send_data(channel, 0, &list).unwrap();
    pair.agent
        .finish(channel, list.len() as u64, digest(&list))
        .unwrap();
    pair.carry();
    let Event::Data { bytes, .. } = &pair.at_master[0] else {
        panic!("{:?}", pair.at_master)
    };
    let asked = NeedList::decode(bytes, files.len()).unwrap();

    let mut whole = manifest.clone();
    let wanted = files.iter().zip(asked.iter()).filter(|(_, needed)| *needed);
    wanted.for_each(|((_, content), _)| whole.extend_from_slice(content));
    let contents = stream_down(&mut pair, channel, manifest.len(), &whole, 1000);
    assert_eq!(contents, b"betaepsilon");
    pair.master
        .finish(channel, whole.len() as u64, digest(&manifest))
        .unwrap();
    pair.carry();
    let result = TreePutResult {
        files: 4,
        bytes: 11,
        reused: 2,
        deleted: 0,
    };
    pair.agent.respond(channel, Ok(result.to_box())).unwrap();
    pair.carry();
    let Some(Event::Response {
        result: Ok(answer), ..
    }) = pair.at_master.last()
    else {
        panic!()
    };
    assert_eq!(TreePutResult::from_box(answer), Ok(result));
}

#[test]
fn a_stream_that_comes_in_pieces_of_any_size_is_the_stream_that_was_sent() {
    let content: Vec<u8> = (0..3_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    for seed in 1..6 {
        let mut random = Seeded(0x5eed_0100 + seed);
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), 0, 10_000_000);
        pair.master.hash_received(channel, Sha256::new()).unwrap();
        let (mut sent, mut got, mut found) = (0, Vec::new(), None);
        while found.is_none() {
            sent += pair
                .agent
                .send_data(channel, sent as u64, &content[sent..])
                .unwrap();
            if sent == content.len() && pair.agent.room(channel) > 0 {
                let hash = digest(&content);
                pair.agent.finish(channel, sent as u64, hash).unwrap();
            }
            let block = pair.agent.poll_transmit().unwrap();
            let mut rest = &block[..];
            while !rest.is_empty() {
                // Mostly most of it, and sometimes the beginning of a header.
                let most = [20, 20_000, 300_000][random.below(3)];
                let (now, later) = rest.split_at(rest.len().min(1 + random.below(most)));
                pair.master.handle_bytes(0, now);
                rest = later;
                while let Some(event) = pair.master.poll_event() {
                    match event {
                        Event::Data { offset, bytes, .. } => {
                            assert_eq!(offset, got.len() as u64, "seed {seed}");
                            assert!(bytes.len() <= limits::DATA_BYTES_MAX);
                            assert!(bytes.capacity() <= 2 * bytes.len(), "held for nothing");
                            got.extend(bytes);
                        }
                        Event::End { found: hash, .. } => found = hash,
                        other => panic!("seed {seed}: {other:?}"),
                    }
                }
            }
        }
        assert!(got == content, "seed {seed}");
        assert_eq!(found, Some(digest(&content)), "seed {seed}");
    }
}
