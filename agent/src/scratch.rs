//! A temporary folder for unit tests, removed when dropped. Only compiled for tests.

use std::path::{Path, PathBuf};

/// A fresh folder below the system's temporary folder.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let mut random = [0_u8; 8];
        crate::sys::fill_random(&mut random).unwrap();
        let name = format!("windlass-agent-{:016x}", u64::from_ne_bytes(random));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
