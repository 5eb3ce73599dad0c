//! The one integration binary: rules of the source tree, and end-to-end tests with the real
//! programs over real sockets.

mod smtp;
mod tidy;
