//! The one integration binary: rules of the source tree, and end-to-end tests with the real
//! programs over real sockets.

mod bare_machine;
mod big;
mod browser;
mod bucket;
mod chaos;
mod check;
mod conformance;
mod cuts;
mod demo;
mod doors;
mod electron;
mod enrol;
mod holds;
mod hostile;
mod outbox;
mod owner;
mod push;
mod reference;
mod retention;
mod self_update;
mod smtp;
mod tidy;
mod trust;
mod uploads;
mod ways;
mod weather;
mod zsync;
