//! Which branches a list of globs names.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Compiled branch globs. `*` also matches the slash: `*` names every branch and `release/*` all
/// below `release/`.
#[derive(Debug, Clone)]
pub struct Branches(GlobSet);

impl Branches {
    /// Compiles `globs`, which the configuration's check accepted; one that does not compile
    /// matches nothing.
    #[must_use]
    pub fn new(globs: &[String]) -> Self {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let built = GlobBuilder::new(glob).literal_separator(false).build();
            if let Ok(glob) = built {
                set.add(glob);
            }
        }
        Self(set.build().unwrap_or_else(|_| GlobSet::empty()))
    }

    /// Whether one of the globs names `branch`.
    #[must_use]
    pub fn names(&self, branch: &str) -> bool {
        self.0.is_match(branch)
    }
}
