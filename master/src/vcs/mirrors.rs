//! The mirrors of one master, one per repository, shared by the poller, the runner and the forms.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::git::Mirror;

/// The mirrors of one master; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mirrors {
    /// Folder that holds them.
    folder: PathBuf,
    /// Those that were asked for, by name of the repository.
    known: Arc<Mutex<HashMap<String, Mirror>>>,
}

impl Mirrors {
    /// Mirrors below `folder`, which is made when the first is filled.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            known: Arc::default(),
        }
    }

    /// The mirror of the repository `name` (a checked [`crate::model::Name`]) at `url`.
    #[must_use]
    pub fn of(&self, name: &str, url: &str) -> Mirror {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(name) {
            Some(mirror) if mirror.url() == url => mirror.clone(),
            _ => {
                let mirror = Mirror::new(self.folder.join(name), url.to_owned());
                known.insert(name.to_owned(), mirror.clone());
                mirror
            }
        }
    }
}
