//! The configuration: TOML with its spans becomes checked values (`resolved`). No other module
//! parses it, and nothing here opens the database or a connection.

pub mod collecting;
mod entries;
mod files;
mod keys;
mod load;
pub mod manner;
mod mistakes;
pub mod names;
pub mod publishing;
mod read;
mod reader;
pub mod resolved;
#[cfg(test)]
pub(crate) mod sample;
mod secret;
mod suggest;
pub mod template;
pub mod units;

pub use keys::{Keys, SECTIONS};
pub use load::load;
pub use mistakes::ConfigErrors;
pub use resolved::Config;

#[cfg(test)]
mod tests;
