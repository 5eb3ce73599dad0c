//! Why a product stays: a set of reasons, and each in words.

use super::Terms;

/// A set of reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reasons(pub i64);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
    };
}

impl Reasons {
    reasons! {
        /// Somebody keeps it.
        HELD = 0;
        /// It is in the state `released`.
        RELEASED = 1;
        /// A label points at it.
        LABELLED = 2;
        /// A release that is prepared, scheduled, live or paused offers it, or one that all must
        /// pass through.
        IN_RELEASE = 3;
        /// A release falls back to it.
        FALLBACK = 4;
        /// A release takes it back.
        TAKEN_BACK = 5;
        /// It was released before what is released now.
        RELEASED_BEFORE = 6;
        /// A delta from it to an offered product is offered.
        DELTA_BASE = 7;
        /// Its build still runs.
        BUILDING = 8;
        /// It is the newest complete one of a living branch for its target.
        LATEST = 9;
        /// It is among the newest of its branch and target.
        NEWEST = 10;
        /// It is among the newest good ones of its branch and target.
        NEWEST_GOOD = 11;
        /// It is the one before the newest, with a map of blocks that applications update by.
        BLOCK_MAP = 12;
        /// It is the newest that runs where newer ones do not.
        RUNS_ELSEWHERE = 13;
        /// It is not old enough.
        YOUNG = 16;
        /// Its last hold ended a short while ago, or it came back from the trash.
        GRACE = 14;
        /// No policy is about it.
        NO_POLICY = 15;
    }

    /// None.
    pub const NONE: Self = Self(0);

    /// Those that rows of other tables tell, whatever the policy says.
    pub const REFERENCES: Self = Self((1 << 9) - 1);

    /// Those that no lack of space overrules.
    pub const ROOTS: Self = Self((1 << 14) - 1);

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of `other` is among them.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Only those that are in `other` too.
    #[must_use]
    pub fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The word of a single reason, for counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HELD => "held",
            Self::RELEASED => "released",
            Self::LABELLED => "labelled",
            Self::IN_RELEASE => "in a release",
            Self::FALLBACK => "fallback",
            Self::TAKEN_BACK => "taken back",
            Self::RELEASED_BEFORE => "released before",
            Self::DELTA_BASE => "base of a delta",
            Self::BUILDING => "still building",
            Self::LATEST => "newest of its branch",
            Self::NEWEST => "among the newest",
            Self::NEWEST_GOOD => "among the newest good",
            Self::BLOCK_MAP => "before the newest",
            Self::RUNS_ELSEWHERE => "newest that runs there",
            Self::YOUNG => "young",
            Self::GRACE => "in its grace",
            _ => "without a policy",
        }
    }

    /// Every reason in words, a clause each; with the terms where they say more.
    #[must_use]
    pub fn words(self, terms: Option<&Terms>) -> Vec<String> {
        let days = |span: std::time::Duration| span.as_secs() / 86_400;
        let newest = terms.map_or(0, |terms| terms.keep_newest);
        let good = terms.map_or(0, |terms| terms.keep_newest_good);
        let keep = terms.map_or(0, |terms| days(terms.keep));
        let grace = terms.map_or(0, |terms| days(terms.grace));
        let all: [(Self, String); 17] = [
            (Self::HELD, "somebody keeps it".to_owned()),
            (Self::RELEASED, "it is released".to_owned()),
            (Self::LABELLED, "a label points at it".to_owned()),
            (Self::IN_RELEASE, "a release offers it".to_owned()),
            (Self::FALLBACK, "a release falls back to it".to_owned()),
            (Self::TAKEN_BACK, "a release takes it back".to_owned()),
            (
                Self::RELEASED_BEFORE,
                "it was released before what is released now".to_owned(),
            ),
            (
                Self::DELTA_BASE,
                "applications update from it by a delta that is offered".to_owned(),
            ),
            (Self::BUILDING, "its build still runs".to_owned()),
            (
                Self::LATEST,
                "it is the newest of its branch and target".to_owned(),
            ),
            (
                Self::NEWEST,
                match newest {
                    1 => "it is the newest complete one of its branch and target".to_owned(),
                    _ => format!("it is among the {newest} newest of its branch and target"),
                },
            ),
            (
                Self::NEWEST_GOOD,
                match good {
                    1 => "it is the newest good one of its branch and target".to_owned(),
                    _ => {
                        format!("it is among the {good} newest good ones of its branch and target")
                    }
                },
            ),
            (
                Self::BLOCK_MAP,
                "it is the one before the newest, and applications update by its map of blocks"
                    .to_owned(),
            ),
            (
                Self::RUNS_ELSEWHERE,
                "it is the newest for systems or runtimes that newer ones do not run on".to_owned(),
            ),
            (Self::YOUNG, format!("it is younger than {keep} days")),
            (
                Self::GRACE,
                format!("a hold ended or it was restored less than {grace} days ago"),
            ),
            (
                Self::NO_POLICY,
                "no [retention.NAME] is about its project and branch".to_owned(),
            ),
        ];
        let told = all.into_iter().filter(|(reason, _)| self.has(*reason));
        told.map(|(_, words)| words).collect()
    }
}
