//! Holds: the list of all that live, keeping a product, lifting.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html, or_page};
use super::paging::{given, links, parsed, query};
use super::products;
use super::sessions::{local, see};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{HoldId, ProductId};
use crate::model::{HeldProduct, HoldFilter, HoldOrder};
use crate::ops;

/// Holds that end so soon are worth a look.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// Words of the orders.
const ORDERS: [(&str, &str, HoldOrder); 5] = [
    ("newest", "newest first", HoldOrder::Newest),
    ("age", "oldest first", HoldOrder::Age),
    ("size", "largest first", HoldOrder::Size),
    ("until", "ending first", HoldOrder::Until),
    ("owner", "by owner", HoldOrder::Owner),
];

#[derive(Template)]
#[template(path = "holds/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    orders: [(&'static str, &'static str, HoldOrder); 5],
    holds: Vec<HeldProduct>,
    pages: Vec<(&'static str, String)>,
    own: Option<String>,
    may_keep: bool,
    here: String,
}

/// Which holds are listed.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct ListQuery {
    owner: String,
    order: String,
    ending: String,
    before: String,
}

/// `GET /holds`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let asked = asked.into_inner();
    let order = match given(&asked.order) {
        None => HoldOrder::Newest,
        Some(word) => ORDERS
            .iter()
            .find(|(name, ..)| *name == word)
            .map(|found| found.2)
            .ok_or_else(|| {
                Error::bad_input("order", "one of newest, age, size, until and owner")
            })?,
    };
    let is_ending: Option<bool> = parsed("ending", &asked.ending)?;
    let end = app.clock.now().after(SOON);
    let filter = HoldFilter {
        owner: given(&asked.owner),
        ends_before: is_ending.filter(|is| *is).map(|_| end),
        order,
        after: parsed("before", &asked.before)?,
    };
    let is_first = filter.after.is_none();
    let page = ops::holds::list(&app, &identity, filter).await?;
    let parameters = [
        ("owner", asked.owner.as_str()),
        ("order", asked.order.as_str()),
        ("ending", asked.ending.as_str()),
    ];
    let here = format!("/holds{}", query(&parameters));
    let end = end.to_string();
    let ends_before = if is_ending == Some(true) { &end } else { "" };
    let rest = [
        ("owner", asked.owner.as_str()),
        ("order", asked.order.as_str()),
        ("ends_before", ends_before),
    ];
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/holds", "Holds")
            .rest(format!("/api/v1/holds{}", query(&rest)))
            .live("product"),
        orders: ORDERS,
        pages: links("/holds", &parameters, is_first, page.next),
        holds: page.items,
        own: identity.user().map(|_| identity.name().to_owned()),
        may_keep: identity.require(Permission::Keep).is_ok(),
        query: asked,
        here,
    })
}

/// The filled-in form of a hold.
#[derive(serde::Deserialize)]
pub struct KeepForm {
    reason: String,
    #[serde(default)]
    until: String,
    /// Present when its box is ticked.
    cascade: Option<String>,
    #[serde(default)]
    back: String,
}

/// `POST /products/{id}/holds`: keeps it, or shows the page with what was wrong.
pub async fn keep(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<KeepForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let kept = match (until(&form.until), &form.cascade) {
        (Ok(until), None) => ops::holds::keep(&app, &identity, *id, &form.reason, until)
            .await
            .map(|_| ()),
        (Ok(until), Some(_)) => {
            ops::holds::keep_revision(&app, &identity, *id, &form.reason, until)
                .await
                .map(|_| ())
        }
        (Err(error), _) => Err(error),
    };
    match kept {
        Ok(()) => Ok(see(&back(&form.back, *id)).finish()),
        Err(error) => {
            or_page(error, async |text| {
                let mut page = products::page(&app, &identity, *id).await?;
                page.error = Some(text);
                page.reason = form.reason;
                page.until = form.until;
                Ok(page)
            })
            .await
        }
    }
}

/// Where a form came from, else the product's page.
pub(super) fn back(path: &str, id: ProductId) -> String {
    match given(path) {
        Some(path) => local(&path),
        None => format!("/products/{id}"),
    }
}

/// The end of the day named, in UTC; absent when none is.
pub(super) fn until(text: &str) -> Result<Option<Time>, Error> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let wrong = || Error::bad_input("until", "give a day such as 2027-03-31, or none");
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let end = day.at(23, 59, 59, 0).in_tz("UTC").map_err(|_| wrong())?;
    Ok(Some(Time::from_unix_seconds(end.timestamp().as_second())))
}

/// The filled-in form of a lift.
#[derive(serde::Deserialize)]
pub struct LiftForm {
    reason: String,
    /// Present when its box is ticked.
    group: Option<String>,
    #[serde(default)]
    back: String,
}

/// `POST /holds/{id}/lift`.
pub async fn lift(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<HoldId>,
    form: web::Form<LiftForm>,
) -> Result<HttpResponse, Fault> {
    let product = match form.group {
        None => {
            let hold = ops::holds::lift(&app, &identity, *id, &form.reason).await?;
            hold.product
        }
        Some(_) => {
            let all = ops::holds::lift_group(&app, &identity, *id, &form.reason).await?;
            all[0].product
        }
    };
    Ok(see(&back(&form.back, product)).finish())
}
