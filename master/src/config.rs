//! The configuration: raw TOML (`raw`) becomes checked values (`resolved`). No other module parses it.

pub mod names;
pub mod resolved;
pub mod template;

pub use resolved::Config;
