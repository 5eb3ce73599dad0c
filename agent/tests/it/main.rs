//! The real agent program against a master made of the protocol's own core over a real socket.
//! Each file below guards the promises of one part; `harness` is what they share.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod bare;
mod connection;
mod enroll;
mod exec;
#[cfg(target_os = "linux")]
mod fairness;
mod files;
mod harness;
mod leftovers;
mod manner;
mod policy;
mod resume;
mod selftest;
mod spool;
mod tree;
mod tree_get;
mod upgrade;
