//! What an agent and its shims say to each other: `u32 length ‖ box`, either way. Keys that are
//! not known are ignored, so that an agent understands the shims that an older or a newer one
//! started. Not here: what either does about it.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};

use windlass_protocol::ops::{Exec, Reason, Request, SignalName};
use windlass_protocol::{Boxed, CancelMode, hex};

use crate::sys::Account;

/// A request may fill a frame of the protocol; the few keys beside it need little.
const BOX_BYTES_MAX: usize = windlass_protocol::limits::FRAME_MAX + 65_536;

/// What a shim is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) exec: Exec,
    /// The agent's own bound on what waits for the master, bytes.
    pub(crate) spool_bytes: u64,
    /// What stays free on the disk, bytes.
    pub(crate) reserve_bytes: u64,
    /// Where the agent's root is.
    pub(crate) root: Vec<u8>,
    pub(crate) master_present: bool,
    /// The user the command runs as, unless that is ours.
    pub(crate) account: Option<Account>,
}

/// What an agent tells a shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// The master has stored the journal up to here.
    Stored(u64),
    /// Whether there is an authenticated master.
    Master(bool),
    /// Whether all spools together are full.
    Crowded(bool),
    /// End the command.
    End(Reason, CancelMode),
    /// Send the command a signal.
    Deliver(SignalName),
    /// Input of the command that begins at this offset.
    Input(u64, Vec<u8>),
    /// The input is complete.
    InputEnd,
}

/// How things stand with a command, as its shim tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct News {
    /// Bytes of the journal.
    pub(crate) len: u64,
    /// Its digest, once it is finished.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Bytes of input that came.
    pub(crate) input_received: u64,
    /// Bytes of input that the command took.
    pub(crate) input_consumed: u64,
}

impl Start {
    pub(crate) fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("exec", Request::Exec(self.exec.clone()).to_box().encode());
        pairs.push_number("spool_bytes", self.spool_bytes);
        pairs.push_number("reserve_bytes", self.reserve_bytes);
        pairs.push("root", &self.root);
        pairs.push_flag("master", self.master_present);
        if let Some(account) = &self.account {
            pairs.push("user_name", &account.name);
            pairs.push_number("user", account.user.into());
            for group in &account.groups {
                pairs.push_number("group", (*group).into());
            }
            pairs.push("home", &account.home);
        }
        pairs
    }

    pub(crate) fn from_box(pairs: &Boxed) -> io::Result<Start> {
        let request = Boxed::decode(pairs.require("exec").map_err(invalid)?).map_err(invalid)?;
        let Request::Exec(exec) = Request::from_box(&request).map_err(|f| invalid(f.text))? else {
            return Err(invalid("the request starts no command"));
        };
        Ok(Start {
            exec,
            spool_bytes: pairs
                .number("spool_bytes")
                .map_err(invalid)?
                .unwrap_or(u64::MAX),
            reserve_bytes: pairs.number("reserve_bytes").map_err(invalid)?.unwrap_or(0),
            root: pairs.first("root").unwrap_or_default().to_vec(),
            master_present: pairs.flag("master").map_err(invalid)?,
            account: account_of(pairs)?,
        })
    }
}

/// The user that is named. One that cannot be read is an error: the command must not run as us.
fn account_of(pairs: &Boxed) -> io::Result<Option<Account>> {
    let Some(name) = pairs.text("user_name").map_err(invalid)? else {
        return Ok(None);
    };
    let text = |value: &[u8]| std::str::from_utf8(value).ok()?.parse::<u32>().ok();
    let groups: Option<Vec<u32>> = pairs.all("group").map(text).collect();
    let user = pairs.first("user").and_then(text);
    let (Some(user), Some(groups)) = (user, groups) else {
        return Err(invalid("the user to run as has no number"));
    };
    let group = *groups
        .first()
        .ok_or_else(|| invalid("the user to run as has no group"))?;
    Ok(Some(Account {
        name: name.to_owned(),
        user,
        group,
        groups,
        home: pairs
            .text("home")
            .map_err(invalid)?
            .unwrap_or("/")
            .to_owned(),
    }))
}

impl Order {
    pub(crate) fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        match self {
            Order::Stored(offset) => pairs.push_number("stored", *offset),
            Order::Master(present) => pairs.push_number("master", u64::from(*present)),
            Order::Crowded(crowded) => pairs.push_number("crowded", u64::from(*crowded)),
            Order::End(reason, mode) => {
                pairs.push("end", reason.as_str());
                pairs.push("mode", mode.as_str());
            }
            Order::Deliver(signal) => pairs.push("deliver", signal.as_str()),
            Order::Input(offset, bytes) => {
                pairs.push_number("offset", *offset);
                pairs.push("input", bytes);
            }
            Order::InputEnd => pairs.push("input_end", "1"),
        }
        pairs
    }

    /// Every order in a box that is understood.
    pub(crate) fn all_from_box(pairs: &Boxed) -> Vec<Order> {
        let flag = |key| match pairs.first(key) {
            Some(b"1") => Some(true),
            Some(b"0") => Some(false),
            _ => None,
        };
        let number = |key| pairs.number(key).ok().flatten();
        let mut orders = Vec::new();
        orders.extend(number("stored").map(Order::Stored));
        orders.extend(flag("master").map(Order::Master));
        orders.extend(flag("crowded").map(Order::Crowded));
        if let Ok(Some(reason)) = pairs.text("end") {
            let mode = pairs
                .text("mode")
                .ok()
                .flatten()
                .and_then(CancelMode::parse);
            let reason = Reason::parse(reason).unwrap_or(Reason::Cancelled);
            orders.push(Order::End(reason, mode.unwrap_or(CancelMode::Term)));
        }
        if let Ok(Some(name)) = pairs.text("deliver") {
            let signal = SignalName::ALL
                .into_iter()
                .find(|signal| signal.as_str() == name);
            orders.extend(signal.map(Order::Deliver));
        }
        if let (Some(bytes), Some(offset)) = (pairs.first("input"), number("offset")) {
            orders.push(Order::Input(offset, bytes.to_vec()));
        }
        orders.extend(
            flag("input_end")
                .filter(|ends| *ends)
                .map(|_| Order::InputEnd),
        );
        orders
    }
}

impl News {
    pub(crate) fn to_box(self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push_number("len", self.len);
        if let Some(sha256) = self.sha256 {
            pairs.push("sha256", hex::encode(&sha256));
        }
        pairs.push_number("input_received", self.input_received);
        pairs.push_number("input_consumed", self.input_consumed);
        pairs
    }

    pub(crate) fn from_box(pairs: &Boxed) -> io::Result<News> {
        let number = |key| Ok::<u64, io::Error>(pairs.number(key).map_err(invalid)?.unwrap_or(0));
        Ok(News {
            len: number("len")?,
            sha256: pairs.first("sha256").and_then(hex::decode_array),
            input_received: number("input_received")?,
            input_consumed: number("input_consumed")?,
        })
    }
}

fn invalid(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_string())
}

/// Reads one box; `None` at the end of the link.
pub(crate) fn read_box(from: &mut (impl Read + ?Sized)) -> io::Result<Option<Boxed>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > BOX_BYTES_MAX {
        return Err(invalid(format!(
            "a box of {length} bytes; {BOX_BYTES_MAX} are the most"
        )));
    }
    // Grows as bytes come, not by what is claimed.
    let mut bytes = Vec::new();
    Read::take(from, length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Boxed::decode(&bytes).map(Some).map_err(invalid)
}

/// Writes one box.
pub(crate) fn write_box(to: &mut (impl Write + ?Sized), pairs: &Boxed) -> io::Result<()> {
    let body = pairs.encode();
    let length = u32::try_from(body.len()).map_err(invalid)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&body);
    to.write_all(&bytes)?;
    to.flush()
}
