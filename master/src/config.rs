//! The configuration: raw TOML (`raw`) becomes checked values (`resolved`). No other module parses it.

pub mod names;
pub mod resolved;
#[cfg(test)]
pub(crate) mod sample;
pub mod template;

pub use resolved::Config;
