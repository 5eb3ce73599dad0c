//! What each side says of itself in its HELLO: the names, not the nonce.

use crate::boxes::{BoxError, Boxed};
use crate::limits;

/// Who the agent is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentHello {
    /// The name the master knows it by: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// The random id stored by this installation; same characters as a name.
    pub installation: String,
    /// The id of the machine's present boot; same characters as a name.
    pub boot: String,
    /// Version of the agent program.
    pub version: String,
    /// Operating system (`linux`, `macos`, `windows`, `freebsd` …).
    pub os: String,
    /// Processor (`x86_64`, `aarch64` …).
    pub arch: String,
    /// Id of the one-time token it enrols with; `None` when it has a key.
    pub enroll: Option<String>,
    /// Its transport cannot be read on the way (TLS, ssh, a pipe, this machine alone).
    pub confidential: bool,
    /// Names of what it can do beyond version 1.
    pub capabilities: Vec<String>,
}

/// Who the master is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MasterHello {
    /// The id that all masters of one installation share; characters as of a name.
    pub deployment: String,
    /// Version of the master program.
    pub version: String,
    /// Names of what it can do beyond version 1.
    pub capabilities: Vec<String>,
}

impl AgentHello {
    /// The pairs of the HELLO except `nonce`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("role", "agent");
        pairs.push("agent", &self.name);
        pairs.push("installation", &self.installation);
        pairs.push("boot", &self.boot);
        pairs.push("version", &self.version);
        pairs.push("os", &self.os);
        pairs.push("arch", &self.arch);
        self.enroll.iter().for_each(|id| pairs.push("enroll", id));
        if self.confidential {
            pairs.push("confidential", "1");
        }
        self.capabilities
            .iter()
            .for_each(|name| pairs.push("cap", name));
        pairs
    }

    /// Reads an agent's HELLO; a missing or malformed name is an error.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        check_role(pairs, b"agent")?;
        Ok(Self {
            name: name(pairs, "agent")?,
            installation: name(pairs, "installation")?,
            boot: name(pairs, "boot")?,
            version: name(pairs, "version")?,
            os: name(pairs, "os")?,
            arch: name(pairs, "arch")?,
            enroll: optional_name(pairs, "enroll")?,
            confidential: pairs.flag("confidential")?,
            capabilities: capabilities(pairs)?,
        })
    }
}

impl MasterHello {
    /// The pairs of the HELLO except `nonce`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("role", "master");
        pairs.push("deployment", &self.deployment);
        pairs.push("version", &self.version);
        self.capabilities
            .iter()
            .for_each(|name| pairs.push("cap", name));
        pairs
    }

    /// Reads a master's HELLO; a missing or malformed name is an error.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        check_role(pairs, b"master")?;
        Ok(Self {
            deployment: name(pairs, "deployment")?,
            version: name(pairs, "version")?,
            capabilities: capabilities(pairs)?,
        })
    }
}

/// Whether a text may be a name: 1 to 64 of `A-Z a-z 0-9 . _ - +`.
pub fn name_is_valid(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::NAME_BYTES_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
}

fn check_role(pairs: &Boxed, role: &[u8]) -> Result<(), BoxError> {
    pairs.check_understood(&[])?;
    match pairs.require("role")? == role {
        true => Ok(()),
        false => Err(BoxError::BadValue("role", "that of the other side")),
    }
}

fn optional_name(pairs: &Boxed, key: &'static str) -> Result<Option<String>, BoxError> {
    pairs.first(key).map(|_| name(pairs, key)).transpose()
}

fn name(pairs: &Boxed, key: &'static str) -> Result<String, BoxError> {
    let text = pairs.require_text(key)?;
    match name_is_valid(text) {
        true => Ok(text.to_owned()),
        false => Err(BoxError::BadValue(key, "1 to 64 of A-Z a-z 0-9 . _ - +")),
    }
}

fn capabilities(pairs: &Boxed) -> Result<Vec<String>, BoxError> {
    let names: Vec<String> = pairs
        .all("cap")
        .map(|v| String::from_utf8_lossy(v).into_owned())
        .collect();
    if names.len() > limits::CAPABILITIES_MAX || !names.iter().all(|n| name_is_valid(n)) {
        return Err(BoxError::BadValue("cap", "at most 32 names"));
    }
    Ok(names)
}
