//! Releases: a product is offered to applications. Preparing, signing off, beginning, widening,
//! pausing, taking back, rolling back; each in one transaction with its audit row and event.

use super::audit::{Attempt, authorise};
use super::words::checked_reason;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::releases::{self, Deed, NewRelease, Refusal};
use crate::db::{Conn, DbError, DbResult, Lane, products, sight, signoffs};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::hex::hex;
use crate::ids::{ProductId, ReleaseId};
use crate::model::{
    Page, ProductState, Release, ReleaseDetail, ReleaseFilter, ReleaseState, Verdict,
};

mod rollback;
mod sign;

pub use rollback::{Rollback, rollback};
pub use sign::sign;

/// What somebody wants to release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preparation {
    /// The product.
    pub product: ProductId,
    /// What those outside the rollout get; what was offered before, when absent.
    pub fallback: Option<ProductId>,
    /// How many of a hundred get it, from 0 to 100.
    pub rollout_percent: i64,
    /// Nobody may leap over it.
    pub watershed: bool,
    /// Applications should insist.
    pub critical: bool,
    /// Why, though testers say it is bad; empty where they do not.
    pub override_reason: String,
}

/// What is done to a release that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Begin at this time by itself.
    Schedule(Time),
    /// Not by itself: a draft again.
    Unschedule,
    /// Begin now.
    Go,
    /// Offer it to so many of a hundred.
    Rollout(i64),
    /// Offer it to nobody new.
    Pause(String),
    /// Go on after a pause.
    Resume,
    /// Take it back; who has it keeps it. A draft is given up.
    Withdraw(String),
}

/// The releases that `filter` lets through, the newest prepared first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: ReleaseFilter,
) -> Result<Page<Release, ReleaseId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| releases::list(conn, of, &filter);
    Ok(db.read("releases.list", read).await?)
}

/// One release with its sign-offs.
pub async fn show(app: &App, identity: &Identity, id: ReleaseId) -> Result<ReleaseDetail> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::release(conn, of, id)?;
        detail(conn, id)
    };
    db.read("releases.show", read)
        .await
        .map_err(|error| not_found(error, id))
}

/// Prepares a release: a draft that offers nothing yet. Its product becomes a candidate.
///
/// Errors: `BadInput` naming the field, `NotFound` for the product, `Conflict` where the product
/// can no longer be offered.
pub async fn create(app: &App, identity: &Identity, wanted: Preparation) -> Result<ReleaseDetail> {
    let object = wanted.product.to_string();
    let attempt = Attempt {
        action: "release.create",
        object_kind: "product",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    checked_percent(wanted.rollout_percent)?;
    let given = wanted.override_reason.trim();
    let override_reason = match given.is_empty() {
        true => String::new(),
        false => checked_reason("override_reason", given)?,
    };
    let (now, by, salt) = (app.clock.now(), identity.name().to_owned(), salt()?);
    let config = app.config();
    let work = move |conn: &mut Conn| {
        let product = products::view::find(conn, now, wanted.product)?;
        let verdict = products::verdict(conn, wanted.product)?;
        if let Some(error) = unfit(product.state, verdict, &override_reason, wanted.product) {
            return Ok(Err(error));
        }
        if let Some(fallback) = wanted.fallback
            && let Some(error) = unfit_fallback(conn, wanted.product, fallback)?
        {
            return Ok(Err(error));
        }
        let project = config.projects.get(&product.project);
        let new = NewRelease {
            branch: products::branch(conn, wanted.product)?,
            target: product.target,
            product: wanted.product,
            fallback: wanted.fallback,
            rollback_of: None,
            rollout_percent: wanted.rollout_percent,
            salt: salt.clone(),
            watershed: wanted.watershed,
            critical: wanted.critical,
            override_reason: override_reason.clone(),
            signoffs_needed: project.map_or_else(Vec::new, |project| project.signoffs.clone()),
            created_by: by.clone(),
        };
        let id = releases::insert(conn, now, &new)?;
        let deed = Deed {
            action: "release.create",
            event: "release.created",
            by: &by,
            detail: &override_reason,
        };
        let release = releases::find(conn, id)?;
        let seq = releases::note(conn, now, &release, deed)?;
        failpoints::reach("release.changing");
        Ok(Ok((detail(conn, id)?, seq)))
    };
    let made = app.db.tx("releases.create", work).await;
    let made = made.map_err(|error| super::products::not_found(error, wanted.product))?;
    told(app, made)
}

/// Does `step` to a release. With `guard` only if its row version still is that.
///
/// Errors: `NotFound`, `Stale` when the guard does not fit, `Conflict` where its state or its
/// product do not allow it, `BadInput` naming the field.
pub async fn step(
    app: &App,
    identity: &Identity,
    id: ReleaseId,
    guard: Option<i64>,
    step: Step,
) -> Result<ReleaseDetail> {
    let object = id.to_string();
    let attempt = Attempt {
        action: step.action(),
        object_kind: "release",
        object_id: &object,
    };
    authorise(app, identity, Permission::Release, attempt).await?;
    let now = app.clock.now();
    let step = step.checked(now)?;
    let by = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let release = releases::find(conn, id)?;
        if let Some(error) = stale(&release, guard) {
            return Ok(Err(error));
        }
        if let Some(Refusal(text)) = step.refusal(conn, &release)? {
            return Ok(Err(Error::Conflict(text)));
        }
        step.perform(conn, now, &release)?;
        let deed = Deed {
            action: step.action(),
            event: step.event(),
            by: &by,
            detail: &step.detail(),
        };
        let seq = releases::note(conn, now, &release, deed)?;
        failpoints::reach("release.changing");
        Ok(Ok((detail(conn, id)?, seq)))
    };
    let done = app.db.tx("releases.step", work).await;
    let done = told(app, done.map_err(|error| not_found(error, id))?)?;
    app.bells.releases.notify_one();
    Ok(done)
}

impl Step {
    fn action(&self) -> &'static str {
        match self {
            Self::Schedule(_) => "release.schedule",
            Self::Unschedule => "release.unschedule",
            Self::Go => "release.go",
            Self::Rollout(_) => "release.rollout",
            Self::Pause(_) => "release.pause",
            Self::Resume => "release.resume",
            Self::Withdraw(_) => "release.withdraw",
        }
    }

    fn event(&self) -> &'static str {
        match self {
            Self::Schedule(_) => "release.scheduled",
            Self::Unschedule => "release.returned",
            Self::Go => "release.live",
            Self::Rollout(_) => "release.rollout",
            Self::Pause(_) => "release.paused",
            Self::Resume => "release.resumed",
            Self::Withdraw(_) => "release.withdrawn",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Schedule(at) => at.to_string(),
            Self::Rollout(percent) => format!("{percent} %"),
            Self::Pause(reason) | Self::Withdraw(reason) => reason.clone(),
            Self::Unschedule | Self::Go | Self::Resume => String::new(),
        }
    }

    fn checked(self, now: Time) -> Result<Self> {
        match self {
            Self::Schedule(at) if at <= now => Err(Error::bad_input(
                "starts_at",
                "this moment is over: choose a later one, or begin now",
            )),
            Self::Rollout(percent) => checked_percent(percent).map(|()| self),
            Self::Pause(reason) => Ok(Self::Pause(checked_reason("reason", &reason)?)),
            Self::Withdraw(reason) => Ok(Self::Withdraw(checked_reason("reason", &reason)?)),
            other => Ok(other),
        }
    }

    fn refusal(&self, conn: &mut Conn, release: &Release) -> DbResult<Option<Refusal>> {
        let (id, state) = (release.id, release.state);
        let next = match self {
            Self::Go => return releases::refusal(conn, release),
            Self::Rollout(_) if state.is_open() => return Ok(None),
            Self::Schedule(_) => {
                if state != ReleaseState::Draft && state != ReleaseState::Scheduled {
                    return Ok(Some(Refusal(format!("release {id} is {state}"))));
                }
                return releases::refusal(conn, release);
            }
            Self::Resume if state != ReleaseState::Paused => ReleaseState::Draft,
            Self::Rollout(_) | Self::Unschedule => ReleaseState::Draft,
            Self::Pause(_) => ReleaseState::Paused,
            Self::Resume => ReleaseState::Live,
            Self::Withdraw(_) => ReleaseState::Withdrawn,
        };
        let refused = !state.may_become(next);
        Ok(refused.then(|| Refusal(format!("release {id} is {state}"))))
    }

    fn perform(&self, conn: &mut Conn, now: Time, release: &Release) -> DbResult<()> {
        match self {
            Self::Go => releases::begin(conn, now, release, ""),
            Self::Rollout(percent) => releases::set_percent(conn, release, *percent),
            Self::Pause(reason) => releases::set_state(conn, release, ReleaseState::Paused, reason),
            Self::Resume => releases::set_state(conn, release, ReleaseState::Live, ""),
            Self::Withdraw(reason) => {
                releases::finish(conn, now, release, ReleaseState::Withdrawn, reason)
            }
            Self::Unschedule => {
                releases::set_state(conn, release, ReleaseState::Draft, "")?;
                releases::set_start(conn, release, None)
            }
            Self::Schedule(at) => {
                if release.state == ReleaseState::Scheduled {
                    releases::touch(conn, release)?;
                } else {
                    releases::set_state(conn, release, ReleaseState::Scheduled, "")?;
                }
                releases::set_start(conn, release, Some(*at))
            }
        }
    }
}

/// A release with its sign-offs.
fn detail(conn: &mut Conn, id: ReleaseId) -> DbResult<ReleaseDetail> {
    let release = releases::find(conn, id)?;
    Ok(ReleaseDetail {
        signoffs: signoffs::of_release(conn, id)?,
        signoffs_missing: match release.state {
            ReleaseState::Draft | ReleaseState::Scheduled => signoffs::missing(conn, &release)?,
            _ => Vec::new(),
        },
        release,
    })
}

/// Tells open pages and feeds that there is a new event.
fn told(app: &App, done: Result<(ReleaseDetail, i64)>) -> Result<ReleaseDetail> {
    let (detail, seq) = done?;
    failpoints::reach("release.changed");
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
    Ok(detail)
}

fn not_found(error: DbError, id: ReleaseId) -> Error {
    match error {
        DbError::NotFound => Error::NotFound(format!("there is no release {id}")),
        other => other.into(),
    }
}

fn stale(release: &Release, guard: Option<i64>) -> Option<Error> {
    let guard = guard?;
    (guard != release.row_version).then(|| {
        Error::Stale(format!(
            "release {} was changed in between: it has row version {} now",
            release.id, release.row_version
        ))
    })
}

fn unfit(
    state: ProductState,
    verdict: Verdict,
    override_reason: &str,
    product: ProductId,
) -> Option<Error> {
    use ProductState::{Candidate, Recorded, Released, Superseded};
    if !matches!(state, Recorded | Candidate | Released | Superseded) {
        let text = format!("product {product} is {state}: it cannot be released");
        return Some(Error::Conflict(text));
    }
    (verdict == Verdict::Bad && override_reason.is_empty()).then(|| {
        Error::bad_input(
            "override_reason",
            "testers say that this product is bad: say why it is released all the same",
        )
    })
}

fn unfit_fallback(
    conn: &mut Conn,
    product: ProductId,
    fallback: ProductId,
) -> DbResult<Option<Error>> {
    let wrong = |text: String| Ok(Some(Error::bad_input("fallback", text)));
    if product == fallback {
        return wrong("name another product than the one that is released".to_owned());
    }
    let known = match products::view::find(conn, Time(0), fallback) {
        Ok(known) => known,
        Err(DbError::NotFound) => return wrong(format!("there is no product {fallback}")),
        Err(error) => return Err(error),
    };
    let own = products::branch(conn, product)?;
    let target = products::view::find(conn, Time(0), product)?.target;
    if products::branch(conn, fallback)? != own || known.target != target {
        return wrong("it must be of the same branch and target".to_owned());
    }
    use ProductState::{Deleted, Expired, Withdrawn};
    if matches!(known.state, Deleted | Expired | Withdrawn) {
        return wrong(format!("product {fallback} is {}", known.state));
    }
    Ok(None)
}

fn checked_percent(percent: i64) -> Result<()> {
    if (0..=100).contains(&percent) {
        return Ok(());
    }
    Err(Error::bad_input(
        "rollout_percent",
        "write a whole number from 0 to 100",
    ))
}

/// 128 random bits, so that two releases choose different people first.
fn salt() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests;
