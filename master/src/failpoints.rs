//! Places where tests end the process as a power cut would, by name. In released builds they are
//! nothing. Which name, and at which visit of it, the environment says; no product code asks.

/// `NAME` or `NAME:N`: the process ends at the first or the `N`-th visit of the point.
#[cfg(debug_assertions)]
const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";

/// Every point there is, so that tests can visit them all.
pub const POINTS: &[&str] = &[
    "condemn.after",
    "condemn.before-commit",
    "expire.after",
    "expire.before-commit",
    "expire.deleted",
    "expire.row",
    "store.finished",
    "store.part",
    "store.renamed",
    "store.shifted",
    "store.synced",
    "store.uploaded",
    "unlink.after",
    "unlink.before",
    "upload.drafted",
    "upload.begun",
    "upload.written",
    "upload.synced",
    "upload.saved",
    "upload.moving",
    "upload.moved",
    "upload.complete",
    "upload.refused",
    "upload.abandoned",
    "commit.begun",
    "commit.recording",
    "commit.recorded",
    "release.changing",
    "release.changed",
    "unlink.before-commit",
    "unlink.committed",
];

/// Ends the process at once if the environment names this point; `name` is one of [`POINTS`].
#[inline]
pub fn reach(name: &str) {
    #[cfg(debug_assertions)]
    debug::reach(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod debug {
    //! The same in builds for tests.

    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{POINTS, VARIABLE};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static VISITS: AtomicU64 = AtomicU64::new(0);

    pub(super) fn reach(name: &str) {
        assert!(
            POINTS.contains(&name),
            "the fail point `{name}` is not in the list"
        );
        let wanted = WANTED.get_or_init(|| {
            let text = std::env::var(VARIABLE).ok()?;
            let (name, visit) = text.rsplit_once(':').unwrap_or((&text, "1"));
            Some((name.to_owned(), visit.parse().unwrap_or(1)))
        });
        let is_it = wanted.as_ref().is_some_and(|(wanted, visit)| {
            wanted == name && VISITS.fetch_add(1, Ordering::SeqCst) + 1 == *visit
        });
        if is_it {
            // Like `kill -9`: no destructor runs, nothing is flushed.
            std::process::abort();
        }
    }
}
