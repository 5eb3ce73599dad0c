//! REST under `/api/v1`: what pages do, for programs. Handlers read the input, call one operation
//! and write JSON; errors become RFC 9457 problems in `web::fault`.

pub mod agent_tokens;
pub mod agents;
pub mod audit;
pub mod branches;
pub mod builders;
pub mod builds;
pub mod changes;
pub mod desks;
pub mod drafts;
pub mod guard;
pub mod holds;
mod lists;
pub mod logs;
pub mod me;
pub mod openapi;
pub mod privacy;
pub mod products;
pub mod releases;
pub mod requests;
pub mod retention;
pub mod shutoffs;
pub mod stores;
pub mod updates;
pub mod uploads;
pub mod verdicts;
pub mod withdrawals;

#[cfg(test)]
mod tests;
