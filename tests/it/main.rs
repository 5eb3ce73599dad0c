//! The one integration binary: rules of the source tree, and end-to-end tests with the real
//! programs over real sockets.

mod bare_machine;
mod big;
mod browser;
mod bucket;
mod bucket_uploads;
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
mod junk;
mod outbox;
mod owner;
mod private;
mod product_steps;
mod push;
mod reference;
mod releases;
mod retention;
mod room;
mod self_update;
mod smtp;
mod stalled;
mod story;
mod tidy;
mod trust;
mod uploads;
mod ways;
mod weather;
mod zsync;
