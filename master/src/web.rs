//! The pages and everything else that browsers and update clients ask for over HTTP. What a page
//! does, it does through `ops`; nothing here touches the database.

pub mod access;
pub mod agent_tokens;
pub mod agents;
mod ansi;
pub mod assets;
pub mod branches;
pub mod builders;
pub mod builds;
pub mod changes;
pub mod desks;
mod downloads;
pub mod envelope;
mod errors;
mod excerpt;
pub mod fault;
pub mod feeds;
mod figures;
pub mod files;
pub(crate) mod filters;
pub mod frame;
pub mod health;
pub mod holds;
pub mod home;
pub mod installer;
pub mod logs;
mod paging;
mod private_feeds;
pub mod products;
mod ranges;
pub mod releases;
pub mod requests;
pub mod retention;
mod rows;
pub mod sessions;
pub mod state;
pub mod stores;
pub mod streams;
pub mod verdicts;
pub mod websocket;

#[cfg(test)]
mod tests;
