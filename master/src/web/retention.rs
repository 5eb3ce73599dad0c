//! Retention: how the store stands, plans, the trash, why a product is kept.

mod chart;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::paging::{links, parsed};
use super::sessions::see;
use super::state::Look;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::ids::{PlanId, ProductId};
use crate::model::{
    Plan, PlanItem, PlanLatest, PlanState, PolicyText, Product, StoreState, Trashed, WhyKept,
};
use crate::ops;

/// A plan as pages show it.
struct PlanRow {
    plan: Plan,
    look: Look,
}

impl PlanRow {
    fn new(plan: Plan) -> Self {
        Self {
            look: Look::of_plan(plan.state),
            plan,
        }
    }
}

#[derive(Template)]
#[template(path = "retention/show.html")]
struct ShowPage {
    frame: Frame,
    store: StoreState,
    quota: Option<i64>,
    chart: String,
    policies: Vec<PolicyText>,
    plans: Vec<PlanRow>,
    pages: Vec<(&'static str, String)>,
    may_collect: bool,
}

/// The place in a list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    before: String,
}

/// Why something is done.
#[derive(serde::Deserialize)]
pub struct ReasonForm {
    #[serde(default)]
    reason: String,
    row_version: Option<i64>,
}

/// `GET /retention`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let before: Option<PlanId> = parsed("before", &asked.before)?;
    let store = ops::retention::show(&app, &identity).await?;
    let plans = ops::retention::list(&app, &identity, before).await?;
    let quota = store
        .quota
        .map(|quota| i64::try_from(quota).unwrap_or(i64::MAX));
    html(&ShowPage {
        frame: Frame::new(&app, &identity, "/retention", "Retention")
            .rest("/api/v1/retention")
            .live("retention store"),
        chart: chart::of(&store.points, quota),
        quota,
        store,
        policies: ops::retention::policies(&app, &identity).await?,
        pages: links("/retention", &[], before.is_none(), plans.next),
        plans: plans.items.into_iter().map(PlanRow::new).collect(),
        may_collect: identity.require(Permission::Collect).is_ok(),
    })
}

/// `POST /retention/plans`.
pub async fn make(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let planned = ops::retention::make(&app, &identity, false).await?;
    let place = planned.plan.map_or_else(
        || "/retention".to_owned(),
        |id| format!("/retention/plans/{id}"),
    );
    Ok(see(&place).finish())
}

#[derive(Template)]
#[template(path = "retention/plan.html")]
struct PlanPage {
    frame: Frame,
    row: PlanRow,
    latest: Vec<PlanLatest>,
    items: Vec<PlanItem>,
    pages: Vec<(&'static str, String)>,
    may_apply: bool,
}

/// `GET /retention/plans/{id}`.
pub async fn plan(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<PlanId>,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let before: Option<ProductId> = parsed("before", &asked.before)?;
    let detail = ops::retention::plan(&app, &identity, *id).await?;
    let items = ops::retention::items(&app, &identity, *id, before).await?;
    let may_apply =
        detail.plan.state == PlanState::Planned && identity.require(Permission::Collect).is_ok();
    let path = format!("/retention/plans/{id}");
    let row = PlanRow::new(detail.plan);
    html(&PlanPage {
        frame: Frame::new(&app, &identity, &path, format!("Plan {id}"))
            .look(row.look)
            .rest(format!("/api/v1{path}"))
            .live("retention"),
        pages: links(&path, &[], before.is_none(), items.next),
        row,
        latest: detail.latest,
        items: items.items,
        may_apply,
    })
}

/// `POST /retention/plans/{id}/apply`.
pub async fn apply(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<PlanId>,
) -> Result<HttpResponse, Fault> {
    ops::retention::apply(&app, &identity, *id).await?;
    Ok(see(&format!("/retention/plans/{id}")).finish())
}

#[derive(Template)]
#[template(path = "retention/trash.html")]
struct TrashPage {
    frame: Frame,
    items: Vec<Trashed>,
    pages: Vec<(&'static str, String)>,
    may_collect: bool,
}

/// `GET /retention/trash`.
pub async fn trash(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let before: Option<ProductId> = parsed("before", &asked.before)?;
    let page = ops::retention::in_trash(&app, &identity, before).await?;
    html(&TrashPage {
        frame: Frame::new(&app, &identity, "/retention/trash", "Trash")
            .rest("/api/v1/retention/trash")
            .live("product"),
        pages: links("/retention/trash", &[], before.is_none(), page.next),
        items: page.items,
        may_collect: identity.require(Permission::Collect).is_ok(),
    })
}

/// `POST /products/{id}/restore`.
pub async fn restore(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<ReasonForm>,
) -> Result<HttpResponse, Fault> {
    ops::retention::restore(&app, &identity, *id, form.row_version, &form.reason).await?;
    Ok(see(&format!("/products/{id}")).finish())
}

/// `POST /products/{id}/collect`.
pub async fn collect(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<ReasonForm>,
) -> Result<HttpResponse, Fault> {
    ops::retention::collect(&app, &identity, *id, form.row_version, &form.reason).await?;
    Ok(see("/retention/trash").finish())
}

#[derive(Template)]
#[template(path = "retention/why.html")]
struct WhyPage {
    frame: Frame,
    why: WhyKept,
    product: Product,
    may_collect: bool,
}

/// `GET /products/{id}/why-kept`.
pub async fn why(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let why = ops::retention::why(&app, &identity, *id).await?;
    let product = ops::products::show(&app, &identity, *id).await?.product;
    let path = format!("/products/{id}/why-kept");
    let title = format!("Why {} {} is kept", product.version, product.target);
    let may_collect = why.reasons.is_empty()
        && why.fate.starts_with("the next")
        && identity.require(Permission::Collect).is_ok();
    html(&WhyPage {
        frame: Frame::new(&app, &identity, &path, title).rest(format!("/api/v1{path}")),
        why,
        product,
        may_collect,
    })
}

/// `POST /retention/scrub`.
pub async fn scrub(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    ops::retention::scrub(&app, &identity).await?;
    Ok(see("/retention").finish())
}
