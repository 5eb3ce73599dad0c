//! Update feeds: what an application that asks is told. Loads the rows, lets `updates` decide.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::counts::Outcome;
pub use crate::db::products::feed::Feed;
use crate::db::products::feed::{self, Rules};
use crate::db::products::offer;
use crate::db::{Conn, DbError, DbResult, Lane, branches, sight};
use crate::error::{Error, Result};
use crate::ids::{BranchId, ProductId, ReleaseId};
pub use crate::model::Offer;
pub use crate::updates::Asker;
use crate::updates::{self, Answer, Rollout, Wish};

/// Longest text that an asker may send as a version; a longer one is no version of ours.
const VERSION_BYTES_MAX: usize = 256;

/// What an application is told, and how that came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub answer: Told,
    /// Whether another asker of the same version may be told something else, because a rollout is
    /// under way: shared caches must not keep it, static files cannot say it.
    pub is_private: bool,
    /// One sentence per rule, for people who may read.
    pub explained: Vec<String>,
    /// The branch that was asked, for the counts.
    pub branch: BranchId,
    /// The branches whose rows it follows from.
    pub depends_on: Vec<BranchId>,
    /// The rollouts by which the asker's id can make a difference.
    pub rollouts: Vec<Rollout>,
    /// The release that is offered, where it is one.
    pub release: Option<ReleaseId>,
}

/// What an application is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Take this product.
    Offer(Box<Offer>),
    /// There is nothing newer than what it has.
    UpToDate,
    /// There is a newer product, and it does not run there.
    Unsupported {
        /// What it lacks.
        reason: String,
        /// The version of the newer product.
        version: String,
    },
    /// Updates are stopped.
    ShutOff {
        /// Why.
        reason: String,
    },
    /// There is nothing to offer to anybody.
    Nothing,
}

/// What an application that is at `asker` is told: an update, or why there is none. Open to
/// everybody; odd input counts as not given.
///
/// Errors: `NotFound` when project or feed are unknown.
pub async fn ask(app: &App, feed: Feed, asker: Asker) -> Result<Reply> {
    reply(app, feed, asker, Wish::Update).await
}

/// The product that the asker may run, also when it has it; never [`Told::UpToDate`]. For formats
/// that always list the current product and leave the comparison to the client.
///
/// Errors: as [`ask`].
pub async fn current(app: &App, feed: Feed, asker: Asker) -> Result<Reply> {
    reply(app, feed, asker, Wish::Current).await
}

/// Where an application asks, by the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the project.
    pub project: String,
    /// Name of the branch, or its part of feed URLs.
    pub branch: String,
    /// Target.
    pub target: String,
}

/// What an asker would be told, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Explanation {
    /// `offer`, `up-to-date`, `unsupported`, `shut-off` or `nothing`.
    pub answer: &'static str,
    /// The product that is offered.
    pub product: Option<ProductId>,
    /// Its version, or the version that does not run there.
    pub version: Option<String>,
    /// The release that is offered.
    pub release: Option<ReleaseId>,
    /// Why updates are stopped, or what the machine lacks.
    pub reason: Option<String>,
    /// Whether another asker of the same version may be told something else.
    pub is_private: bool,
    /// One sentence per rule, in their order.
    pub rules: Vec<String>,
}

/// Explains what an application at `place` would be told. Nothing is counted.
///
/// Errors: `NotFound` when project or branch are unknown.
pub async fn explain(
    app: &App,
    identity: &Identity,
    place: Place,
    asker: Asker,
) -> Result<Explanation> {
    identity.require(Permission::Read)?;
    let (project, branch) = (place.project.clone(), place.branch.clone());
    let of = identity.sight();
    let look = move |conn: &mut Conn| {
        sight::project(conn, of, &project)?;
        match branches::view::by_name(conn, &project, &branch) {
            Ok(known) => Ok(known.feed),
            // It may be a feed token.
            Err(DbError::NotFound) => Ok(branch),
            Err(error) => Err(error),
        }
    };
    let mut feed = Feed {
        project: place.project,
        token: place.branch,
        target: place.target,
    };
    let token = app.db.lane(Lane::Pages).read("updates.place", look).await;
    feed.token = token.map_err(|error| match error {
        DbError::NotFound => unknown(&feed),
        other => other.into(),
    })?;
    let reply = ask(app, feed, asker).await?;
    let (answer, product, version, reason) = match reply.answer {
        Told::Offer(offer) => {
            let product = offer.product;
            ("offer", Some(product.id), Some(product.version), None)
        }
        Told::UpToDate => ("up-to-date", None, None, None),
        Told::Unsupported { reason, version } => ("unsupported", None, Some(version), Some(reason)),
        Told::ShutOff { reason } => ("shut-off", None, None, Some(reason)),
        Told::Nothing => ("nothing", None, None, None),
    };
    Ok(Explanation {
        answer,
        product,
        version,
        release: reply.release,
        reason,
        is_private: reply.is_private,
        rules: reply.explained,
    })
}

impl Reply {
    /// The outcome as it is counted.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.answer {
            Told::Offer(_) => Outcome::Offer,
            Told::UpToDate => Outcome::UpToDate,
            Told::Unsupported { .. } => Outcome::Unsupported,
            Told::ShutOff { .. } => Outcome::ShutOff,
            Told::Nothing => Outcome::Nothing,
        }
    }
}

async fn reply(app: &App, feed: Feed, asker: Asker, wish: Wish) -> Result<Reply> {
    let names = [&feed.project, &feed.token, &feed.target];
    if names.iter().any(|name| name.contains('\0')) {
        return Err(unknown(&feed));
    }
    let asker = sensible(asker);
    let rules = Rules::of(&app.config(), &feed.project);
    let wanted = feed.clone();
    let read = move |conn: &mut Conn| decide(conn, &wanted, &asker, rules, wish);
    let reply = app.db.lane(Lane::Pages).read("updates.ask", read).await;
    reply.map_err(|error| match error {
        DbError::NotFound => unknown(&feed),
        other => other.into(),
    })
}

/// Loads, decides and loads what is offered.
pub(super) fn decide(
    conn: &mut Conn,
    feed: &Feed,
    asker: &Asker,
    rules: Rules,
    wish: Wish,
) -> DbResult<Reply> {
    let facts = feed::facts(conn, feed, asker, rules)?;
    let decision = updates::answer(&facts, asker, wish);
    let answer = match decision.answer {
        Answer::Offer {
            product,
            is_critical,
        } => Told::Offer(Box::new(offer::load(conn, product, is_critical)?)),
        Answer::UpToDate => Told::UpToDate,
        Answer::Unsupported { reason, version } => Told::Unsupported { reason, version },
        Answer::ShutOff { reason } => Told::ShutOff { reason },
        Answer::Nothing => Told::Nothing,
    };
    let asked = facts.trail.hops().first().ok_or(DbError::NotFound)?;
    Ok(Reply {
        answer,
        is_private: decision.depends_on_id,
        explained: decision.explained,
        branch: asked.id,
        depends_on: facts.trail.hops().iter().map(|hop| hop.id).collect(),
        rollouts: facts.rollouts(),
        release: decision.release,
    })
}

/// What makes no sense counts as not given.
fn sensible(mut asker: Asker) -> Asker {
    let is_version =
        |text: &String| !text.is_empty() && text.len() <= VERSION_BYTES_MAX && !text.contains('\0');
    asker.version = asker.version.filter(is_version);
    asker.id = asker.id.filter(|id| !id.trim().is_empty());
    asker
}

fn unknown(feed: &Feed) -> Error {
    let text = |text: &str| text.chars().take(64).collect::<String>();
    Error::NotFound(format!(
        "there is no feed `{}` of a project `{}`",
        text(&feed.token),
        text(&feed.project)
    ))
}
