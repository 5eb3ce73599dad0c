//! `/api/v1/releases`. Every change of a release takes `If-Match` with its `row_version`.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::guard::{Guard, tag};
use super::lists::{Filter, List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::ids::{ProductId, ReleaseId};
use crate::model::{Release, ReleaseDetail, ReleaseFilter, ReleaseState, Role};
use crate::ops;
use crate::ops::releases::{Preparation, Rollback, Step};
use crate::web::fault::Fault;

/// Which releases to list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseQuery {
    /// Name of the project.
    project: Option<String>,
    /// Name of the branch.
    branch: Option<String>,
    /// Target.
    target: Option<String>,
    /// State.
    state: Option<ReleaseState>,
    /// Prepared before this one only.
    before: Option<ReleaseId>,
}

/// A release to prepare.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelease {
    /// The product.
    product: ProductId,
    /// What those outside the rollout get; what was offered before, when absent.
    fallback: Option<ProductId>,
    /// How many of a hundred get it; all when absent.
    rollout_percent: Option<i64>,
    /// Nobody may leap over it.
    #[serde(default)]
    watershed: bool,
    /// Applications should insist.
    #[serde(default)]
    critical: bool,
    /// Why, though testers say it is bad.
    #[serde(default)]
    override_reason: String,
}

/// A sign-off.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignoff {
    /// In which role; the own when absent.
    role: Option<Role>,
    /// What is to be said.
    #[serde(default)]
    comment: String,
}

/// When a release begins by itself.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The moment.
    starts_at: Time,
}

/// How far a release is rolled out.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// How many of a hundred get it.
    percent: i64,
}

/// Why something is done.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In a few words.
    pub(super) reason: String,
}

/// What to roll back to.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRollback {
    /// The lower product.
    product: ProductId,
    /// Why.
    reason: String,
    /// Why that one, though testers say it is bad.
    #[serde(default)]
    override_reason: String,
}

/// Lists releases, the newest prepared first.
#[utoipa::path(get, path = "/api/v1/releases", params(ReleaseQuery),
    responses((status = 200, body = List<Release>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    Filter(query): Filter<ReleaseQuery>,
) -> Result<HttpResponse, Fault> {
    let filter = ReleaseFilter {
        project: query.project,
        branch: query.branch,
        target: query.target,
        state: query.state,
        before: query.before,
    };
    let page = ops::releases::list(&app, &identity, filter).await?;
    Ok(answer(&request, page))
}

/// Shows a release with its sign-offs; the entity tag is its row version.
#[utoipa::path(get, path = "/api/v1/releases/{id}", params(("id" = ReleaseId, Path)),
    responses((status = 200, body = ReleaseDetail)))]
pub async fn show(
    app: Data<App>,
    identity: Identity,
    id: Path<ReleaseId>,
) -> Result<HttpResponse, Fault> {
    let detail = ops::releases::show(&app, &identity, *id).await?;
    Ok(shown(detail))
}

/// Prepares a release: a draft that offers nothing yet.
#[utoipa::path(post, path = "/api/v1/releases", request_body = NewRelease,
    responses((status = 201, body = ReleaseDetail)))]
pub async fn create(
    app: Data<App>,
    identity: Identity,
    body: Json<NewRelease>,
) -> Result<HttpResponse, Fault> {
    let body = body.into_inner();
    let wanted = Preparation {
        product: body.product,
        fallback: body.fallback,
        rollout_percent: body.rollout_percent.unwrap_or(100),
        watershed: body.watershed,
        critical: body.critical,
        override_reason: body.override_reason,
    };
    let made = ops::releases::create(&app, &identity, wanted).await?;
    Ok(created(made))
}

/// Signs a release off.
#[utoipa::path(post, path = "/api/v1/releases/{id}/signoffs", params(("id" = ReleaseId, Path)),
    request_body = NewSignoff, responses((status = 200, body = ReleaseDetail)))]
pub async fn sign(
    app: Data<App>,
    identity: Identity,
    id: Path<ReleaseId>,
    body: Json<NewSignoff>,
) -> Result<HttpResponse, Fault> {
    let (role, comment) = (body.role, &body.comment);
    let detail = ops::releases::sign(&app, &identity, *id, role, comment).await?;
    Ok(shown(detail))
}

/// The handler of a step: its description, its place, what is sent with it, and the step.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident $path:tt $(($body:ident: $kind:ident))? => $step:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, params(("id" = ReleaseId, Path)),
            $(request_body = $kind,)? responses((status = 200, body = ReleaseDetail)))]
        pub async fn $name(
            app: Data<App>,
            identity: Identity,
            id: Path<ReleaseId>,
            guard: Guard,
            $($body: Json<$kind>,)?
        ) -> Result<HttpResponse, Fault> {
            let detail = ops::releases::step(&app, &identity, *id, guard.0, $step).await?;
            Ok(shown(detail))
        }
    )*};
}

steps! {
    /// Lets a release begin by itself at a time.
    schedule "/api/v1/releases/{id}/schedule" (body: Schedule) => Step::Schedule(body.starts_at);
    /// Makes a scheduled release a draft again.
    unschedule "/api/v1/releases/{id}/unschedule" => Step::Unschedule;
    /// Begins a release now.
    go "/api/v1/releases/{id}/go" => Step::Go;
    /// Changes how many of a hundred get a release.
    rollout "/api/v1/releases/{id}/rollout" (body: Rollout) => Step::Rollout(body.percent);
    /// Offers a release to nobody new; who has it keeps it.
    pause "/api/v1/releases/{id}/pause" (body: Reason) => Step::Pause(body.into_inner().reason);
    /// Goes on after a pause.
    resume "/api/v1/releases/{id}/resume" => Step::Resume;
    /// Takes a release back: its fallback is offered to new askers; who has it keeps it.
    withdraw "/api/v1/releases/{id}/withdraw" (body: Reason) => Step::Withdraw(body.into_inner().reason);
}

/// Rolls a release back: who has it is moved down to a lower product. Answers the release that took
/// its place.
#[utoipa::path(post, path = "/api/v1/releases/{id}/rollback", params(("id" = ReleaseId, Path)),
    request_body = NewRollback, responses((status = 201, body = ReleaseDetail)))]
pub async fn rollback(
    app: Data<App>,
    identity: Identity,
    id: Path<ReleaseId>,
    guard: Guard,
    body: Json<NewRollback>,
) -> Result<HttpResponse, Fault> {
    let body = body.into_inner();
    let wanted = Rollback {
        to: body.product,
        reason: body.reason,
        override_reason: body.override_reason,
    };
    let made = ops::releases::rollback(&app, &identity, *id, guard.0, wanted).await?;
    Ok(created(made))
}

fn shown(detail: ReleaseDetail) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(tag(detail.release.row_version))
        .json(detail)
}

fn created(detail: ReleaseDetail) -> HttpResponse {
    let place = format!("/api/v1/releases/{}", detail.release.id);
    HttpResponse::Created()
        .insert_header((header::LOCATION, place))
        .insert_header(tag(detail.release.row_version))
        .json(detail)
}
