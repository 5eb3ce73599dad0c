//! What the collector does to a store and a database: whole rounds, and everything at once in
//! random order.

mod interleavings;
mod rounds;
mod world;
