//! Starting, reading the configuration again, and stopping.

use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const CONFIG: &str = "[master]\nweb_listen = '127.0.0.1:0'\nagent_listen = '127.0.0.1:0'\n";

fn folder(rest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, rest);
    folder
}

fn write(folder: &tempfile::TempDir, rest: &str) {
    std::fs::write(
        folder.path().join("windlass.toml"),
        format!("{CONFIG}{rest}"),
    )
    .unwrap();
}

async fn begin(folder: &tempfile::TempDir) -> Result<Running, StartError> {
    start(Options::new(&folder.path().join("windlass.toml"))).await
}

async fn health(running: &Running) -> String {
    let mut stream = TcpStream::connect(running.web_addr()).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_serves_both_doors_and_stops_in_order() {
    let folder = folder("");
    let running = begin(&folder).await.unwrap();
    assert!(health(&running).await.starts_with("HTTP/1.1 200"));
    assert!(TcpStream::connect(running.agent_addr()).await.is_ok());
    let (web, agents) = (running.web_addr(), running.agent_addr());
    let began = Instant::now();
    running.stop().await;
    assert!(began.elapsed() < STOP_MAX, "the stop ran into its bound");
    assert!(TcpStream::connect(web).await.is_err());
    assert!(TcpStream::connect(agents).await.is_err());
    let again = begin(&folder).await.unwrap();
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_master_is_kept_out_of_the_data_folder() {
    let folder = folder("");
    let running = begin(&folder).await.unwrap();
    let second = begin(&folder).await.err().unwrap().to_string();
    assert!(second.starts_with("another master works in"), "{second}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_file_comes_into_force_and_a_bad_one_changes_nothing() {
    let folder = folder("[agent.one]\n");
    let running = begin(&folder).await.unwrap();
    write(&folder, "[agent.one]\n[agent.two]\n");
    running.reload().await.unwrap();
    assert!(running.app().config().agents.contains_key("two"));
    let before = running.app().config();
    write(&folder, "[agent.three]\nslots = 'many'\n");
    let error = running.reload().await.unwrap_err().to_string();
    assert!(error.contains("`slots` must be a whole number"), "{error}");
    write(&folder, "data = 'elsewhere'\n");
    assert!(running.reload().await.is_err());
    assert_eq!(running.app().config(), before);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[master]\nweb_listen = '{address}'\nagent_listen = '127.0.0.1:0'\n");
    std::fs::write(folder.path().join("windlass.toml"), text).unwrap();
    let error = begin(&folder).await.err().unwrap().to_string();
    let expected = format!("cannot listen for browsers at {address}");
    assert!(error.starts_with(&expected), "{error}");
}
