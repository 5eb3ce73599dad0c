//! `/api/v1/products/{id}/verdicts` and `/labels`, and what testers of a project tick off.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::lists::{List, answer};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::ProductId;
use crate::model::{Checklist, Judgement, Label, NewJudgement, Page};
use crate::ops;
use crate::ops::products::bulk::Deed;
use crate::web::fault::Fault;

/// A label to set.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// Such as `rc`: a small letter, then small letters, digits or `-._`.
    label: String,
    /// Why it points there now.
    reason: String,
}

impl NewLabel {
    /// What is done with it to several products.
    pub(super) fn deed(self) -> Deed {
        Deed::Label {
            label: self.label,
            reason: self.reason,
        }
    }
}

/// Lists all verdicts on a product, the newest first.
#[utoipa::path(get, path = "/api/v1/products/{id}/verdicts", params(("id" = ProductId, Path)),
    responses((status = 200, body = List<Judgement>)))]
pub async fn list(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let items = ops::verdicts::list(&app, &identity, *id).await?;
    Ok(answer(&request, Page::<_, i64> { items, next: None }))
}

/// Gives a verdict on a product. The label `last-good` of its branch and target follows.
#[utoipa::path(post, path = "/api/v1/products/{id}/verdicts", params(("id" = ProductId, Path)),
    request_body = NewJudgement, responses((status = 201, body = Judgement)))]
pub async fn judge(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    body: Json<NewJudgement>,
) -> Result<HttpResponse, Fault> {
    let given = ops::verdicts::judge(&app, &identity, *id, body.into_inner()).await?;
    Ok(HttpResponse::Created().json(given))
}

/// Lists the labels of a product's branch and target, whatever they point at.
#[utoipa::path(get, path = "/api/v1/products/{id}/labels", params(("id" = ProductId, Path)),
    responses((status = 200, body = List<Label>)))]
pub async fn labels(
    app: Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: Path<ProductId>,
) -> Result<HttpResponse, Fault> {
    let items = ops::labels::of_branch(&app, &identity, *id).await?;
    Ok(answer(&request, Page::<_, i64> { items, next: None }))
}

/// Points a label of the product's branch and target at it, from wherever it was.
#[utoipa::path(post, path = "/api/v1/products/{id}/labels", params(("id" = ProductId, Path)),
    request_body = NewLabel, responses((status = 200, body = Vec<Label>)))]
pub async fn label(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    body: Json<NewLabel>,
) -> Result<HttpResponse, Fault> {
    let all = ops::labels::set(&app, &identity, *id, &body.label, &body.reason).await?;
    Ok(HttpResponse::Ok().json(all))
}

/// Takes a label off a product.
#[utoipa::path(post, path = "/api/v1/products/{id}/labels/remove",
    params(("id" = ProductId, Path)), request_body = NewLabel, responses((status = 204)))]
pub async fn unlabel(
    app: Data<App>,
    identity: Identity,
    id: Path<ProductId>,
    body: Json<NewLabel>,
) -> Result<HttpResponse, Fault> {
    ops::labels::remove(&app, &identity, *id, &body.label, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tells what testers of a project tick off, and whether `bad` must come with a bug.
#[utoipa::path(get, path = "/api/v1/projects/{name}/checklist", params(("name" = String, Path)),
    responses((status = 200, body = Checklist)))]
pub async fn checklist(
    app: Data<App>,
    identity: Identity,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let checklist = ops::verdicts::checklist(&app, &identity, &name).await?;
    Ok(HttpResponse::Ok().json(checklist))
}
