//! `[schedule.NAME]` and `[notify.NAME]`.

use std::time::Duration;

/// `[schedule.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Builders by name (globs unfolded).
    pub builders: Vec<String>,
    /// When it asks for builds.
    pub trigger: Trigger,
}

/// When a schedule asks for builds.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// `on = "change"`.
    Change {
        /// Repository watched.
        repository: String,
        /// Branch globs; `**`, all that the repository watches, by default.
        branches: Vec<String>,
        /// How long a branch must be quiet first.
        quiet: Duration,
    },
    /// `on = "force"`: a person asks, with a typed form.
    Force {
        /// Fields of the form in order.
        parameters: Vec<Parameter>,
    },
}

/// A field of a force form.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Property name the value gets.
    pub name: String,
    /// Label in the form.
    pub label: String,
    /// Kind of value and its bounds.
    pub kind: ParameterKind,
    /// Value when none is given.
    pub default: Option<String>,
    /// Whether it may be left empty.
    pub required: bool,
}

/// Kind of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// One line of text, up to 4,096 bytes.
    Text,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// One of these.
    Choice(Vec<String>),
}

/// `[notify.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    /// Builder names this is for (globs unfolded); empty = all.
    pub builders: Vec<String>,
    /// Occasions.
    pub when: Vec<Occasion>,
    /// Receivers.
    pub to: Vec<Receiver>,
}

/// When a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// `change`: the result differs from the builder's previous one; the first counts (default).
    Change,
    /// `failing`: success before (or nothing), failure now.
    Failing,
    /// `recovered`: failure before, success now.
    Recovered,
    /// `failure`: every failure.
    Failure,
    /// `success`: every success.
    Success,
    /// `always`: every build.
    Always,
}

/// Who gets a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// `authors`: the authors of the build's changes.
    Authors,
    /// A mail address.
    Address(String),
}
