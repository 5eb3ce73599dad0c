//! What applications may be told, at every moment of the story, and whether they were.

use std::sync::{Mutex, PoisonError};

/// A recorded build.
#[derive(Debug, Clone)]
pub(super) struct Built {
    /// Id of its product.
    pub(super) product: i64,
    /// Its version.
    pub(super) version: String,
    /// SHA-256 of its file.
    pub(super) sha256: String,
    /// Path of its file.
    pub(super) path: String,
}

/// The builds of one branch and target, the oldest first.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) branch: &'static str,
    pub(super) target: &'static str,
    /// The branch's part of the feeds' addresses.
    pub(super) feed: String,
    pub(super) builds: Vec<Built>,
}

/// What is right for a line: numbers of builds, 0 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Right {
    /// What who tells an id is to have; nothing is offered when absent.
    pub(super) with_id: Option<usize>,
    /// What who tells none is to have.
    pub(super) without_id: Option<usize>,
    /// Who has this build is moved down.
    pub(super) moved_down: Option<usize>,
}

impl Right {
    /// Nothing is offered to anybody.
    pub(super) const NOTHING: Self = Self {
        with_id: None,
        without_id: None,
        moved_down: None,
    };

    /// Everybody is to have this build.
    pub(super) fn all(build: usize) -> Self {
        Self {
            with_id: Some(build),
            without_id: Some(build),
            moved_down: None,
        }
    }
}

/// What an application has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Has {
    /// Nothing that it tells.
    Untold,
    /// A build of its line.
    Build(usize),
    /// A version that was never recorded in its line, of the other branch.
    Foreign(String),
    /// A version that is no version.
    Unknown,
}

/// What it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    /// A version, and the SHA-256 of the file that came from the address that stood beside it.
    Offer {
        version: String,
        sha256: String,
    },
}

/// One question of an application and its answer.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) line: usize,
    pub(super) family: &'static str,
    pub(super) has: Has,
    pub(super) tells_id: bool,
    pub(super) told: Told,
    /// Moments at which it was asked and answered.
    pub(super) from: usize,
    pub(super) until: usize,
}

/// Moments since the first build; at each what is right for every line, more than one while
/// something is being changed.
#[derive(Debug)]
pub(super) struct Truth(Mutex<Vec<Vec<Vec<Right>>>>);

impl Truth {
    pub(super) fn new(lines: usize) -> Self {
        Self(Mutex::new(vec![vec![vec![Right::all(0)]; lines]]))
    }

    /// The present moment.
    pub(super) fn now(&self) -> usize {
        self.moments().len() - 1
    }

    /// From now on this, too, is right for the lines that `whose` says.
    pub(super) fn also(&self, right: &[Right], whose: impl Fn(usize) -> bool) {
        self.turn(whose, |known| known.extend(right));
    }

    /// From now on only this is right for them.
    pub(super) fn only(&self, right: &[Right], whose: impl Fn(usize) -> bool) {
        self.turn(whose, |known| *known = right.to_vec());
    }

    fn turn(&self, whose: impl Fn(usize) -> bool, change: impl Fn(&mut Vec<Right>)) {
        let mut moments = self.moments();
        let mut next = moments.last().cloned().unwrap_or_default();
        for (line, known) in next.iter_mut().enumerate() {
            if whose(line) {
                change(known);
            }
        }
        moments.push(next);
    }

    fn moments(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Vec<Right>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the test unless the answer was right at a moment while it was under way.
    pub(super) fn check(&self, lines: &[Line], seen: &Seen) {
        let moments = self.moments();
        let line = &lines[seen.line];
        let fits = |right: &Right| expected(line, right, seen) == seen.told;
        let during = &moments[seen.from..=seen.until];
        let is_right = during.iter().any(|lines| lines[seen.line].iter().any(fits));
        let other = lines.iter().find(|other| {
            let is_its = |built: &Built| match &seen.told {
                Told::Offer { sha256, .. } => *sha256 == built.sha256,
                Told::Nothing => false,
            };
            other.feed != line.feed && other.builds.iter().any(is_its)
        });
        assert!(other.is_none(), "a product of {other:?} for {seen:?}");
        let rights: Vec<_> = during.iter().map(|lines| &lines[seen.line]).collect();
        let family = seen.family;
        assert!(
            is_right,
            "{family}: {seen:?}\nbut right was {rights:?}\nof {line:?}"
        );
    }
}

/// What is right for that application.
fn expected(line: &Line, right: &Right, seen: &Seen) -> Told {
    let number = match seen.tells_id {
        true => right.with_id,
        false => right.without_id,
    };
    let Some(number) = number else {
        return Told::Nothing;
    };
    let built = &line.builds[number];
    let is_newer = match &seen.has {
        Has::Untold | Has::Unknown => true,
        Has::Build(own) => number > *own || right.moved_down == Some(*own),
        Has::Foreign(own) => minor(&built.version) > minor(own),
    };
    match is_newer {
        false => Told::Nothing,
        true => Told::Offer {
            version: built.version.clone(),
            sha256: built.sha256.clone(),
        },
    }
}

/// The middle number of `1.12.0`.
fn minor(version: &str) -> u32 {
    let number = version.split('.').nth(1).and_then(|part| part.parse().ok());
    number.unwrap_or_else(|| panic!("{version} is no version of this story"))
}
