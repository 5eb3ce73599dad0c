//! When a change schedule asks for builds: a branch has changes it did not deal with, and was
//! quiet for long enough.

use std::time::Duration;

use crate::clock::Time;
use crate::ids::ChangeId;

/// A change on one branch, as far as the decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The change.
    pub id: ChangeId,
    /// When it was seen.
    pub at: Time,
}

/// What to do about one branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing is new.
    Nothing,
    /// The branch is not quiet yet; look again at this moment.
    At(Time),
    /// Ask for builds of the newest change, for all that are new.
    Now,
}

/// Decides about one branch from its new changes in the order they were seen.
#[must_use]
pub fn due(new: &[Seen], quiet: Duration, now: Time) -> Due {
    let Some(newest) = new.iter().map(|seen| seen.at).max() else {
        return Due::Nothing;
    };
    // A clock that went back must not make the branch wait for long: the wait is from `seen` on.
    let ready = newest.after(quiet);
    match ready <= now || newest > now.after(quiet) {
        true => Due::Now,
        false => Due::At(ready),
    }
}

#[cfg(test)]
mod tests {
    //! The decision as a table.

    use super::*;

    #[test]
    fn a_branch_is_built_once_it_was_quiet() {
        let second = |n: i64| Time::from_unix_seconds(n);
        let seen = |at: &[i64]| -> Vec<Seen> {
            let ids = (1..).map(ChangeId);
            ids.zip(at)
                .map(|(id, at)| Seen {
                    id,
                    at: second(*at),
                })
                .collect()
        };
        let table = [
            (seen(&[]), 30, 100, Due::Nothing),
            (seen(&[100]), 0, 100, Due::Now),
            (seen(&[100]), 30, 100, Due::At(second(130))),
            (seen(&[100]), 30, 130, Due::Now),
            (seen(&[100, 120]), 30, 130, Due::At(second(150))),
            (seen(&[100, 120]), 30, 150, Due::Now),
            (seen(&[9_000]), 30, 100, Due::Now),
        ];
        for (new, quiet, now, expected) in table {
            let decided = due(&new, Duration::from_secs(quiet), second(now));
            assert_eq!(decided, expected, "{new:?} {quiet} {now}");
        }
    }
}
