//! The two directions of a connection to the agent, each with a thread, so that every wait has an
//! end. Not here: what the bytes mean.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Bytes per read.
const READ_BYTES: usize = 65_536;

/// What came.
pub(crate) enum Came {
    Bytes(Vec<u8>),
    End,
    Nothing,
}

/// One connection to the agent. To drop it is to cut it.
pub(crate) struct Link {
    incoming: Receiver<Vec<u8>>,
    outgoing: Option<Sender<Vec<u8>>>,
    /// What else must be done to hang up.
    hang_up: Option<Box<dyn FnOnce() + Send>>,
}

impl Link {
    /// Starts both threads.
    pub(crate) fn new(
        mut reader: impl Read + Send + 'static,
        mut writer: impl Write + Send + 'static,
        hang_up: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (to_us, incoming) = channel();
        let (outgoing, from_us) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            let mut buffer = vec![0; READ_BYTES];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if to_us.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            // A failure shows when reading.
            while let Ok(bytes) = from_us.recv() {
                if writer
                    .write_all(&bytes)
                    .and_then(|()| writer.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
        Self {
            incoming,
            outgoing: Some(outgoing),
            hang_up: Some(Box::new(hang_up)),
        }
    }

    /// Sends bytes; what an agent does not read waits.
    pub(crate) fn send(&self, bytes: &[u8]) {
        if let Some(outgoing) = &self.outgoing {
            let _ = outgoing.send(bytes.to_vec());
        }
    }

    /// The next bytes, if any come in time.
    pub(crate) fn receive(&self, wait: Duration) -> Came {
        match self.incoming.recv_timeout(wait) {
            Ok(bytes) => Came::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Came::Nothing,
            Err(RecvTimeoutError::Disconnected) => Came::End,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.outgoing = None;
        if let Some(hang_up) = self.hang_up.take() {
            hang_up();
        }
    }
}
