//! A proxy on loopback that cuts what goes through it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Cuts every connection when told to, or after a number of bytes from the agent.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    strands: watch::Sender<u64>,
    /// Connections made so far.
    pub(super) connections: Arc<AtomicU64>,
}

impl Proxy {
    /// Forwards to `target`. The n-th connection is cut after `limit(n)` bytes from the agent.
    pub(super) async fn start(
        target: SocketAddr,
        limit: impl Fn(u64) -> u64 + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (strands, _) = watch::channel(0);
        let connections = Arc::new(AtomicU64::new(0));
        let (told, count) = (strands.clone(), Arc::clone(&connections));
        let target = Arc::new(Mutex::new(target));
        let aim = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (limit, strand) = (limit(number), told.subscribe());
                let target = *aim.lock().unwrap();
                tokio::spawn(async move {
                    if let Ok(master) = TcpStream::connect(target).await {
                        forward(agent, master, limit, strand).await;
                    }
                });
            }
        });
        Self {
            address,
            target,
            strands,
            connections,
        }
    }

    /// Forwards new connections to another place.
    pub(super) fn aim(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = target;
    }

    /// Cuts every connection now on the agent's side only: the master is not told.
    pub(super) fn strand(&self) {
        self.strands.send_modify(|strands| *strands += 1);
    }
}

async fn forward(
    agent: TcpStream,
    master: TcpStream,
    limit: u64,
    mut strand: watch::Receiver<u64>,
) {
    let (from_agent, mut to_agent) = agent.into_split();
    let (mut from_master, mut to_master) = master.into_split();
    let mut from_agent = from_agent.take(limit);
    let down = tokio::io::copy(&mut from_master, &mut to_agent);
    let up = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match from_agent.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => to_master.write_all(&buffer[..count]).await.unwrap_or(()),
            }
        }
    };
    let is_stranded = tokio::select! {
        _ = down => false,
        () = up => false,
        _ = strand.changed() => true,
    };
    if is_stranded {
        drop((from_agent, to_agent));
        // Open until the master hangs up.
        let _ = from_master.read_to_end(&mut Vec::new()).await;
    }
}
