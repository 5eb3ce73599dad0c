//! The ordered, durable list of everything that happened. Each state change appends to it in its
//! own transaction; listeners are cursors on it.

use std::cell::RefCell;

use diesel::prelude::*;

use super::feed_epochs::Touched;
use super::schema::{counters, events, products};
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::{AgentId, BuildId, BuilderId, ProductId};

/// Most events one read returns, so that a listener far behind is served in pieces.
pub const EVENTS_READ_MAX: i64 = 500;

/// Beginnings of the kinds after which a feed may answer otherwise than before.
const FEED_KINDS: &[&str] = &["product.", "release.", "updates.", "branch.", "store."];
/// Kinds of events that leave every feed as it is, though they begin so.
const QUIET_KINDS: &[&str] = &[
    "branch.moved",
    "branch.deleted",
    "product.kept",
    "product.lifted",
    "product.judged",
    "product.labelled",
];

thread_local! {
    /// The branches of events of such a kind that the transactions of this thread have appended; a
    /// transaction runs on one thread from beginning to end.
    static TOUCHED_FEEDS: RefCell<Touched> = RefCell::default();
}

/// The branches whose feeds may answer otherwise after what was appended on this thread since the
/// last call.
pub(super) fn take_touched_feeds() -> Touched {
    TOUCHED_FEEDS.take()
}

/// Whether feeds may answer otherwise after an event of this kind.
#[must_use]
pub fn touches_feeds(kind: &str) -> bool {
    !QUIET_KINDS.contains(&kind) && FEED_KINDS.iter().any(|front| kind.starts_with(front))
}

/// The branch of the product that an event is about; events that are about none concern all.
fn branch_of(conn: &mut Conn, event: &NewEvent) -> DbResult<Option<i64>> {
    let Some(product) = event.product else {
        return Ok(None);
    };
    let found = products::table.find(product.0).select(products::branch_id);
    Ok(found.first(conn).optional()?)
}

/// An event to append: its kind (`build.finished`, `product.recorded`, …) and what it is about.
#[derive(Debug, Clone, Default)]
pub struct NewEvent {
    /// Noun and verb with a dot between.
    pub kind: &'static str,
    /// Builder concerned.
    pub builder: Option<BuilderId>,
    /// Build concerned.
    pub build: Option<BuildId>,
    /// Product concerned.
    pub product: Option<ProductId>,
    /// Agent concerned.
    pub agent: Option<AgentId>,
    /// JSON object with what else a listener wants to know; empty for none.
    pub detail: String,
}

/// An event as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number; rises without gaps as commits do.
    pub seq: i64,
    /// When it happened.
    pub at: Time,
    /// Noun and verb with a dot between.
    pub kind: String,
    /// Builder concerned.
    pub builder: Option<BuilderId>,
    /// Build concerned.
    pub build: Option<BuildId>,
    /// Product concerned.
    pub product: Option<ProductId>,
    /// Agent concerned.
    pub agent: Option<AgentId>,
    /// JSON object, or empty.
    pub detail: String,
}

type Row = (
    i64,
    i64,
    String,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    String,
);

/// Appends an event and returns its number. The counter row is locked until the transaction ends,
/// so numbers become visible in order on both engines: append late in a transaction.
pub fn append(conn: &mut Conn, now: Time, event: &NewEvent) -> DbResult<i64> {
    if touches_feeds(event.kind) {
        let branch = branch_of(conn, event)?;
        TOUCHED_FEEDS.with_borrow_mut(|touched| touched.add(branch));
    }
    let counter = counters::table.find("event");
    let seq: i64 = diesel::update(counter)
        .set(counters::value.eq(counters::value + 1))
        .returning(counters::value)
        .get_result(conn)?;
    diesel::insert_into(events::table)
        .values((
            events::seq.eq(seq),
            events::at.eq(now.0),
            events::kind.eq(event.kind),
            events::builder_id.eq(event.builder.map(|id| id.0)),
            events::build_id.eq(event.build.map(|id| id.0)),
            events::product_id.eq(event.product.map(|id| id.0)),
            events::agent_id.eq(event.agent.map(|id| id.0)),
            events::detail.eq(&event.detail),
        ))
        .execute(conn)?;
    Ok(seq)
}

/// The events after number `seq`, oldest first, at most [`EVENTS_READ_MAX`].
pub fn after(conn: &mut Conn, seq: i64) -> DbResult<Vec<Event>> {
    let rows: Vec<Row> = events::table
        .filter(events::seq.gt(seq))
        .order(events::seq)
        .limit(EVENTS_READ_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(event).collect())
}

/// The newest event's number; 0 when nothing ever happened.
pub fn newest(conn: &mut Conn) -> DbResult<i64> {
    Ok(counters::table
        .find("event")
        .select(counters::value)
        .first(conn)?)
}

fn event((seq, at, kind, builder, build, product, agent, detail): Row) -> Event {
    Event {
        seq,
        at: Time(at),
        kind,
        builder: builder.map(BuilderId),
        build: build.map(BuildId),
        product: product.map(ProductId),
        agent: agent.map(AgentId),
        detail,
    }
}

#[cfg(test)]
mod tests;
