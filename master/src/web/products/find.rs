//! Finding the build somebody was given, by one field.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::ProductRow;
use crate::app::App;
use crate::auth::Identity;
use crate::ops;
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html};
use crate::web::paging::query;
use crate::web::sessions::see;

#[derive(Template)]
#[template(path = "products/find.html")]
struct FindPage {
    frame: Frame,
    text: String,
    found: Vec<(String, ProductRow)>,
    part: String,
}

/// What is looked for.
#[derive(serde::Deserialize)]
pub struct Sought {
    #[serde(default)]
    q: String,
}

/// `GET /products/find`: the product when it can be one only, else all that it may be.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<Sought>,
) -> Result<HttpResponse, Fault> {
    let text = asked.into_inner().q.trim().to_owned();
    let found = ops::products::find(&app, &identity, &text).await?;
    if let [one] = &found[..] {
        return Ok(see(&format!("/products/{}", one.product.id)).finish());
    }
    let rest = query(&[("q", &text)]);
    let found = found.into_iter();
    html(&FindPage {
        frame: Frame::new(&app, &identity, "/products/find", "Find a build")
            .rest(format!("/api/v1/products/find{rest}")),
        found: found
            .map(|one| (one.by, ProductRow::new(one.product)))
            .collect(),
        part: query(&[("version", &text)]),
        text,
    })
}
