//! The sections of the configuration, one module per noun: keys, bounds, cross-checks.

pub(super) mod agents;
mod bucket;
pub(super) mod builders;
mod globs;
pub(super) mod mail;
mod manner;
pub(super) mod master;
pub(super) mod matrix;
pub(super) mod notifies;
mod paths;
mod products;
pub(super) mod projects;
mod public_keys;
pub(super) mod repositories;
pub(super) mod retention;
mod runs;
pub(super) mod schedules;
mod smtp;
mod steps;
mod templates;
pub(super) mod uploads;
