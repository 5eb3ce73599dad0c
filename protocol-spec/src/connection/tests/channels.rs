//! What channels do between two proper sides.

use super::*;

#[test]
fn a_request_is_answered_once_and_the_channel_is_closed() {
    let mut pair = Pair::ready();
    let channel = pair.master.open(&mkdir(), 0, 0).unwrap();
    pair.carry();
    assert_eq!(
        pair.at_agent,
        [Event::Request {
            channel,
            request: mkdir(),
            from: 0
        }]
    );
    let mut answer = Boxed::new();
    answer.push_number("made", 2);
    pair.agent.respond(channel, Ok(answer)).unwrap();
    assert_eq!(
        pair.agent.respond(channel, Ok(Boxed::new())),
        Err(CallError::Ended)
    );
    pair.carry();
    let Some(Event::Response {
        channel: answered,
        result: Ok(pairs),
    }) = pair.at_master.pop()
    else {
        panic!()
    };
    assert_eq!((answered, pairs.number("made")), (channel, Ok(Some(2))));
    assert_eq!(
        pair.agent.respond(channel, Ok(Boxed::new())),
        Err(CallError::UnknownChannel)
    );
    assert_eq!(
        pair.master.cancel(channel, CancelMode::Kill),
        Err(CallError::UnknownChannel)
    );
}

#[test]
fn a_failure_keeps_its_code_text_path_and_number() {
    let mut pair = Pair::ready();
    let channel = pair.open(&mkdir(), 0, 0);
    let failure = Failure::new(Code::NoSpace, "the disk is full")
        .with_path(b"a/\xff")
        .with_errno(28);
    pair.agent.respond(channel, Err(failure.clone())).unwrap();
    pair.carry();
    assert_eq!(
        pair.at_master,
        [Event::Response {
            channel,
            result: Err(failure)
        }]
    );
}

#[test]
fn requests_that_cannot_be_read_are_answered_by_the_connection() {
    let mut pair = Pair::ready();
    let mut unknown = Boxed::new();
    unknown.push("op", "brew");
    let mut escaping = Boxed::new();
    escaping.push("op", "stat");
    escaping.push("path", "../../etc/passwd");
    let mut marked = mkdir().to_box();
    marked.push("!fast", "1");
    let cases = [
        (unknown, Code::Unsupported),
        (escaping, Code::BadPath),
        (marked, Code::Unsupported),
    ];
    for (request, code) in cases {
        pair.master.open_box(&request, 0, 0).unwrap();
        pair.carry();
        assert_eq!(pair.at_agent, []);
        let Some(Event::Response {
            result: Err(failure),
            ..
        }) = pair.at_master.pop()
        else {
            panic!()
        };
        assert_eq!(failure.code, code, "{failure}");
    }
}

#[test]
fn the_up_stream_begins_where_it_was_asked_and_arrives_whole() {
    let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n / 7) as u8).collect();
    for from in [0, 1, 65_536, 999_999] {
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), from, 100_000);
        assert_eq!(pair.agent.next_offset(channel), Some(from));
        let got = stream_up(&mut pair, channel, from, &bytes);
        assert!(got == bytes[from as usize..]);
        pair.agent.respond(channel, Ok(Boxed::new())).unwrap();
        pair.carry();
        let end = Event::End {
            channel,
            length: 1_000_000,
            sha256: Some(digest(&bytes)),
            found: None,
        };
        assert_eq!(pair.at_master[0], end);
        assert!(matches!(
            pair.at_master[1],
            Event::Response { result: Ok(_), .. }
        ));
    }
}

#[test]
fn the_down_stream_begins_where_the_agents_first_ack_says() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 0);
    assert_eq!(pair.master.next_offset(channel), None);
    assert_eq!(pair.master.send_data(channel, 0, b"early"), Ok(0));
    assert_eq!(
        pair.master.finish(channel, 0, digest(b"")),
        Err(CallError::NotReady)
    );
    pair.agent.acknowledge(channel, 3, 10).unwrap();
    pair.carry();
    assert_eq!(
        pair.at_master,
        [
            Event::Ack {
                channel,
                durable: 3,
                limit: 10
            },
            Event::Writable { channel }
        ]
    );
    assert_eq!(
        pair.master.send_data(channel, 0, b"x"),
        Err(CallError::WrongOffset(3))
    );
    assert_eq!(pair.master.room(channel), 7);
    assert_eq!(pair.master.send_data(channel, 3, b"0123456789"), Ok(7));
    assert_eq!(pair.master.send_data(channel, 10, b"789"), Ok(0));
    pair.carry();
    assert_eq!(
        pair.at_agent,
        [Event::Data {
            channel,
            offset: 3,
            bytes: b"0123456".to_vec()
        }]
    );
    pair.at_master.clear();
    pair.agent.acknowledge(channel, 10, 20).unwrap();
    pair.carry();
    assert_eq!(pair.at_master[1], Event::Writable { channel });
    assert_eq!(pair.master.send_data(channel, 10, b"789"), Ok(3));
    assert_eq!(
        pair.master.finish(channel, 10, digest(b"")),
        Err(CallError::WrongOffset(13))
    );
    pair.master.finish(channel, 13, digest(b"whole")).unwrap();
    assert_eq!(
        pair.master.send_data(channel, 13, b"more"),
        Err(CallError::Ended)
    );
    pair.carry();
    let end = Event::End {
        channel,
        length: 13,
        sha256: Some(digest(b"whole")),
        found: None,
    };
    assert_eq!(pair.at_agent.last(), Some(&end));
}

#[test]
fn acks_never_take_back_what_was_said() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 100);
    pair.agent.send_data(channel, 0, &[5; 60]).unwrap();
    pair.carry();
    pair.at_master.clear();
    pair.master.acknowledge(channel, 60, 200).unwrap();
    pair.carry();
    pair.master.acknowledge(channel, 10, 50).unwrap();
    pair.carry();
    assert_eq!(
        pair.at_agent,
        [Event::Ack {
            channel,
            durable: 60,
            limit: 200
        }]
    );
}

#[test]
fn a_success_waits_for_what_is_queued_and_a_failure_drops_it() {
    for fails in [false, true] {
        let mut pair = Pair::ready();
        let channel = pair.open(&exec(), 0, 1_000_000);
        pair.agent.send_data(channel, 0, &[5; 200_000]).unwrap();
        let result = if fails {
            Err(Failure::new(Code::Io, "gone"))
        } else {
            Ok(Boxed::new())
        };
        pair.agent.respond(channel, result).unwrap();
        pair.carry();
        let bytes: usize = pair
            .at_master
            .iter()
            .map(|event| {
                if let Event::Data { bytes, .. } = event {
                    bytes.len()
                } else {
                    0
                }
            })
            .sum();
        assert_eq!(bytes, if fails { 0 } else { 200_000 });
        assert!(matches!(
            pair.at_master.last(),
            Some(Event::Response { .. })
        ));
    }
}

#[test]
fn frames_that_cross_the_answer_are_ignored() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 1000);
    pair.agent.acknowledge(channel, 0, 1000).unwrap();
    pair.carry();
    pair.agent.respond(channel, Ok(Boxed::new())).unwrap();
    let answer = pair.agent.poll_transmit().unwrap();
    pair.master.send_data(channel, 0, b"late").unwrap();
    pair.master.cancel(channel, CancelMode::Kill).unwrap();
    pair.master.acknowledge(channel, 0, 5000).unwrap();
    pair.master
        .abort(channel, &Failure::new(Code::Cancelled, "late"))
        .unwrap();
    let late = pair.master.poll_transmit().unwrap();
    pair.agent.handle_bytes(0, &late);
    pair.master.handle_bytes(0, &answer);
    pair.carry();
    assert_eq!(pair.at_agent, []);
    assert!(!pair.agent.is_closed() && !pair.master.is_closed());
    pair.open(&mkdir(), 0, 0);
}

#[test]
fn cancel_and_abort_arrive() {
    let mut pair = Pair::ready();
    let channel = pair.open(&exec(), 0, 0);
    pair.master.cancel(channel, CancelMode::Kill).unwrap();
    pair.master.cancel(channel, CancelMode::Term).unwrap();
    pair.carry();
    assert_eq!(
        pair.at_agent,
        [Event::Cancel {
            channel,
            mode: CancelMode::Kill
        }]
    );
    pair.at_agent.clear();
    let failure = Failure::new(Code::Cancelled, "not wanted any more");
    pair.master.abort(channel, &failure).unwrap();
    pair.carry();
    assert_eq!(pair.at_agent, [Event::Abort { channel, failure }]);
    assert_eq!(
        pair.agent.abort(channel, &Failure::new(Code::Io, "")),
        Err(CallError::WrongRole)
    );
}

#[test]
fn silence_is_asked_about_and_then_ends_the_connection() {
    let mut pair = Pair::ready();
    assert_eq!(pair.master.poll_timeout(), Some(limits::PING_MS));
    pair.now = limits::PING_MS;
    pair.master.handle_timeout(pair.now);
    pair.carry();
    assert_eq!(pair.master.poll_timeout(), Some(2 * limits::PING_MS));
    let heard = pair.now;
    // From here on the agent is gone.
    for n in 1..3 {
        pair.master.handle_timeout(heard + n * limits::PING_MS);
        assert!(pair.master.poll_transmit().is_some());
    }
    assert_eq!(pair.master.poll_timeout(), Some(heard + limits::DEAD_MS));
    pair.master.handle_timeout(heard + limits::DEAD_MS);
    assert_eq!(
        pair.master.poll_event(),
        Some(Event::Closed(CloseReason::Silent))
    );
}

#[test]
fn a_proper_end_is_bye_and_anything_else_is_a_lost_connection() {
    let mut pair = Pair::ready();
    pair.agent
        .goaway(Code::ShuttingDown, "going down", 500)
        .unwrap();
    pair.carry();
    let text = "going down".to_owned();
    let goaway = Event::Goaway {
        code: Code::ShuttingDown,
        text,
        retry_ms: 500,
    };
    assert_eq!(pair.at_master, [goaway]);
    assert_eq!(pair.master.open(&mkdir(), 0, 0), Err(CallError::NotReady));
    pair.agent.bye();
    pair.carry();
    assert_eq!(closed(&pair.at_master), Some(&CloseReason::Bye));
    assert_eq!(closed(&pair.at_agent), Some(&CloseReason::Ended));

    let mut pair = Pair::ready();
    pair.master.handle_eof(0);
    assert_eq!(
        pair.master.poll_event(),
        Some(Event::Closed(CloseReason::Lost))
    );
    assert_eq!(pair.master.poll_event(), None);
}

#[test]
fn after_goaway_the_agent_takes_nothing_new() {
    let mut pair = Pair::ready();
    pair.agent.goaway(Code::ShuttingDown, "", 0).unwrap();
    // The request crosses the GOAWAY.
    let channel = pair.master.open(&mkdir(), 0, 0).unwrap();
    pair.carry();
    let answered = pair.at_master.iter().any(|event| {
        matches!(event, Event::Response { channel: c, result: Err(f) }
            if *c == channel && f.code == Code::ShuttingDown)
    });
    assert!(answered && pair.at_agent.is_empty(), "{:?}", pair.at_master);
}

#[test]
fn status_arrives_and_only_the_newest_is_sent() {
    let mut pair = Pair::ready();
    for free in [1, 2, 3] {
        let mut status = Boxed::new();
        status.push_number("disk_free", free);
        pair.agent.send_status(&status).unwrap();
    }
    pair.carry();
    let [Event::Status(pairs)] = pair.at_master.as_slice() else {
        panic!()
    };
    assert_eq!(pairs.number("disk_free"), Ok(Some(3)));
    assert_eq!(
        pair.master.send_status(&Boxed::new()),
        Err(CallError::WrongRole)
    );
}

#[test]
fn only_the_master_opens_and_only_when_ready() {
    let mut pair = Pair::new(vec![key(9)]);
    assert_eq!(pair.master.open(&mkdir(), 0, 0), Err(CallError::NotReady));
    pair.run(&[key(9)]);
    assert_eq!(pair.agent.open(&mkdir(), 0, 0), Err(CallError::WrongRole));
    for _ in 0..CHANNELS_MAX {
        pair.master.open(&mkdir(), 0, 0).unwrap();
    }
    assert_eq!(
        pair.master.open(&mkdir(), 0, 0),
        Err(CallError::TooManyChannels)
    );
    let Request::Exec(mut big) = exec() else {
        panic!()
    };
    big.program = Program::Argv(vec![vec![b'x'; FRAME_MAX]]);
    let mut pair = Pair::ready();
    assert_eq!(
        pair.master.open(&Request::Exec(big), 0, 0),
        Err(CallError::TooLarge)
    );
}
