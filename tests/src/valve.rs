//! A TCP proxy between agent and master whose flow a test turns: open, silent, closed, or with one
//! end of every connection gone without the other learning of it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to bytes and to new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// All goes through.
    Open,
    /// Nothing goes through and nothing is closed, as with a cable that is pulled.
    Silent,
    /// Connections are closed and new ones too.
    Closed,
}

/// A valve on a free port of 127.0.0.1 until it is dropped.
#[derive(Debug)]
pub struct Valve {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    turned: Condvar,
}

#[derive(Debug)]
struct State {
    flow: Flow,
    ended: bool,
    /// Both ends of each connection: the agent's, the master's.
    pairs: Vec<(TcpStream, TcpStream)>,
    /// Connections that were carried.
    carried: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while nothing goes through; `false` when the connection is to end.
    fn pass(&self) -> bool {
        let state = self.lock();
        let silent = |state: &mut State| state.flow == Flow::Silent && !state.ended;
        let state = self.turned.wait_while(state, silent);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.flow == Flow::Open && !state.ended
    }

    fn carry(self: &Arc<Self>, near: TcpStream) {
        if !self.pass() {
            return;
        }
        let Ok(far) = TcpStream::connect_timeout(&self.target, Duration::from_secs(5)) else {
            return;
        };
        let clones = (|| {
            let kept = (near.try_clone()?, far.try_clone()?);
            Ok::<_, std::io::Error>((near.try_clone()?, far.try_clone()?, kept))
        })();
        let Ok((near2, far2, kept)) = clones else {
            return;
        };
        let mut state = self.lock();
        state.pairs.push(kept);
        state.carried += 1;
        drop(state);
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || up.pump(near, far));
        std::thread::spawn(move || down.pump(far2, near2));
    }

    /// Carries bytes one way until either end is closed, which closes the other.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16_384];
        while let Ok(count) = from.read(&mut buffer) {
            if !self.pass() {
                return;
            }
            if count == 0 || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // Either may be gone already.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}

impl Valve {
    /// An open valve before `target`.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0");
        let listener = listener.unwrap_or_else(|error| panic!("no port is free: {error}"));
        let address = listener.local_addr();
        let address = address.unwrap_or_else(|error| panic!("the port has no address: {error}"));
        let state = State {
            flow: Flow::Open,
            ended: false,
            pairs: Vec::new(),
            carried: 0,
        };
        let shared = Arc::new(Shared {
            target,
            state: Mutex::new(state),
            turned: Condvar::new(),
        });
        let inside = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if inside.lock().ended {
                    return;
                }
                let inside = Arc::clone(&inside);
                std::thread::spawn(move || inside.carry(near));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections carried so far.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.shared.lock().carried
    }

    /// Turns the flow.
    pub fn turn(&self, flow: Flow) {
        let mut state = self.shared.lock();
        state.flow = flow;
        if flow == Flow::Closed {
            for (near, far) in state.pairs.drain(..) {
                let _ = near.shutdown(Shutdown::Both);
                let _ = far.shutdown(Shutdown::Both);
            }
        }
        drop(state);
        self.shared.turned.notify_all();
    }

    /// Has the master lose every connection while its agents learn nothing of it.
    pub fn lose_masters(&self) {
        self.lose(|(_, far)| far);
    }

    /// Has agents lose their connections while the master learns nothing of it.
    pub fn lose_agents(&self) {
        self.lose(|(near, _)| near);
    }

    /// Closes one end of each connection. The pumps are stopped first, so that the other end stays
    /// open and silent as long as the valve keeps it.
    fn lose(&self, end: impl Fn(&(TcpStream, TcpStream)) -> &TcpStream) {
        let mut state = self.shared.lock();
        state.flow = Flow::Closed;
        let pairs = std::mem::take(&mut state.pairs);
        drop(state);
        self.shared.turned.notify_all();
        for pair in &pairs {
            let _ = end(pair).shutdown(Shutdown::Both);
        }
        let mut state = self.shared.lock();
        state.pairs = pairs;
        state.flow = Flow::Open;
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.turn(Flow::Closed);
        self.shared.lock().ended = true;
        // Wakes the listening thread, so that it sees that it is over.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}
