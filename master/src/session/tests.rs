//! Sessions, agents and logs together: the real agent in a process of its own over real sockets,
//! through a proxy that cuts them.

pub(crate) mod bench;
mod door;
mod exec;
mod proxy;
mod secrets;
mod transfers;
mod ways_back;
