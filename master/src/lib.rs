//! The Windlass master: version control, schedules and queue, products, mail, pages and REST.
//!
//! Floors, `use` goes downward only: faces (`web`, `api`, `cli`, `routes`), operations (`ops`),
//! actors, adapters (`db`, `storage`, `vcs`, `mail`, `auth`), decisions, words (`ids`, `model`,
//! `error`, `config`, `clock`). ARCHITECTURE.md tells the rest.

mod absences;
pub mod agents;
pub mod api;
pub mod app;
pub mod auth;
pub mod bells;
pub mod cli;
pub mod clock;
pub mod collector;
pub mod config;
pub mod counts;
pub mod db;
pub mod dispatcher;
pub mod engine;
pub mod error;
pub mod failpoints;
mod hex;
pub mod ids;
pub mod inbox;
pub mod launches;
mod links;
pub mod logs;
pub mod mail;
pub mod model;
mod mover;
pub mod notifier;
pub mod notify;
pub mod ops;
pub mod poller;
mod publisher;
pub mod recording;
pub mod retention;
pub mod routes;
pub mod runner;
pub mod scheduler;
pub mod schedules;
pub mod session;
pub mod signatures;
pub mod storage;
pub mod updates;
pub mod uploads;
pub mod vcs;
pub mod web;
