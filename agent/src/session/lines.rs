//! The two directions of a socket: a thread that reads and one that writes, each bounded. Not
//! here: what the bytes mean.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Input;

/// Bytes per read: one frame of data.
const READ_BYTES: usize = 65_536;
/// Blocks read and not yet handled by the loop: enough to keep both busy.
const UNHANDLED_MAX: usize = 4;
/// A block that the line does not take within this is as good as lost.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The threads of one socket.
pub(super) struct Lines {
    stream: TcpStream,
    /// Each message lets the reader read one more block.
    tokens: SyncSender<()>,
    /// Blocks to write; closed at the end.
    blocks: Option<Sender<Vec<u8>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Lines {
    /// Starts both threads; they report to `inputs`.
    pub(super) fn start(stream: TcpStream, inputs: &Sender<Input>) -> std::io::Result<Lines> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let (tokens, token_queue) = mpsc::sync_channel(UNHANDLED_MAX);
        for _ in 0..UNHANDLED_MAX {
            // The queue has room for exactly these.
            let _ = tokens.try_send(());
        }
        let (blocks, block_queue) = mpsc::channel();
        let (reading, to_loop) = (stream.try_clone()?, inputs.clone());
        let read = move || read_all(reading, &token_queue, &to_loop);
        let (writing, to_loop) = (stream.try_clone()?, inputs.clone());
        let write = move || write_all(writing, &block_queue, &to_loop);
        let threads = vec![
            std::thread::Builder::new()
                .name("reader".into())
                .spawn(read)?,
            std::thread::Builder::new()
                .name("writer".into())
                .spawn(write)?,
        ];
        Ok(Lines {
            stream,
            tokens,
            blocks: Some(blocks),
            threads,
        })
    }

    /// The loop handled one block: the reader may read another.
    pub(super) fn read_more(&self) {
        let _ = self.tokens.try_send(());
    }

    /// Hands a block to the writer.
    pub(super) fn write(&self, block: Vec<u8>) {
        if let Some(blocks) = &self.blocks {
            // A writer that has ended said so; the loop will hear it.
            let _ = blocks.send(block);
        }
    }

    /// Hangs up and waits for both threads, which end at once.
    pub(super) fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.blocks = None;
        let (nobody, _) = mpsc::sync_channel(0);
        self.tokens = nobody;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read_all(mut stream: TcpStream, tokens: &Receiver<()>, inputs: &Sender<Input>) {
    let mut buffer = vec![0; READ_BYTES];
    while tokens.recv().is_ok() {
        let count = loop {
            match stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let input = match count {
            Ok(0) => Input::Lost("the master hung up".into()),
            Ok(count) => Input::Bytes(buffer[..count].to_vec()),
            Err(error) => Input::Lost(format!("reading: {error}")),
        };
        let last = matches!(input, Input::Lost(_));
        if inputs.send(input).is_err() || last {
            return;
        }
    }
}

fn write_all(mut stream: TcpStream, blocks: &Receiver<Vec<u8>>, inputs: &Sender<Input>) {
    while let Ok(block) = blocks.recv() {
        let input = match stream.write_all(&block) {
            Ok(()) => Input::Written,
            Err(error) => Input::Lost(format!("writing: {error}")),
        };
        let last = matches!(input, Input::Lost(_));
        if inputs.send(input).is_err() || last {
            return;
        }
    }
}
