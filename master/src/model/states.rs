//! Every state and result, its text in database, REST and pages, and which may follow which.

use std::fmt;
use std::str::FromStr;

/// Defines an enum with one text per value, the same in database, REST, pages and mail.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $value:ident = $text:tt,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $value,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];

            /// The text in database, REST, pages and mail.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$value),)*
                    _ => Err(format!("`{text}` is not one of {}", [$($text,)*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// State of a build request.
    RequestState {
        /// Waits for an agent.
        Pending = "pending",
        /// A build runs it.
        Claimed = "claimed",
        /// Its build ended.
        Done = "done",
        /// Taken back before a build began.
        Cancelled = "cancelled",
    }
}

words! {
    /// State of a build.
    BuildState {
        /// Steps are being done.
        Running = "running",
        /// A cancel was asked for; commands are being ended.
        Stopping = "stopping",
        /// Has a result; never changes again.
        Finished = "finished",
    }
}

words! {
    /// State of the sending of a new program to an agent.
    AgentUpgradeState {
        /// Waits for the agent.
        Waiting = "waiting",
        /// The program is on its way.
        Sending = "sending",
        /// The agent has it and starts anew.
        Restarting = "restarting",
        /// The agent is back with the new program.
        Done = "done",
        /// It was refused, or the agent went back to its old program.
        Failed = "failed",
    }
}

words! {
    /// State of a step.
    StepState {
        /// Not begun.
        Pending = "pending",
        /// Being done.
        Running = "running",
        /// Has a result.
        Finished = "finished",
    }
}

words! {
    /// Result of a build or step (`skipped` of steps only).
    BuildResult {
        /// All well.
        Success = "success",
        /// Well, but a step that may fail did.
        Warnings = "warnings",
        /// A command or check of the user's failed.
        Failure = "failure",
        /// The system could not do it (agent, source, configuration).
        Error = "error",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Not done because an earlier step failed.
        Skipped = "skipped",
    }
}

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

words! {
    /// How something in the audit trail ended.
    AuditOutcome {
        /// It was done.
        Done = "done",
        /// The actor may not do it.
        Refused = "refused",
        /// It was tried and did not work.
        Failed = "failed",
    }
}

words! {
    /// State of a notification on its way out.
    OutboxState {
        /// Waits for its next try.
        Waiting = "waiting",
        /// Is being tried; due again when the try's lease ends.
        Sending = "sending",
        /// The server took it.
        Sent = "sent",
        /// Given up.
        Failed = "failed",
    }
}

words! {
    /// What a user may do.
    Role {
        /// Read.
        Viewer = "viewer",
        /// Read, keep and lift.
        Qa = "qa",
        /// Also force and cancel builds, record products.
        Engineer = "engineer",
        /// Everything.
        Admin = "admin",
    }
}

/// Until a project says more, nothing can be said against a version text.
impl Default for VersionScheme {
    fn default() -> Self {
        Self::Seq
    }
}

impl BuildState {
    /// Whether `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Running, Self::Stopping | Self::Finished) | (Self::Stopping, Self::Finished)
        )
    }
}

impl RequestState {
    /// Whether `next` may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Claimed | Self::Cancelled) | (Self::Claimed, Self::Done)
        )
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

impl Role {
    /// The role that may do less of the two; the roles are ordered as they are listed.
    #[must_use]
    pub fn lower(self, other: Self) -> Self {
        if (self as u8) < (other as u8) {
            self
        } else {
            other
        }
    }
}
