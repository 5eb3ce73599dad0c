//! The promises of the words between agents and shims.

use windlass_protocol::ops::{Exec, Program, Reason, SignalName};
use windlass_protocol::{Boxed, CancelMode, CommandId};

use super::{News, Order, Start, read_box, write_box};

fn carried(pairs: &Boxed) -> Boxed {
    let mut bytes = Vec::new();
    write_box(&mut bytes, pairs).unwrap();
    let mut rest = bytes.as_slice();
    let read = read_box(&mut rest).unwrap().unwrap();
    assert!(read_box(&mut rest).unwrap().is_none());
    read
}

#[test]
fn what_one_says_is_what_the_other_hears() {
    let start = Start {
        exec: Exec::new(CommandId([1; 16]), Program::Argv(vec![b"true".to_vec()])),
        spool_bytes: 5,
        reserve_bytes: 6,
        root: b"/\xff".to_vec(),
        master_present: true,
        account: Some(crate::sys::Account {
            name: "builder".into(),
            user: 1007,
            group: 1008,
            groups: vec![1008, 6],
            home: "/home/builder".into(),
        }),
    };
    assert_eq!(Start::from_box(&carried(&start.to_box())).unwrap(), start);
    // A user that cannot be read must not become ours.
    let mut broken = Boxed::new();
    broken.push("exec", start.to_box().first("exec").unwrap());
    broken.push("user_name", "builder");
    assert!(Start::from_box(&broken).is_err());
    for order in [
        Order::Stored(1 << 40),
        Order::Master(false),
        Order::Crowded(true),
        Order::End(Reason::AgentLost, CancelMode::Kill),
        Order::Deliver(SignalName::Usr1),
        Order::Input(7, vec![0, 255]),
        Order::InputEnd,
    ] {
        let mut pairs = carried(&order.to_box());
        // Of a later version.
        pairs.push("colour", "blue");
        assert_eq!(Order::all_from_box(&pairs), [order]);
    }
    let news = News {
        len: 9,
        sha256: Some([3; 32]),
        input_received: 2,
        input_consumed: 1,
    };
    assert_eq!(News::from_box(&carried(&news.to_box())).unwrap(), news);
}

#[test]
fn a_box_that_is_too_long_or_cut_short_is_refused() {
    assert!(read_box(&mut &u32::MAX.to_be_bytes()[..]).is_err());
    assert!(read_box(&mut &[0, 0, 0, 9, 1][..]).is_err());
}
