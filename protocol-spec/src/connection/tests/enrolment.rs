//! Enrolment by a token: what both sides derive, when each may believe it, and who is refused.

use super::*;
use crate::auth::Token;
use crate::tests::read;

fn token() -> Token {
    Token {
        id: "t-1".into(),
        secret: key(5),
    }
}

fn enrolling_hello(token: &Token) -> AgentHello {
    AgentHello {
        enroll: Some(token.id.clone()),
        ..agent_hello()
    }
}

fn enrolling_pair() -> Pair {
    let mut pair = Pair::new(vec![key(5)]);
    pair.agent = Connection::agent(enrolling_hello(&token()), vec![key(5)], [1; 32], 0);
    pair
}

fn enrolling_key(events: &[Event]) -> Option<&Key> {
    events.iter().find_map(|event| match event {
        Event::Enrolling { key } | Event::Enrolled { key } => Some(key),
        _ => None,
    })
}

#[test]
fn both_sides_derive_the_same_key_and_the_master_stores_it_first() {
    let mut pair = enrolling_pair();
    pair.run(&[key(5)]);
    let derived = enrolling_key(&pair.at_master).unwrap().clone();
    assert!(derived != key(5));
    // Until the master has stored it the agent is told nothing, not even a proof.
    assert!(pair.at_agent.is_empty());
    pair.master.accept_enrolment().unwrap();
    pair.carry();
    let expected = [
        Event::Enrolled {
            key: derived.clone(),
        },
        Event::Proven(master_hello()),
    ];
    assert_eq!(pair.at_agent, expected);
    assert!(pair.agent.is_ready() && pair.master.is_ready());
    assert!(matches!(
        pair.at_master.last(),
        Some(Event::Ready { hello, .. }) if hello.enroll.as_deref() == Some("t-1")
    ));
    let sent = [pair.from_agent.as_slice(), &pair.from_master].concat();
    for secret in [derived.as_bytes(), key(5).as_bytes()] {
        assert!(!sent.windows(32).any(|window| window == secret));
    }
    // From then on the derived key is the agent's, as any other.
    let mut later = Pair::new(vec![derived.clone()]);
    later.run(&[derived]);
    assert!(later.agent.is_ready() && later.master.is_ready());
    assert_eq!(later.master.accept_enrolment(), Err(CallError::NotReady));
    assert_eq!(later.master.refuse_enrolment(0), Err(CallError::NotReady));
}

#[test]
fn the_same_token_gives_another_key_each_time() {
    let keys = [[1; 32], [4; 32]].map(|nonce| {
        let mut pair = enrolling_pair();
        pair.agent = Connection::agent(enrolling_hello(&token()), vec![key(5)], nonce, 0);
        pair.run(&[key(5)]);
        enrolling_key(&pair.at_master).unwrap().clone()
    });
    assert!(keys[0] != keys[1]);
}

#[test]
fn a_spent_token_an_unknown_one_and_a_wrong_secret_get_the_same_answer_at_the_same_time() {
    let answers = [vec![], vec![key(8)], vec![key(5)]].map(|keys| {
        let mut pair = enrolling_pair();
        pair.run(&keys);
        if enrolling_key(&pair.at_master).is_some() {
            pair.master.refuse_enrolment(pair.now).unwrap();
        }
        assert_eq!(pair.master.poll_timeout(), Some(limits::REFUSAL_MS));
        pair.now = limits::REFUSAL_MS;
        pair.master.handle_timeout(pair.now);
        pair.carry();
        assert!(enrolling_key(&pair.at_agent).is_none());
        let Some(CloseReason::Refused { code, .. }) = closed(&pair.at_agent) else {
            panic!("{:?}", pair.at_agent)
        };
        assert_eq!(*code, Code::AuthFailed);
        pair.from_master
    });
    assert!(answers.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn taking_the_token_out_of_the_hello_or_putting_one_in_is_noticed() {
    // Somebody between shows the master a HELLO that differs in `enroll` alone.
    for (said, shown) in [
        (Some("t-1"), None),
        (None, Some("t-1")),
        (Some("t-1"), Some("t-2")),
    ] {
        let hello = |enroll: Option<&str>| AgentHello {
            enroll: enroll.map(Into::into),
            ..agent_hello()
        };
        let mut agent = Connection::agent(hello(said), vec![key(5)], [1; 32], 0);
        let mut other = Connection::agent(hello(shown), vec![key(5)], [1; 32], 0);
        let mut master = Connection::master(master_hello(), [2; 32], 0);
        agent.poll_transmit().unwrap();
        master.handle_bytes(0, &other.poll_transmit().unwrap());
        master.provide_keys(0, vec![key(5)]).unwrap();
        agent.handle_bytes(0, &master.poll_transmit().unwrap());
        master.handle_bytes(0, &agent.poll_transmit().unwrap());
        master.handle_timeout(limits::REFUSAL_MS);
        let events: Vec<_> = std::iter::from_fn(|| master.poll_event()).collect();
        assert_eq!(closed(&events), Some(&CloseReason::AuthFailed));
        assert!(enrolling_key(&events).is_none());
    }
}

#[test]
fn a_master_that_never_stores_runs_into_the_handshakes_end() {
    let mut pair = enrolling_pair();
    pair.run(&[key(5)]);
    pair.master.handle_timeout(limits::HANDSHAKE_MS);
    assert!(pair.master.is_closed());
    assert_eq!(pair.master.accept_enrolment(), Err(CallError::NotReady));
}

#[test]
fn every_flipped_byte_of_the_masters_answer_leaves_the_agent_without_a_key() {
    let mut whole = enrolling_pair();
    whole.run(&[key(5)]);
    let hello_end = whole.from_master.len();
    whole.master.accept_enrolment().unwrap();
    whole.carry();
    let honest = whole.from_master;
    for flipped in hello_end..honest.len() {
        let mut agent = Connection::agent(enrolling_hello(&token()), vec![key(5)], [1; 32], 0);
        let mut bytes = honest.clone();
        bytes[flipped] ^= 1;
        agent.handle_bytes(0, &bytes);
        agent.handle_eof(0);
        let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
        assert!(
            enrolling_key(&events).is_none(),
            "byte {flipped}: {events:?}"
        );
        assert!(closed(&events).is_some(), "byte {flipped}: {events:?}");
    }
}

#[test]
fn enrolments_are_as_the_vectors_say() {
    let mut enrolled = 0;
    for vector in read(include_str!("../../../vectors/enrolment.txt")) {
        let text = vector.first("token").unwrap();
        let parsed = Token::parse(text);
        if vector.first("reject").is_some() {
            assert!(parsed.is_none(), "{vector:?}");
            continue;
        }
        let token = parsed.unwrap();
        assert_eq!(token.to_text(), text);
        assert_eq!(Some(token.id.as_str()), vector.first("id"));
        assert_eq!(*token.secret.as_bytes(), vector.array("secret"));
        assert!(!format!("{token:?}").contains(&text[text.len() - 8..]));

        let keys = vec![token.secret.clone()];
        let nonce = vector.array("agent_nonce");
        let mut pair = Pair::new(vec![]);
        pair.agent = Connection::agent(enrolling_hello(&token), keys.clone(), nonce, 0);
        pair.master = Connection::master(master_hello(), vector.array("master_nonce"), 0);
        pair.run(&keys);
        pair.master.accept_enrolment().unwrap();
        pair.carry();
        let joined = |name| -> Vec<u8> {
            let lines = vector.all(name);
            let bytes = lines.iter().map(|line| crate::hex::decode(line.as_bytes()));
            bytes.flat_map(Option::unwrap).collect()
        };
        assert!(pair.from_agent == joined("up"), "up differs");
        assert!(pair.from_master == joined("down"), "down differs");
        for events in [&pair.at_agent, &pair.at_master] {
            let key = enrolling_key(events).unwrap();
            assert_eq!(*key.as_bytes(), vector.array("key"));
        }
        enrolled += 1;
    }
    assert_eq!(enrolled, 1);
}
