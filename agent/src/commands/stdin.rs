//! The input of a command on its way from a channel into its pipe. The queue belongs to the
//! command and not to the channel, so that input goes on where it stopped when the connection
//! comes back. Not here: the channel.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, PipeWriter, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The character that ends the input of a terminal.
const END_OF_FILE: u8 = 4;

/// Who is told how far the input came and how far the command took it: the session's channel.
pub(crate) type Listener = Box<dyn Fn(u64, u64) + Send>;

/// Input that came and was not yet read by the command. The credit of the channel bounds it.
#[derive(Default)]
pub(crate) struct StdinQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    /// Offset after the last byte that came.
    received: u64,
    /// Offset after the last byte that the pipe took.
    consumed: u64,
    /// No more will come.
    ended: bool,
    /// Whatever comes is thrown away.
    closed: bool,
    listener: Option<Listener>,
}

impl std::fmt::Debug for StdinQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StdinQueue")
    }
}

impl StdinQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All the input there will be.
    pub(crate) fn holding(bytes: &[u8]) -> Arc<Self> {
        let queue = Arc::new(Self::default());
        queue.push(0, bytes);
        queue.end();
        queue
    }

    /// Has a channel told (received, consumed), now and after every progress.
    pub(crate) fn listen(&self, listener: Listener) {
        let mut state = self.lock();
        listener(state.received, state.consumed);
        state.listener = Some(listener);
    }

    /// Takes bytes that begin at `offset`; what came before is skipped.
    pub(crate) fn push(&self, offset: u64, bytes: &[u8]) {
        let mut state = self.lock();
        let known = usize::try_from(state.received.saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(fresh) = bytes.get(known..).filter(|fresh| !fresh.is_empty()) {
            state.received += fresh.len() as u64;
            if state.closed {
                return;
            }
            state.pieces.push_back(fresh.to_vec());
            self.changed.notify_all();
        }
    }

    /// No more input comes: the command sees the end of file after what is queued.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// The command has ended: nobody reads any more, and the thread that writes ends.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.pieces.clear();
        state.ended = true;
        state.closed = true;
        self.changed.notify_all();
    }

    /// `feed` for a terminal: the end of the input is typed.
    pub(crate) fn type_into(self: &Arc<Self>, mut terminal: PipeWriter) -> io::Result<()> {
        let queue = Arc::clone(self);
        let thread = std::thread::Builder::new().name("stdin".into());
        thread.spawn(move || {
            let mut last = b'\n';
            while let Some(piece) = queue.next_piece() {
                last = piece.last().copied().unwrap_or(last);
                let _ = terminal.write_all(&piece);
                queue.consume(piece.len());
            }
            // Within a line the first one only hands over what was typed of it.
            let times = if last == b'\n' { 1 } else { 2 };
            let _ = terminal.write_all(&vec![END_OF_FILE; times]);
        })?;
        Ok(())
    }

    /// Starts the thread that writes into the pipe. It ends with the input, or when the command
    /// closes its end; from then on input is taken and thrown away, as a closed pipe does.
    pub(crate) fn feed(self: &Arc<Self>, mut pipe: PipeWriter) -> io::Result<()> {
        let queue = Arc::clone(self);
        let thread = std::thread::Builder::new().name("stdin".into());
        thread.spawn(move || {
            let mut open = true;
            while let Some(piece) = queue.next_piece() {
                open = open && pipe.write_all(&piece).is_ok();
                queue.consume(piece.len());
            }
        })?;
        Ok(())
    }

    fn next_piece(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            if let Some(piece) = state.pieces.pop_front() {
                return Some(piece);
            }
            if state.ended {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn consume(&self, count: usize) {
        let mut state = self.lock();
        state.consumed += count as u64;
        if let Some(listener) = &state.listener {
            listener(state.received, state.consumed);
        }
    }
}
