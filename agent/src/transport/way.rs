//! The ways to come together with the master, as they are written in flags and files. Not here:
//! going them.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

/// What is said where TLS is asked for and not there.
pub(crate) const NO_TLS: &str = "this agent is built without TLS: take the one with -tls in its \
                                 name, or a transport command such as `ssh -T`";
/// Where the master's pages let agents in.
const PATH: &str = "/agent";

/// How the agent and its master come together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Dials `HOST:PORT` and speaks at once.
    Dial(String),
    /// Dials `HOST:PORT` and speaks TLS.
    Tls(String),
    /// Through an HTTP server, by upgrade.
    Http {
        /// Over TLS.
        tls: bool,
        /// `HOST:PORT`.
        address: String,
        /// What is asked for, `/…`.
        path: String,
    },
    /// Starts this program with these arguments; its input and output are the connection.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// Where it is started, unless that is where the agent stands: its words may be paths.
        folder: Option<PathBuf>,
    },
    /// Its own input and output are the connection; one, then it ends.
    Stdio,
    /// Waits at this `ADDRESS:PORT` for the master to dial.
    Listen(String),
}

/// Which certificate of the master, or of a server before it, is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// PEM file of those who may sign; the system's if none is named.
    pub ca: Option<PathBuf>,
    /// SHA-256 of the one certificate that is right.
    pub pin: Option<[u8; 32]>,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Dial(address) => f.write_str(address),
            Way::Tls(address) => write!(f, "tls://{address}"),
            Way::Http { tls, address, path } => {
                write!(f, "http{}://{address}{path}", if *tls { "s" } else { "" })
            }
            // The program alone: its arguments may hold what is nobody's business.
            Way::Command { words, .. } => f.write_str(words.first().map_or("", String::as_str)),
            Way::Stdio => f.write_str("standard input"),
            Way::Listen(address) => write!(f, "listening at {address}"),
        }
    }
}

impl Way {
    /// Reads an address of the master: `HOST:PORT`, `tls://HOST:PORT`, or `http://HOST/agent`
    /// and `https://…`. The error says what would be right.
    pub(crate) fn parse(text: &str) -> Result<Way, &'static str> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if matches!(scheme, "tls" | "https") && !cfg!(feature = "tls") {
            return Err(NO_TLS);
        }
        match scheme {
            "" => check_address(rest).map(|()| Way::Dial(rest.to_owned())),
            "tls" => check_address(rest).map(|()| Way::Tls(rest.to_owned())),
            "http" | "https" => parse_http(scheme == "https", rest),
            _ => Err("give HOST:PORT, tls://HOST:PORT, or http:// or https:// and the pages' host"),
        }
    }

    /// Reads an address to listen at.
    pub(crate) fn parse_listen(text: &str) -> Result<Way, &'static str> {
        let right = "give ADDRESS:PORT, such as 127.0.0.1:9990";
        let address: std::net::SocketAddr = text.parse().map_err(|_| right)?;
        Ok(Way::Listen(address.to_string()))
    }

    /// Splits a transport command into words at spaces; `'…'` and `"…"` keep them together.
    pub(crate) fn parse_command(text: &str) -> Result<Way, &'static str> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for char in text.chars() {
            match quote {
                Some(open) if char == open => quote = None,
                Some(_) => word.get_or_insert_default().push(char),
                None if matches!(char, '\'' | '"') => {
                    quote = Some(char);
                    word.get_or_insert_default();
                }
                None if char.is_ascii_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(char),
            }
        }
        words.extend(word);
        match (quote, words.first()) {
            (Some(_), _) => Err("close the quote"),
            (None, Some(first)) if !first.is_empty() => Ok(Way::Command {
                words,
                folder: None,
            }),
            (None, _) => Err("give a program and its arguments, such as `ssh -T builds.example`"),
        }
    }
}

/// Reads what follows `http://` or `https://`.
fn parse_http(tls: bool, rest: &str) -> Result<Way, &'static str> {
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // Quotes, spaces and line ends would be another request.
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '#' | '"' | '<' | '>' | '@');
    if !rest.chars().all(plain) {
        return Err("an address of pages has no spaces, names or marks in it");
    }
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let address = match (has_port, tls) {
        (true, _) => authority.to_owned(),
        (false, true) => format!("{authority}:443"),
        (false, false) => format!("{authority}:80"),
    };
    check_address(&address)?;
    let path = match path {
        "" | "/" => PATH,
        path => path,
    };
    Ok(Way::Http {
        tls,
        address,
        path: path.to_owned(),
    })
}

/// The host of a `HOST:PORT`, without brackets.
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub(crate) fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn check_address(text: &str) -> Result<(), &'static str> {
    let right = "give HOST:PORT, such as builds.example:9989 or [::1]:9989";
    let (host, port) = text.rsplit_once(':').ok_or(right)?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_v6 || port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(right);
    }
    Ok(())
}
