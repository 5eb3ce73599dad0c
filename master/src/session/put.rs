//! Delivering one file over one connection, from where an earlier one was cut.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;
use windlass_protocol::ops::{Put, Request};

use super::calls::{self, LinkError};
use super::limits::TRANSFER_SILENCE_MAX;
use super::link::Link;

/// A file to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes, below the agent's root. What is there is replaced, missing folders are made.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// Whether it may be executed.
    pub executable: bool,
}

/// Where the bytes of a file come from.
pub trait FileContents: Send + Sync {
    /// The bytes from an offset on. The channel ends after the last byte.
    fn open(&self, from: u64) -> mpsc::Receiver<io::Result<Bytes>>;
}

/// Delivers a file; nothing of it is visible before it is whole and its SHA-256 was right.
pub(crate) async fn put(
    link: &Link,
    file: &NewFile,
    contents: &impl FileContents,
) -> Result<(), LinkError> {
    let request = Put {
        path: calls::path(&file.path)?,
        size: file.size,
        sha256: file.sha256,
        executable: file.executable,
        replace: true,
        parents: true,
    };
    let mut channel = link.open(&Request::Put(request), 0, 0)?;
    let mut length = channel.begin().await?;
    if length > file.size {
        let text = format!("byte {length} of a file of {} bytes was wanted", file.size);
        return Err(LinkError::Nonsense(text));
    }
    if length < file.size {
        let mut source = contents.open(length);
        while let Some(bytes) = source.recv().await {
            let bytes = bytes?;
            length += bytes.len() as u64;
            if length > file.size {
                break;
            }
            let sent = tokio::time::timeout(TRANSFER_SILENCE_MAX, channel.send(bytes)).await;
            if !sent.unwrap_or(false) {
                // The answer, or the loss, or the silence says why.
                return match channel.answer().await {
                    Ok(_) => Err(LinkError::Nonsense(
                        "a file was answered too early".to_owned(),
                    )),
                    Err(error) => Err(error),
                };
            }
        }
    }
    if length != file.size {
        let text = format!("the file has {length} bytes, not {}", file.size);
        return Err(LinkError::Local(io::Error::other(text)));
    }
    channel.finish(length, file.sha256);
    channel.answer().await.map(drop)
}
