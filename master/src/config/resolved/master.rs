//! `[master]` and `[uploads]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::SecretRef;
use crate::config::collecting::Collecting;

/// `[uploads]`: products that come by REST or command.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploads {
    /// How long a draft is kept after the last byte came.
    pub lease: Duration,
    /// Bytes of the disk that uploads leave free.
    pub reserve: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            // A line that is down in the evening is up in the morning.
            lease: Duration::from_secs(24 * 3_600),
            // The database and logs of running builds grow by less in an hour.
            reserve: 1024 * 1024 * 1024,
        }
    }
}

/// `[master]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Master {
    /// Shown in titles and mails.
    pub title: String,
    /// Address of the pages as others reach them, without a slash at the end.
    pub url: String,
    /// Folder of the database, logs, blobs and mirrors (absolute).
    pub data: PathBuf,
    /// Where agents connect.
    pub agent_listen: SocketAddr,
    /// With what they connect by TLS; without it they cannot.
    pub agent_tls: Option<AgentTls>,
    /// Whether they may connect without TLS.
    pub agent_plain: bool,
    /// What agents on other machines dial, where it does not follow from the rest.
    pub agent_address: Option<String>,
    /// Where browsers connect.
    pub web_listen: SocketAddr,
    /// PostgreSQL; SQLite in a file below `data` when absent.
    pub database: Option<Database>,
    /// Whether those who are not logged in may read.
    pub anonymous_read: bool,
    /// A bucket for stored files, besides the folder below `data`.
    pub bucket: Option<Bucket>,
    /// When the collector works, and what else is about the store.
    pub collecting: Collecting,
}

impl Master {
    /// What agents on other machines dial: `agent_address`, else the host of `url` with the port
    /// of `agent_listen`; the pages' own address where that port is for this machine alone.
    #[must_use]
    pub fn dialled_address(&self) -> String {
        if let Some(address) = &self.agent_address {
            return address.clone();
        }
        let (url, listen) = (&self.url, self.agent_listen);
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let is_bare_v6 = authority.ends_with(']');
        let host = match authority.rsplit_once(':') {
            Some((host, _)) if !is_bare_v6 => host,
            _ => authority,
        };
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let tls = if self.agent_tls.is_some() {
            "tls://"
        } else {
            ""
        };
        match listen.ip().is_loopback() && !is_here {
            true => format!("{url}/agent"),
            false => format!("{tls}{host}:{}", listen.port()),
        }
    }
}

/// A bucket of an S3-compatible service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every name in it begins with; may be empty.
    pub prefix: String,
    /// Address of the service; Amazon's own when absent.
    pub endpoint: Option<String>,
    /// Region, which is part of the signature.
    pub region: String,
    /// Access key, by reference.
    pub key: SecretRef,
    /// Its secret, by reference.
    pub secret: SecretRef,
    /// Whether new files are put there.
    pub takes_new: bool,
}

/// The certificate of the agents' port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTls {
    /// PEM file of the certificate and those above it (absolute).
    pub certificate: PathBuf,
    /// PEM file of its key (absolute).
    pub key: PathBuf,
}

/// Where the PostgreSQL database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A `postgres://` URL without a password.
    Url(String),
    /// A whole URL, by reference.
    Secret(SecretRef),
}
