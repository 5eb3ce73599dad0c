//! Which branches a list of globs names.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Compiled branch globs, as the configuration's check reads them: `*` stops at a slash, `**` does
/// not, so that `release/*` names `release/1.0` and `**` every branch.
#[derive(Debug, Clone)]
pub struct Branches(GlobSet);

impl Branches {
    /// Compiles `globs`, which the configuration's check accepted; one that does not compile
    /// matches nothing.
    #[must_use]
    pub fn new(globs: &[String]) -> Self {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let built = GlobBuilder::new(glob).literal_separator(true).build();
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

#[cfg(test)]
mod tests {
    //! The globs as a table.

    use super::*;

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        let table = [
            ("*", "main", true),
            ("*", "release/1.0", false),
            ("**", "release/1.0", true),
            ("release/*", "release/1.0", true),
            ("release/*", "release/1.0/fix", false),
            ("release/**", "release/1.0/fix", true),
            ("{main,next}", "next", true),
            ("main", "Main", false),
        ];
        for (glob, branch, expected) in table {
            let globs = Branches::new(&[glob.to_owned()]);
            assert_eq!(globs.names(branch), expected, "{glob} {branch}");
        }
    }
}
