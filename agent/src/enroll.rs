//! `enroll`: gets a key, by a token over one connection or as it was pasted, and writes it and
//! the configuration down. Not here: what a token is; running the agent.

use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use windlass_protocol::{AgentHello, CloseReason, Connection, Event, Key, Token};

use crate::agent::Agent;
use crate::clock::{now_ms, until};
use crate::commands::Launch;
use crate::config::args::{Credential, Enroll};
use crate::config::line;
use crate::log::log;
use crate::transport::Transport;
use crate::{connect, key, session, sys};

/// A line may be lost at any moment of an enrolment, and the same token is good until the new
/// key was used; more tries would only hide a master that is away.
const TRIES_MAX: u32 = 5;
/// Between two tries: a proxy or a master that is being restarted needs about this.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long the master gets to hang up after our BYE.
const FAREWELL: Duration = Duration::from_secs(2);
/// One read of the transport; a handshake fits.
const READ_BYTES: usize = 8192;
/// A pasted line; a token has 1 to 64 bytes of id and 70 more.
const LINE_BYTES_MAX: u64 = 1024;

/// Why a try did not enrol.
enum Fault {
    /// Another try may do.
    Lost(String),
    /// No other try will.
    Final(String),
}

/// Does it; the text is for the person, the error says what would be right.
pub(crate) fn run(enroll: &Enroll) -> Result<String, String> {
    let config = &enroll.config;
    if !enroll.force && config.key_file.exists() {
        return Err(format!(
            "key file {}: exists; this agent is enrolled already, `--force` replaces its key",
            config.key_file.display()
        ));
    }
    match &enroll.with {
        Credential::Key(text) => {
            let text = pasted(text)?;
            let key = Key::parse(&text).ok_or("--key: not a key; paste the whole `wlk1_…`")?;
            key::write_key(&config.key_file, &key)?;
        }
        Credential::Token(text) => {
            let text = pasted(text)?;
            let token =
                Token::parse(&text).ok_or("--token: not a token; paste the whole `wlt1_…`")?;
            enroll_by_token(enroll, &token)?;
        }
    }
    write_config(&enroll.file, &enroll.said)?;
    Ok(format!(
        "{} is enrolled; its configuration is {file}\n\
         start it:            windlass-agent run --config {file}\n\
         or have it started:  windlass-agent install --config {file}\n",
        config.name,
        file = enroll.file.display()
    ))
}

/// The text, or a line of standard input in place of `-`.
fn pasted(text: &str) -> Result<String, String> {
    if text != "-" {
        return Ok(text.trim().to_owned());
    }
    let mut line = String::new();
    let mut input = std::io::Read::take(std::io::stdin().lock(), LINE_BYTES_MAX);
    let read = input.read_line(&mut line);
    read.map_err(|error| format!("standard input: cannot read it: {error}"))?;
    Ok(line.trim().to_owned())
}

fn enroll_by_token(enroll: &Enroll, token: &Token) -> Result<(), String> {
    let config = &enroll.config;
    let agent = Agent::open(config, Launch::Threads)?;
    let mut tries = 1;
    loop {
        let opened = connect::open(config).map_err(|error| Fault::Lost(error.to_string()));
        let store = |key: &Key| key::write_key(&config.key_file, key);
        match opened.and_then(|transport| exchange(&agent, transport, token, store)) {
            Ok(()) => return Ok(()),
            Err(Fault::Lost(why)) if tries < TRIES_MAX => {
                log!("{}: {why}; trying again", config.way);
                tries += 1;
                std::thread::sleep(TRY_AGAIN);
            }
            Err(Fault::Lost(why) | Fault::Final(why)) => {
                return Err(format!("{}: not enrolled: {why}", config.way));
            }
        }
    }
}

/// One connection, from HELLO to BYE. The key is stored before the master sees our READY.
fn exchange(
    agent: &Agent,
    transport: Transport,
    token: &Token,
    store: impl Fn(&Key) -> Result<(), String>,
) -> Result<(), Fault> {
    let lost = |error: std::io::Error| Fault::Lost(error.to_string());
    let mut nonce = [0; 32];
    sys::fill_random(&mut nonce).map_err(lost)?;
    let hello = AgentHello {
        enroll: Some(token.id.clone()),
        ..session::hello(agent, transport.confidential)
    };
    let mut connection = Connection::agent(hello, vec![token.secret.clone()], nonce, now_ms());
    let Transport {
        reader,
        mut writer,
        hang_up,
        linger,
        ..
    } = transport;
    let blocks = read_blocks(reader);
    let result = loop {
        if let Some(result) = serve_events(agent, &mut connection, &store) {
            break result;
        }
        while let Some(block) = connection.poll_transmit() {
            // A line that is gone shows when reading.
            let _ = writer.write_all(&block).and_then(|()| writer.flush());
        }
        let deadline = connection.poll_timeout().unwrap_or(0);
        match blocks.recv_timeout(until(deadline)) {
            Ok(block) => connection.handle_bytes(now_ms(), &block),
            Err(RecvTimeoutError::Timeout) => connection.handle_timeout(now_ms()),
            Err(RecvTimeoutError::Disconnected) => connection.handle_eof(now_ms()),
        }
    };
    connection.bye();
    while let Some(block) = connection.poll_transmit() {
        let _ = writer.write_all(&block).and_then(|()| writer.flush());
    }
    drop(writer);
    while blocks.recv_timeout(linger.max(FAREWELL)).is_ok() {}
    hang_up();
    result
}

/// What comes, block by block; disconnected at the end. The thread ends with the transport.
fn read_blocks(mut reader: Box<dyn std::io::Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, blocks) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    blocks
}

/// Serves what happened; a result when this connection has come to one.
fn serve_events(
    agent: &Agent,
    connection: &mut Connection,
    store: impl Fn(&Key) -> Result<(), String>,
) -> Option<Result<(), Fault>> {
    while let Some(event) = connection.poll_event() {
        match event {
            Event::Enrolled { key } => {
                if let Err(why) = store(&key) {
                    return Some(Err(Fault::Final(why)));
                }
            }
            Event::Proven(_) => {
                let said = connection.announce(&agent.commands.list());
                return Some(said.map_err(|error| Fault::Lost(error.to_string())));
            }
            Event::Closed(CloseReason::Refused { text, .. }) => {
                let right = "the token is wrong, used up, too old, or for another name";
                return Some(Err(Fault::Final(format!("{text}; {right}"))));
            }
            Event::Closed(reason) => {
                return Some(Err(Fault::Lost(connect::describe(&reason))));
            }
            _ => {}
        }
    }
    None
}

/// Writes the configuration, one line for each value that was said.
fn write_config(path: &Path, said: &[(&'static str, String)]) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: cannot write it: {error}", path.display());
    let mut text =
        String::from("# Configuration of windlass-agent; see `windlass-agent --help`.\n");
    said.iter()
        .for_each(|(key, value)| text.push_str(&line(key, value)));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let part = path.with_extension("part");
    std::fs::write(&part, text).map_err(cannot)?;
    std::fs::rename(&part, path).map_err(cannot)
}
