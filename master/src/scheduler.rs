//! Decisions of schedules and the queue. Pure: what is, and the time, make the decision.

pub mod branches;
pub mod change;
pub mod queue;
