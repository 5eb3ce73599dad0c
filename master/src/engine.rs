//! Decisions about a build: what comes next, how it ends, what its names stand for, what its
//! commands find in their environment, which files a glob names. Pure; the runner acts.

pub mod environment;
pub mod files;
pub mod form;
pub mod progress;
pub mod properties;
pub mod scope;

#[cfg(test)]
mod tests;
