//! A TCP proxy between agent and master that cuts connections at random places. The same seed
//! cuts at the same byte counts.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A proxy that listens on a free port of 127.0.0.1 until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    /// Cuts still to be made.
    cuts_left: AtomicU64,
    /// Cuts made.
    cuts: AtomicU64,
    /// State of the generator of cut places.
    seed: AtomicU64,
    /// Most bytes that a connection carries before it is cut.
    bytes_max: u64,
    stopped: AtomicBool,
}

impl Proxy {
    /// Forwards to `target` and makes `cuts` cuts, each after at most `bytes_max` bytes in both
    /// directions together; later connections live.
    #[must_use]
    pub fn start(target: SocketAddr, seed: u64, cuts: u64, bytes_max: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0");
        let listener = listener.unwrap_or_else(|error| panic!("no port is free: {error}"));
        let address = listener.local_addr();
        let address = address.unwrap_or_else(|error| panic!("the port has no address: {error}"));
        let shared = Arc::new(Shared {
            target,
            cuts_left: AtomicU64::new(cuts),
            cuts: AtomicU64::new(0),
            seed: AtomicU64::new(seed | 1),
            bytes_max,
            stopped: AtomicBool::new(false),
        });
        let inside = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if inside.stopped.load(Ordering::SeqCst) {
                    return;
                }
                inside.carry(stream);
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts made so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listening thread, so that it sees that it is over.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Shared {
    /// Carries one connection in two threads; each ends it for both when the budget is used up.
    fn carry(self: &Arc<Self>, near: TcpStream) {
        let Ok(far) = TcpStream::connect_timeout(&self.target, Duration::from_secs(5)) else {
            return;
        };
        let cut = self
            .cuts_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        let budget = if cut {
            self.next() % self.bytes_max + 1
        } else {
            u64::MAX
        };
        let budget = Arc::new(AtomicU64::new(budget));
        let (Ok(near2), Ok(far2)) = (near.try_clone(), far.try_clone()) else {
            return;
        };
        let (one, two) = (Arc::clone(self), Arc::clone(self));
        let budget2 = Arc::clone(&budget);
        std::thread::spawn(move || one.pump(near, far, &budget));
        std::thread::spawn(move || two.pump(far2, near2, &budget2));
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, budget: &AtomicU64) {
        let mut buffer = [0_u8; 8192];
        while let Ok(read) = from.read(&mut buffer) {
            let before = budget
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    Some(left.saturating_sub(read as u64))
                })
                .unwrap_or(0);
            // The cut may fall into the middle of what was read.
            let whole = usize::try_from(before).unwrap_or(usize::MAX).min(read);
            let written = to.write_all(&buffer[..whole]);
            if read == 0 || written.is_err() {
                break;
            }
            if whole < read || before == read as u64 {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        // Either may be gone already.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    /// The next number of an xorshift generator.
    fn next(&self) -> u64 {
        let mut x = self.seed.load(Ordering::SeqCst);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.store(x, Ordering::SeqCst);
        x
    }
}
