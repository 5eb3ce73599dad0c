//! The pages and everything else that browsers and update clients ask for over HTTP. What a page
//! does, it does through `ops`; nothing here touches the database.

pub mod access;
pub mod assets;
pub mod envelope;
mod errors;
pub mod fault;
pub mod feed;
pub mod files;
mod filters;
pub mod frame;
pub mod health;
mod ranges;
pub mod state;
