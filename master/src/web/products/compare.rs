//! Two products side by side.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::auth::Identity;
use crate::ids::ProductId;
use crate::model::Comparison;
use crate::ops;
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html};
use crate::web::state::Look;

#[derive(Template)]
#[template(path = "products/compare.html")]
struct ComparePage {
    frame: Frame,
    it: Comparison,
    look_a: Look,
    look_b: Look,
}

/// Two products.
#[derive(serde::Deserialize)]
pub struct Pair {
    a: ProductId,
    b: ProductId,
}

/// `GET /products/compare`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<Pair>,
) -> Result<HttpResponse, Fault> {
    let Pair { a, b } = asked.into_inner();
    let it = ops::products::compare(&app, &identity, a, b).await?;
    let title = format!("{} and {}", it.a.version, it.b.version);
    html(&ComparePage {
        frame: Frame::new(&app, &identity, "/products/compare", title)
            .rest(format!("/api/v1/products/compare?a={a}&b={b}")),
        look_a: Look::of_verdict(it.a.verdict),
        look_b: Look::of_verdict(it.b.verdict),
        it,
    })
}
