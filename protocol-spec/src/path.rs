//! Paths on the wire: bytes, `/` between components, always below a root. Checks only; opening
//! them without following links is the agent's business.

use crate::error::{Code, Failure};
use crate::limits;
use std::collections::HashMap;
use std::fmt;

/// A checked path below some root: no `..`, no `.`, not absolute, no NUL, no empty component.
/// The empty path is the root itself. Bytes, not text: Unix names need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath {
    bytes: Vec<u8>,
}

impl RelPath {
    /// The root itself: the empty path.
    pub fn root() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Checks bytes from the wire; the failure is `bad-path` and says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let fail = |text| Err(Failure::new(Code::BadPath, text).with_path(bytes));
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        if bytes.len() > limits::PATH_BYTES_MAX {
            return fail("a path must be at most 4096 bytes");
        }
        if bytes[0] == b'/' {
            return fail("a path must not be absolute");
        }
        for component in bytes.split(|b| *b == b'/') {
            match component {
                b"" => return fail("a path must not have empty components"),
                b"." | b".." => return fail("a path must not have `.` or `..` components"),
                _ if component.len() > limits::COMPONENT_BYTES_MAX => {
                    return fail("a component of a path must be at most 255 bytes");
                }
                _ if component.contains(&0) => return fail("a path must not have NUL bytes"),
                _ => {}
            }
        }
        Ok(Self {
            bytes: bytes.to_vec(),
        })
    }

    /// Reads what a person wrote: `./` in front, `/` at the end and doubled `/` are forgiven,
    /// `.` is the root; everything else as `parse`.
    pub fn from_user(text: &str) -> Result<Self, Failure> {
        if text.starts_with('/') {
            return Self::parse(text.as_bytes());
        }
        let kept: Vec<&str> = text
            .split('/')
            .filter(|c| !c.is_empty() && *c != ".")
            .collect();
        Self::parse(kept.join("/").as_bytes())
    }

    /// The bytes as they go over the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The components, none for the root.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|b| *b == b'/').filter(|c| !c.is_empty())
    }

    /// This path below another; too long together is `bad-path`.
    pub fn below(&self, parent: &RelPath) -> Result<RelPath, Failure> {
        match (parent.is_root(), self.is_root()) {
            (true, _) => Ok(self.clone()),
            (_, true) => Ok(parent.clone()),
            _ => Self::parse(&[&parent.bytes, b"/".as_slice(), &self.bytes].concat()),
        }
    }

    /// The folder it lies in; `None` for the root.
    pub fn parent(&self) -> Option<RelPath> {
        if self.is_root() {
            return None;
        }
        let end = self.bytes.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(Self {
            bytes: self.bytes[..end].to_vec(),
        })
    }

    /// The last component; `None` for the root.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.components().last()
    }

    /// What Windows adds: UTF-8, no `\ : * ? " < > |` or control bytes, no dot or space at the end
    /// of a component, no device names (CON, NUL, COM1 …). An agent on Windows checks every path.
    pub fn check_windows(&self) -> Result<(), Failure> {
        let fail = |text| Err(Failure::new(Code::BadPath, text).with_path(&self.bytes));
        if std::str::from_utf8(&self.bytes).is_err() {
            return fail("a path on Windows must be UTF-8");
        }
        for component in self.components() {
            if component
                .iter()
                .any(|b| *b < 32 || b"\\:*?\"<>|".contains(b))
            {
                return fail("a name on Windows must not have \\ : * ? \" < > | or control bytes");
            }
            if component.ends_with(b".") || component.ends_with(b" ") {
                return fail("a name on Windows must not end with a dot or a space");
            }
            if is_device(component) {
                return fail("the name is reserved for a device on Windows");
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({})", self.bytes.escape_ascii())
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

fn is_device(component: &[u8]) -> bool {
    let stem = component.split(|b| *b == b'.').next().unwrap_or_default();
    let stem = String::from_utf8_lossy(stem)
        .trim_end()
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            matches!(
                rest,
                "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    };
    matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT")
}

/// Finds names of a tree that are one name on a machine that ignores case.
#[derive(Default, Debug)]
pub struct CaseClash {
    /// Folded path of each path seen -> the path as it was written.
    seen: HashMap<String, Vec<u8>>,
}

impl CaseClash {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers a path and, one by one, the folders above it; `case-clash` names both spellings
    /// when one of them was seen written otherwise.
    pub fn insert(&mut self, path: &RelPath) -> Result<(), Failure> {
        let bytes = path.as_bytes();
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'/')
            .map(|(at, _)| at);
        for end in ends.chain([bytes.len()]) {
            let prefix = &bytes[..end];
            let folded = String::from_utf8_lossy(prefix).to_lowercase();
            let first = self.seen.entry(folded).or_insert_with(|| prefix.to_vec());
            if first != prefix {
                let other = String::from_utf8_lossy(first).into_owned();
                let text = format!("`{other}` is the same name on this machine");
                return Err(Failure::new(Code::CaseClash, text).with_path(prefix));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
