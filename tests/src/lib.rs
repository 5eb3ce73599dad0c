//! The harness of the end-to-end tests: the real programs in scratch folders, a git repository to
//! push to, a proxy that cuts connections and one that speaks TLS, a valve that silences them, a
//! mail server, an HTTP client. No test lives here.

pub mod bucket;
pub mod git;
pub mod http;
pub mod mailbox;
pub mod master;
pub mod programs;
pub mod proxy;
pub mod seed;
pub mod tls;
pub mod valve;
pub mod wait;
