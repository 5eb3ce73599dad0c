//! Contents of objects in a wanted order, streamed by one `cat-file --batch`.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout};

use super::Mirror;
use super::program::Call;
use crate::vcs::{VcsError, VcsResult};

/// Pieces of contents: large enough to keep system calls rare, small enough to queue a few.
const PIECE_BYTES: usize = 128 << 10;
/// Longest header line: a SHA-256 id, a type and a size.
const HEADER_BYTES_MAX: u64 = 128;
/// Time for one piece from the local disk, also a loaded one.
const PIECE_TIMEOUT: Duration = Duration::from_secs(120);
/// Pieces read ahead of a slow receiver.
const PIECES_QUEUED: usize = 8;

/// A running `cat-file --batch`; ended when it is dropped.
pub(super) struct Batch {
    _child: Child,
    _feed: tokio::task::JoinHandle<()>,
    output: BufReader<ChildStdout>,
    /// Bytes of the present object that were not read yet.
    left: u64,
    /// Whether an object was begun, whose closing line feed is to be skipped.
    begun: bool,
}

impl Batch {
    /// Starts reading `objects` (full ids) in this order.
    pub(super) fn start(mirror: &Mirror, objects: Vec<String>) -> VcsResult<Self> {
        let mut child = Call::new("cat-file", PIECE_TIMEOUT)
            .folder(mirror.folder())
            .args(["--batch", "--buffer"])
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(fault("a pipe is missing"));
        };
        // Dropping the pipe of the error output keeps the program from waiting on it.
        drop(child.stderr.take());
        let feed = tokio::spawn(async move {
            for object in objects {
                // When the program is gone, its reader finds out.
                if stdin
                    .write_all(format!("{object}\n").as_bytes())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        Ok(Self {
            _child: child,
            _feed: feed,
            output: BufReader::with_capacity(PIECE_BYTES, stdout),
            left: 0,
            begun: false,
        })
    }

    /// Goes to the next object, which must be a blob, and returns its size in bytes.
    pub(super) async fn next(&mut self) -> VcsResult<u64> {
        let header = tokio::time::timeout(PIECE_TIMEOUT, self.header()).await;
        let header = header.map_err(|_| timed_out())?.map_err(io_fault)?;
        let mut words = header.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(_), Some("blob"), Some(size)) => {
                self.left = size.parse().map_err(|_| fault(&header))?;
                self.begun = true;
                Ok(self.left)
            }
            _ => Err(fault(&header)),
        }
    }

    async fn header(&mut self) -> io::Result<String> {
        if self.begun {
            self.output.read_u8().await?;
        }
        let mut line = Vec::new();
        let mut bounded = (&mut self.output).take(HEADER_BYTES_MAX);
        bounded.read_until(b'\n', &mut line).await?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// The next piece of the present object; `None` after its last.
    pub(super) async fn piece(&mut self) -> VcsResult<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(self.left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let mut piece = BytesMut::with_capacity(size);
        let mut bounded = (&mut self.output).take(size as u64);
        let read = tokio::time::timeout(PIECE_TIMEOUT, bounded.read_buf(&mut piece));
        match read.await.map_err(|_| timed_out())?.map_err(io_fault)? {
            0 => Err(fault("the contents end early")),
            read => {
                self.left -= read as u64;
                Ok(Some(piece.freeze()))
            }
        }
    }
}

impl Mirror {
    /// The contents of `objects` (full ids of blobs) one after the other, in this order.
    #[must_use]
    pub fn contents(&self, objects: Vec<String>) -> tokio::sync::mpsc::Receiver<io::Result<Bytes>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(PIECES_QUEUED);
        let mirror = self.clone();
        tokio::spawn(async move {
            if let Err(error) = stream(&mirror, objects, &sender).await {
                // A receiver that went away wants no error either.
                let _ = sender.send(Err(io::Error::other(error))).await;
            }
        });
        receiver
    }
}

async fn stream(
    mirror: &Mirror,
    objects: Vec<String>,
    sender: &tokio::sync::mpsc::Sender<io::Result<Bytes>>,
) -> VcsResult<()> {
    let count = objects.len();
    if count == 0 {
        return Ok(());
    }
    let mut batch = Batch::start(mirror, objects)?;
    for _ in 0..count {
        batch.next().await?;
        while let Some(piece) = batch.piece().await? {
            if sender.send(Ok(piece)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn fault(text: &str) -> VcsError {
    VcsError::Unexpected {
        what: "cat-file".to_owned(),
        text: text.chars().take(100).collect(),
    }
}

fn io_fault(error: io::Error) -> VcsError {
    VcsError::Io {
        what: "cat-file".to_owned(),
        error,
    }
}

fn timed_out() -> VcsError {
    VcsError::TimedOut {
        what: "cat-file".to_owned(),
        seconds: PIECE_TIMEOUT.as_secs(),
    }
}
