//! `windlass qa …`: what a person does who tests builds all day, on a running master over REST. A
//! verdict and a hold have an owner to ask, so the token's user does it and not the machine.

mod choice;
mod compare;
mod deeds;
mod look;
mod new;
mod saved;

use super::output::Problem;
use super::rest::Refusal;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Tell what is new to test since one's last look or verdict
    New(Box<new::New>),
    /// Give a verdict: good, bad, needs-work, or untested to take the last one back
    Verdict(deeds::Judge),
    /// Keep products from being collected
    Keep(deeds::Keep),
    /// Lift the holds of products, or one hold
    Lift(deeds::Lift),
    /// Point a label at products of different branches or targets, or take it off
    Label(deeds::Label),
    /// Compare two products: changes between, files, sizes, properties, verdicts
    Compare(compare::Compare),
    /// Find the build one was given: by version, #number, builder/number, revision, hash or file
    Find(look::Find),
    /// List holds
    Holds(look::Holds),
    /// Tell what testers of a project tick off
    Checklist(look::Checklist),
    /// Save a choice of products under a name
    Save(Box<saved::Save>),
    /// List the saved choices
    Saved(saved::Saved),
    /// Forget a saved choice
    Forget(saved::Forget),
}

/// Does it.
pub(super) async fn run(command: &Command) -> Result<(), Problem> {
    match command {
        Command::New(arguments) => new::run(arguments).await,
        Command::Verdict(arguments) => deeds::judge(arguments).await,
        Command::Keep(arguments) => deeds::keep(arguments).await,
        Command::Lift(arguments) => deeds::lift(arguments).await,
        Command::Label(arguments) => deeds::label(arguments).await,
        Command::Compare(arguments) => compare::run(arguments).await,
        Command::Find(arguments) => look::find(arguments).await,
        Command::Holds(arguments) => look::holds(arguments).await,
        Command::Checklist(arguments) => look::checklist(arguments).await,
        Command::Save(arguments) => saved::save(arguments).await,
        Command::Saved(arguments) => saved::list(arguments).await,
        Command::Forget(arguments) => saved::forget(arguments).await,
    }
}

/// A refusal in the words of the command line.
fn told(refusal: Refusal) -> Problem {
    refusal.told(flag_of)
}

/// The argument that a field of REST comes from.
fn flag_of(field: &str) -> String {
    match field {
        "checklist" => "--check".to_owned(),
        "products" => "PRODUCT".to_owned(),
        "q" => "TEXT".to_owned(),
        "verdict" => "VERDICT".to_owned(),
        "label" => "LABEL".to_owned(),
        "name" => "NAME".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}
