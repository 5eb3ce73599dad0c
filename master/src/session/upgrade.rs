//! Sending a new program to an agent over one connection.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use windlass_protocol::hex;
use windlass_protocol::limits::DATA_BYTES_MAX;
use windlass_protocol::ops::{Request, Upgrade};
use windlass_protocol::sha256::Sha256;

use super::calls::{LinkError, Refusal};
use super::link::Link;

/// A program to send.
pub(crate) struct NewProgram {
    /// Opened, at its beginning.
    pub(crate) file: File,
    /// Its bytes.
    pub(crate) size: u64,
    /// Its SHA-256, 64 hex digits.
    pub(crate) sha256: String,
    /// The version that it must say it is.
    pub(crate) version: String,
    /// Counts the bytes that were handed to the connection.
    pub(crate) sent: Arc<AtomicU64>,
}

/// Sends it and waits until the agent has checked it and is about to let it take over.
pub(crate) async fn upgrade(link: &Link, program: NewProgram) -> Result<(), LinkError> {
    let sha256 = hex::decode_array(program.sha256.as_bytes())
        .ok_or_else(|| LinkError::nonsense("the program's hash is no hash"))?;
    let request = Upgrade {
        size: program.size,
        sha256,
        version: program.version,
    };
    let mut channel = link.open(&Request::Upgrade(request), 0, 0)?;
    let begin = channel.begin().await?;
    if begin != 0 {
        return Err(LinkError::Nonsense(format!(
            "a program was wanted from {begin} on"
        )));
    }
    let (mut file, mut sum, mut length) = (program.file, Sha256::new(), 0);
    loop {
        let piece;
        (file, piece) = read(file).await?;
        if piece.is_empty() {
            break;
        }
        sum.update(&piece);
        length += piece.len() as u64;
        if !channel.send(piece).await {
            // The answer or the loss says why.
            break;
        }
        program.sent.store(length, Ordering::Relaxed);
    }
    channel.finish(length, sum.finish());
    match channel.answer().await {
        Ok(_) if length == program.size => Ok(()),
        Ok(_) => Err(LinkError::Refused(Refusal {
            code: "checksum",
            text: "the program changed while it was sent".to_owned(),
        })),
        Err(error) => Err(error),
    }
}

/// The next piece of the file; empty at its end.
async fn read(mut file: File) -> Result<(File, Bytes), LinkError> {
    let read = move || {
        let mut piece = Vec::with_capacity(DATA_BYTES_MAX);
        let most = u64::try_from(DATA_BYTES_MAX).unwrap_or(u64::MAX);
        std::io::Read::by_ref(&mut file)
            .take(most)
            .read_to_end(&mut piece)?;
        Ok((file, Bytes::from(piece)))
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| LinkError::Local(std::io::Error::other(error)))?
        .map_err(LinkError::Local)
}
