//! Every state and result, its text in database, REST and pages, and which may follow which. Those
//! of products and what becomes of them are in `products`.

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

mod products;

pub use products::{
    BlobState, BlobStore, BranchState, DraftState, PlanState, ProductState, ReleaseState,
    SignatureScheme, SignatureState, UploadState, Verdict, VersionScheme,
};

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
