//! What a user can do: one function each, with its permission, its audit row and its transaction.
//! Pages, REST and commands share them. Nothing here knows HTTP.

pub mod agent_tokens;
pub mod agents;
pub mod artifacts;
pub mod audit;
pub mod branches;
pub mod builders;
pub mod builds;
pub mod changes;
pub mod configuration;
pub mod desks;
pub mod drafts;
pub mod events;
pub mod feeds;
pub mod health;
pub mod holds;
pub mod labels;
pub mod logs;
pub mod privacy;
pub mod products;
pub mod programs;
pub mod releases;
pub mod requests;
pub mod retention;
pub mod sessions;
pub mod shutoffs;
pub mod stores;
pub mod tokens;
pub mod updates;
pub mod uploads;
pub mod users;
pub mod verdicts;
pub mod withdrawals;
mod words;
