//! The ways to come together with the master, as they are written in flags and files. Not here:
//! going them.

use std::fmt;

/// How the agent and its master come together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Dials `HOST:PORT` and speaks at once.
    Dial(String),
    /// Starts this program with these arguments; its input and output are the connection.
    Command(Vec<String>),
    /// Its own input and output are the connection; one, then it ends.
    Stdio,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Dial(address) => f.write_str(address),
            // The program alone: its arguments may hold what is nobody's business.
            Way::Command(words) => f.write_str(words.first().map_or("", String::as_str)),
            Way::Stdio => f.write_str("standard input"),
        }
    }
}

impl Way {
    /// Reads an address of the master. The error says what would be right.
    pub(crate) fn parse(text: &str) -> Result<Way, &'static str> {
        check_address(text).map(|()| Way::Dial(text.to_owned()))
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
            (None, Some(first)) if !first.is_empty() => Ok(Way::Command(words)),
            (None, _) => Err("give a program and its arguments, such as `ssh -T builds.example`"),
        }
    }
}

pub(crate) fn check_address(text: &str) -> Result<(), &'static str> {
    let right = "give HOST:PORT, such as builds.example:9989 or [::1]:9989";
    let (host, port) = text.rsplit_once(':').ok_or(right)?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_v6 || port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(right);
    }
    Ok(())
}
