//! `shutdown` and `upgrade`: what is asked of the agent itself. The new program is the down stream.

use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::hello::name_is_valid;
use crate::hex;

/// When the agent ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutdownMode {
    /// Take no new command, end when the last one has ended and was fetched.
    Drain,
    /// End every command, then itself.
    Now,
}

impl ShutdownMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Now => "now",
        }
    }

    /// The mode of a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Drain, Self::Now]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// End the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shutdown {
    /// When.
    pub mode: ShutdownMode,
}

/// Replace the agent's program by the bytes of the down stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upgrade {
    /// Bytes of the program.
    pub size: u64,
    /// SHA-256 of the program.
    pub sha256: [u8; 32],
    /// The version that the program must say it is; characters as of a name.
    pub version: String,
}

impl Shutdown {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("mode", self.mode.as_str());
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let mode = ShutdownMode::parse(pairs.require_text("mode")?)
            .ok_or(BoxError::BadValue("mode", "drain or now"))?;
        Ok(Self { mode })
    }
}

impl Upgrade {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push_number("size", self.size);
        pairs.push("sha256", hex::encode(&self.sha256));
        pairs.push("version", &self.version);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let version = pairs.require_text("version")?;
        if !name_is_valid(version) {
            let right = "1 to 64 of A-Z a-z 0-9 . _ - +";
            return Err(BoxError::BadValue("version", right).into());
        }
        Ok(Self {
            size: pairs.require_number("size")?,
            sha256: hex::decode_array(pairs.require("sha256")?)
                .ok_or(BoxError::BadValue("sha256", "64 lower-case hex digits"))?,
            version: version.to_owned(),
        })
    }
}
