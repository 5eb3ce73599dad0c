//! The promises of what a shim that does not listen is still told.

use std::sync::Arc;

use windlass_protocol::CancelMode;
use windlass_protocol::ops::{Reason, SignalName};

use super::{Link, SIGNALS_MAX};
use crate::shim::wire::{self, Order};

/// Every order that is told over a new link until the one that `last` knows.
fn told(link: &Arc<Link>, last: impl Fn(&Order) -> bool) -> Vec<Order> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    link.connect(Box::new(writer), 0, None).unwrap();
    let mut all = Vec::new();
    while !all.last().is_some_and(&last) {
        let pairs = wire::read_box(&mut reader).unwrap().unwrap();
        all.extend(Order::all_from_box(&pairs));
    }
    link.close();
    all
}

#[test]
fn an_order_to_end_is_told_however_many_signals_wait_before_it() {
    let link = Arc::new(Link::default());
    for _ in 0..2 * SIGNALS_MAX {
        link.order(Order::Deliver(SignalName::Hup));
    }
    for _ in 0..2 * SIGNALS_MAX {
        link.order(Order::End(Reason::Cancelled, CancelMode::Term));
    }
    link.order(Order::End(Reason::Cancelled, CancelMode::Kill));
    let kill = Order::End(Reason::Cancelled, CancelMode::Kill);
    let all = told(&link, |order| *order == kill);
    let signals = |order: &&Order| matches!(order, Order::Deliver(_));
    assert_eq!(all.iter().filter(signals).count(), SIGNALS_MAX);
    let ends = |order: &&Order| matches!(order, Order::End(..));
    assert_eq!(all.iter().filter(ends).count(), 2);
}
