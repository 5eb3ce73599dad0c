//! Strangers at the agents' port, with real sockets: what they cost, and whose place they take.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use windlass_tests::master::Master;
use windlass_tests::wait;

/// Connections that prove nothing, unless `WINDLASS_TEST_HALF_OPEN` says how many.
const HALF_OPEN: usize = 600;
/// What the master may take for 10,000 of them.
const GROWTH_KB_MAX: u64 = 50 * 1024;
/// Connections from one address: the master takes 64 of each.
const PER_ADDRESS: usize = 60;

/// A socket from an address of its own of this machine's many.
fn from(address: Ipv4Addr, target: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((address, 0).into()).expect("an address");
        let stream = socket.connect(target).await.expect("the port is open");
        let stream = stream.into_std().expect("a stream");
        stream.set_nonblocking(false).expect("a blocking stream");
        stream
    })
}

/// Memory of the master in kilobytes, without the pages of its program, which come in as its code
/// is first run.
fn resident_kb(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[test]
fn half_open_connections_take_little_memory_and_nobodys_place() {
    let wanted = std::env::var("WINDLASS_TEST_HALF_OPEN").ok();
    let wanted = wanted
        .and_then(|text| text.parse().ok())
        .unwrap_or(HALF_OPEN);
    let mut master = Master::new("[agent.linux-1]\n");
    master.start();
    let before = resident_kb(master.id());
    let begun = Instant::now();
    let strangers: Vec<TcpStream> = (0..wanted)
        .map(|number| {
            let of = u32::try_from(number / PER_ADDRESS).expect("a number");
            let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 1, 0)) + of);
            let mut stream = from(address, master.agents());
            // Half of them begin to speak; a master that closed one already does no harm.
            if number % 2 == 0 {
                let _ = stream.write_all(b"WNDLS/1\n\0\0\x0f\xff\x01\0\0\0\0\0half a HELLO");
            }
            stream
        })
        .collect();
    let _agent = master.agent("linux-1", master.agents());
    wait::until("the agent is in", || {
        master.log().contains(" connected agent").then_some(())
    });
    let grown = resident_kb(master.id()).saturating_sub(before);
    // A few megabytes are the agent's own; the rest is by the number.
    let most = GROWTH_KB_MAX * wanted as u64 / 10_000 + 8 * 1024;
    assert!(
        grown <= most,
        "{grown} kB for {wanted} half-open connections, {most} are allowed"
    );
    // After ten seconds every one of them is shown out.
    for mut stream in strangers {
        let left = Duration::from_secs(60).saturating_sub(begun.elapsed());
        let left = left.max(Duration::from_millis(100));
        stream.set_read_timeout(Some(left)).expect("a time-out");
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let is_over = ended.as_ref().map_or_else(
            |error| error.kind() == std::io::ErrorKind::ConnectionReset,
            |_| true,
        );
        assert!(is_over, "the master keeps a stranger: {ended:?}");
    }
}

#[test]
fn a_crowd_of_one_address_is_kept_small() {
    let mut master = Master::new("");
    master.start();
    let crowd: Vec<TcpStream> = (0..80)
        .map(|_| from(Ipv4Addr::new(127, 0, 2, 1), master.agents()))
        .collect();
    // Those above the number are closed at once, not after ten seconds.
    let closed_at_once = crowd
        .iter()
        .filter(|stream| {
            let limit = Duration::from_millis(50);
            stream.set_read_timeout(Some(limit)).expect("a time-out");
            let mut stream = *stream;
            !stream.read(&mut [0]).is_err_and(|error| {
                matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                )
            })
        })
        .count();
    assert_eq!(closed_at_once, 80 - 64);
}
