//! How an application is built so that it follows its branch: the lines for each family of clients.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::auth::Identity;
use crate::ids::BranchId;
use crate::model::Guide;
use crate::ops;
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html};
use crate::web::paging::{given, query};

#[derive(Template)]
#[template(path = "branches/guide.html")]
struct GuidePage {
    frame: Frame,
    id: BranchId,
    it: Guide,
}

/// Which target the guide is about.
#[derive(serde::Deserialize)]
pub struct GuideQuery {
    #[serde(default)]
    target: String,
}

/// `GET /branches/{id}/guide`.
pub async fn guide(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<BranchId>,
    asked: web::Query<GuideQuery>,
) -> Result<HttpResponse, Fault> {
    let target = given(&asked.target);
    let it = ops::branches::guide(&app, &identity, *id, target.as_deref()).await?;
    let path = format!("/branches/{id}/guide");
    let rest = format!("/api/v1{path}{}", query(&[("target", &it.target)]));
    let title = format!("Updates built into {}", it.branch);
    html(&GuidePage {
        frame: Frame::new(&app, &identity, &path, title).rest(rest),
        id: *id,
        it,
    })
}
