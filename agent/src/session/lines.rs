//! The two directions of a transport: a thread that reads and one that writes, each bounded. Not
//! here: what the bytes mean; which transport it is.

use std::io::{ErrorKind, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Input;
use crate::transport::{HangUp, HungUp, Transport};

/// Bytes per read: all that the other side hands out at once, so that a fast line wakes few threads
/// and the MACs of many frames are computed together.
const READ_BYTES: usize = 327_680;
/// Blocks read and not yet handled by the loop: enough to keep both busy.
const UNHANDLED_MAX: usize = 4;

/// The threads of one transport.
pub(super) struct Lines {
    hang_up: Option<HangUp>,
    /// How long the other end gets to close by itself.
    linger: Duration,
    /// Disconnected when both threads have ended.
    ended: Receiver<()>,
    /// Each buffer lets the reader read one more block into it.
    buffers: SyncSender<Vec<u8>>,
    /// Blocks to write; closed at the end.
    blocks: Option<Sender<Vec<u8>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Lines {
    /// Starts both threads; they report to `inputs`.
    pub(super) fn start(transport: Transport, inputs: &Sender<Input>) -> std::io::Result<Lines> {
        let Transport {
            reader,
            writer,
            hang_up,
            linger,
            ..
        } = transport;
        let (buffers, buffer_queue) = mpsc::sync_channel(UNHANDLED_MAX);
        for _ in 0..UNHANDLED_MAX {
            // The queue has room for exactly these; they have no memory before they are needed.
            let _ = buffers.try_send(Vec::new());
        }
        let (blocks, block_queue) = mpsc::channel();
        // Each thread holds a sender as long as it lives, and never sends.
        let (alive, ended) = mpsc::channel::<()>();
        let (reader_lives, to_loop) = (alive.clone(), inputs.clone());
        let read = move || {
            read_all(reader, &buffer_queue, &to_loop);
            drop(reader_lives);
        };
        let to_loop = inputs.clone();
        let write = move || {
            write_all(writer, &block_queue, &to_loop);
            drop(alive);
        };
        let threads = vec![
            std::thread::Builder::new()
                .name("reader".into())
                .spawn(read)?,
            std::thread::Builder::new()
                .name("writer".into())
                .spawn(write)?,
        ];
        Ok(Lines {
            hang_up: Some(hang_up),
            linger,
            ended,
            buffers,
            blocks: Some(blocks),
            threads,
        })
    }

    /// The loop handled one block: the reader may read another into its buffer.
    pub(super) fn read_more(&self, buffer: Vec<u8>) {
        let _ = self.buffers.try_send(buffer);
    }

    /// Hands a block to the writer.
    pub(super) fn write(&self, block: Vec<u8>) {
        if let Some(blocks) = &self.blocks {
            // A writer that has ended said so; the loop will hear it.
            let _ = blocks.send(block);
        }
    }

    /// Hangs up and waits for both threads, as long as they can end.
    pub(super) fn end(&mut self) {
        self.blocks = None;
        let (nobody, _) = mpsc::sync_channel(0);
        self.buffers = nobody;
        let lingered = self.ended.recv_timeout(self.linger);
        let hung_up = self.hang_up.take().map(|hang_up| hang_up());
        if hung_up == Some(HungUp::Released) || lingered == Err(RecvTimeoutError::Disconnected) {
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

fn read_all(mut stream: impl Read, buffers: &Receiver<Vec<u8>>, inputs: &Sender<Input>) {
    while let Ok(mut buffer) = buffers.recv() {
        if buffer.is_empty() {
            // Zeros of the system, which take no room before they are written to.
            buffer = vec![0; READ_BYTES];
        }
        let count = loop {
            match stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let input = match count {
            Ok(0) => Input::Lost("the master hung up".into()),
            Ok(count) => Input::Bytes { buffer, count },
            Err(error) => Input::Lost(format!("reading: {error}")),
        };
        let last = matches!(input, Input::Lost(_));
        if inputs.send(input).is_err() || last {
            return;
        }
    }
}

fn write_all(mut stream: impl Write, blocks: &Receiver<Vec<u8>>, inputs: &Sender<Input>) {
    while let Ok(block) = blocks.recv() {
        let input = match stream.write_all(&block).and_then(|()| stream.flush()) {
            Ok(()) => Input::Written,
            Err(error) => Input::Lost(format!("writing: {error}")),
        };
        let last = matches!(input, Input::Lost(_));
        if inputs.send(input).is_err() || last {
            return;
        }
    }
}
