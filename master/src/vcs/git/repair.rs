//! What a mirror needs after a git process was killed or the disk lost something. The mirror is a
//! copy: what cannot be mended is fetched anew.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Mirror;
use crate::vcs::{VcsError, VcsResult};

/// Looking through a large mirror on a slow disk.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Words of git about a repository of ours that is not whole. They only raise the suspicion.
const SUSPICIOUS: [&str; 8] = [
    "not a git repository",
    "bad object",
    "corrupt",
    "missing",
    "unable to read",
    "unable to parse",
    "did not send all necessary objects",
    "invalid sha1 pointer",
];

impl Mirror {
    /// Removes lock files that a killed process left, and says whether there were any. Only to be
    /// called by who holds `writing`: nobody else writes here.
    pub(super) async fn unlock(&self) -> bool {
        let folder = self.folder().to_owned();
        let removed = tokio::task::spawn_blocking(move || {
            let top = remove_locks(&folder, false)?;
            Ok::<_, io::Error>(top + remove_locks(&folder.join("refs"), true)?)
        });
        match removed.await {
            Ok(Ok(0)) | Err(_) => false,
            Ok(Ok(removed)) => {
                let folder = self.folder().display();
                tracing::warn!(%folder, removed, "removed locks that a killed git left");
                true
            }
            Ok(Err(error)) => {
                let folder = self.folder().display();
                tracing::warn!(%folder, %error, "cannot look for locks that a killed git left");
                false
            }
        }
    }

    /// Puts a mirror aside that is not whole, as `error` made suspect; the next one is begun
    /// empty. Says whether it did.
    pub(super) async fn discard_if_damaged(
        &self,
        error: &VcsError,
        stop: &CancellationToken,
    ) -> VcsResult<bool> {
        let VcsError::Failed { text, .. } = error else {
            return Ok(false);
        };
        // A mistake in the configuration of git's user is not the mirror's.
        let own_config = text.contains("bad config")
            && text.contains(&self.folder().to_string_lossy().into_owned());
        if !own_config && !SUSPICIOUS.iter().any(|words| text.contains(words)) {
            return Ok(false);
        }
        let check = super::Call::new("fsck", CHECK_TIMEOUT)
            .folder(self.folder())
            .args(["--connectivity-only", "--no-dangling", "--no-progress"])
            .cut()
            .run(stop)
            .await;
        match check {
            Ok(_) => return Ok(false),
            Err(VcsError::Failed { .. }) => {}
            Err(error) => return Err(error),
        }
        let (folder, aside) = (self.folder(), self.folder().with_extension("damaged"));
        tracing::error!(folder = %folder.display(), text, "the mirror is damaged: made anew");
        let put_aside = async {
            match tokio::fs::remove_dir_all(&aside).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => tokio::fs::rename(folder, &aside).await,
            }
        };
        let io = |error| VcsError::Io {
            what: "fetch".to_owned(),
            error,
        };
        put_aside.await.map_err(io)?;
        Ok(true)
    }
}

/// Removes the `*.lock` files of a folder and, if asked, of those below.
fn remove_locks(folder: &Path, deep: bool) -> io::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && deep {
            removed += remove_locks(&entry.path(), deep)?;
        } else if kind.is_file() && entry.path().extension().is_some_and(|end| end == "lock") {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
