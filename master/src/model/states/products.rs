//! States of products, their files, releases and plans.

use std::fmt;
use std::str::FromStr;

words! {
    /// State of a product.
    ProductState {
        /// Complete and on disk.
        Recorded = "recorded",
        /// Proposed for release.
        Candidate = "candidate",
        /// Offered to applications.
        Released = "released",
        /// Was released, a later one is.
        Superseded = "superseded",
        /// Never to be offered; answers 410 with the reason.
        Withdrawn = "withdrawn",
        /// In the trash, can be restored.
        Expired = "expired",
        /// Bytes are gone, the row stays.
        Deleted = "deleted",
    }
}

words! {
    /// What somebody who tested a product found.
    Verdict {
        /// Nobody tested it, or the last word was taken back.
        Untested = "untested",
        /// Fit for use.
        Good = "good",
        /// Not fit for use.
        Bad = "bad",
        /// Nearly: something small is to be done.
        NeedsWork = "needs-work",
    }
}

words! {
    /// State of a release.
    ReleaseState {
        /// Being prepared; sign-offs may be missing.
        Draft = "draft",
        /// Signed off; begins at its time.
        Scheduled = "scheduled",
        /// Offered to applications.
        Live = "live",
        /// Stays with those who have it; nobody new gets it.
        Paused = "paused",
        /// A later release took its place.
        Superseded = "superseded",
        /// Taken back; the fallback or the release before is offered again, to new askers only.
        Withdrawn = "withdrawn",
        /// Taken back, and those who have it are moved down.
        RolledBack = "rolled-back",
    }
}

words! {
    /// State of a branch.
    BranchState {
        /// Products come.
        Active = "active",
        /// Nothing new is meant to come; its feeds answer.
        Frozen = "frozen",
        /// Gone from version control; its feeds answer as long as there are products.
        Deleted = "deleted",
    }
}

words! {
    /// State of a product being uploaded.
    DraftState {
        /// Files are coming.
        Open = "open",
        /// Became a product.
        Committed = "committed",
        /// Given up, or its time ran out.
        Abandoned = "abandoned",
    }
}

words! {
    /// State of a file being uploaded.
    UploadState {
        /// Bytes are coming.
        Open = "open",
        /// All bytes are there, checked and on disk.
        Complete = "complete",
        /// It is not what was announced.
        Refused = "refused",
    }
}

words! {
    /// State of a stored file.
    BlobState {
        /// On disk, may be served.
        Live = "live",
        /// Nothing names it any more; it is removed after the grace.
        Condemned = "condemned",
        /// Removed.
        Gone = "gone",
        /// Missing, or not what its name says; never served.
        Corrupt = "corrupt",
    }
}

words! {
    /// Where a stored file lies.
    BlobStore {
        /// In the master's data folder.
        Local = "local",
        /// In the bucket that the configuration names.
        S3 = "s3",
    }
}

words! {
    /// State of a retention plan.
    PlanState {
        /// Stored, nothing was done.
        Planned = "planned",
        /// It would change what a living branch offers; it cannot be applied.
        Refused = "refused",
        /// Being applied.
        Applying = "applying",
        /// Done.
        Applied = "applied",
        /// Policies changed since; it cannot be applied.
        Stale = "stale",
    }
}

words! {
    /// How a signature is made and checked.
    SignatureScheme {
        /// minisign, as Tauri and cargo-packager use it.
        Minisign = "minisign",
        /// Ed25519 over the bytes of the file, as Sparkle uses it.
        Ed25519 = "ed25519",
        /// OpenPGP, detached.
        Gpg = "gpg",
    }
}

words! {
    /// What the check of a signature said. A wrong one is never recorded.
    SignatureState {
        /// One of the project's keys made it.
        Verified = "verified",
        /// The project names no such key, so nobody can tell.
        UnknownKey = "unknown-key",
    }
}

words! {
    /// How version texts of a project are compared.
    VersionScheme {
        /// Not at all: only the order of products counts.
        Seq = "seq",
        /// Semantic versions.
        Semver = "semver",
        /// Numbers and words between dots, dashes and underscores.
        Dotted = "dotted",
        /// As Debian packages.
        Deb = "deb",
        /// As Python packages.
        Pep440 = "pep440",
    }
}

/// Until a project says more, nothing can be said against a version text.
impl Default for VersionScheme {
    fn default() -> Self {
        Self::Seq
    }
}

impl ProductState {
    /// Whether `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ProductState::{
            Candidate, Deleted, Expired, Recorded, Released, Superseded, Withdrawn,
        };
        match self {
            Recorded => matches!(next, Candidate | Released | Withdrawn | Expired),
            Candidate => matches!(next, Recorded | Released | Withdrawn | Expired),
            Released => matches!(next, Superseded | Withdrawn),
            Superseded => matches!(next, Released | Withdrawn | Expired),
            Withdrawn => matches!(next, Recorded | Expired),
            // Back to what it was.
            Expired => matches!(
                next,
                Recorded | Candidate | Superseded | Withdrawn | Deleted
            ),
            Deleted => false,
        }
    }
}

impl ReleaseState {
    /// Whether `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ReleaseState::{Draft, Live, Paused, RolledBack, Scheduled, Superseded, Withdrawn};
        match self {
            Draft => matches!(next, Scheduled | Live | Withdrawn),
            Scheduled => matches!(next, Draft | Live | Withdrawn),
            Live => matches!(next, Paused | Superseded | Withdrawn | RolledBack),
            Paused => matches!(next, Live | Superseded | Withdrawn | RolledBack),
            Superseded => matches!(next, Withdrawn),
            Withdrawn | RolledBack => false,
        }
    }

    /// Whether it is offered or may still be: its product must not be collected.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Draft | Self::Scheduled | Self::Live | Self::Paused
        )
    }
}
