//! Looking at what the store holds: listing it by name, and reading a file to see whether it still
//! is what its name says.

use crate::hex::hex;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{Blobs, Listed, Verified};

impl Blobs {
    /// Stored files outside the trash by name after `after`, at most `limit`.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> io::Result<Vec<Listed>> {
        self.listed(false, after, limit).await
    }

    /// Files in the trash by name after `after`, at most `limit`. A content may stand in both
    /// lists when it was stored anew.
    pub async fn list_trash(&self, after: Option<&str>, limit: usize) -> io::Result<Vec<Listed>> {
        self.listed(true, after, limit).await
    }

    async fn listed(
        &self,
        in_trash: bool,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<Listed>> {
        let (shared, from) = (Arc::clone(&self.shared), after.map(str::to_owned));
        let list = move || shared.local.list(in_trash, from.as_deref(), limit);
        let mut found = tokio::task::spawn_blocking(list)
            .await
            .map_err(io::Error::other)??;
        if let Some(remote) = &self.shared.remote {
            found.extend(remote.list(in_trash, after, limit).await?);
            // Twice while it is moved: once is enough.
            found.sort();
            found.dedup_by(|one, other| one.sha256 == other.sha256);
            found.truncate(limit);
        }
        Ok(found)
    }

    /// Reads a file from end to end and compares its hash with its name.
    ///
    /// Errors: what keeps the store from answering; a file that cannot be read to its end is
    /// [`Verified::Wrong`].
    pub async fn verify(&self, sha256: &str) -> io::Result<Verified> {
        let size = match self.size(sha256).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verified::Missing),
            size => size?,
        };
        let mut pieces = pin!(self.read(sha256, 0..size));
        let mut hash = Sha256::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(bytes) => hash.update(&bytes),
                Err(error) if super::is_away(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(sha256, %error, "a stored file cannot be read");
                    return Ok(Verified::Wrong);
                }
            }
        }
        match hex(&hash.finalize()) == sha256 {
            true => Ok(Verified::Ok),
            false => Ok(Verified::Wrong),
        }
    }
}
