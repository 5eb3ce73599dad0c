//! Products: what users see of them. Recording is the runner's; keeping is `holds`'.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::products::{self, feed, view};
use crate::db::{Conn, DbError, DbResult, Lane, holds};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{Hold, Page, Product, ProductDetail, ProductFilter, VersionScheme};
use crate::updates::{self, Answer, Asker, Wish};

/// The products that `filter` lets through, the newest recorded first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: ProductFilter,
) -> Result<Page<Product, ProductId>> {
    identity.require(Permission::Read)?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| products::list::page(conn, now, &filter);
    Ok(db.read("products.list", read).await?)
}

/// One product with everything that is known of it.
pub async fn show(app: &App, identity: &Identity, id: ProductId) -> Result<ProductDetail> {
    identity.require(Permission::Read)?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    db.read("products.show", move |conn| detail(conn, now, id))
        .await
        .map_err(|error| not_found(error, id))
}

/// Names the product in the error of a row that is not there.
pub(super) fn not_found(error: DbError, id: ProductId) -> Error {
    match error {
        DbError::NotFound => Error::NotFound(format!("there is no product {id}")),
        other => other.into(),
    }
}

fn detail(conn: &mut Conn, now: Time, id: ProductId) -> DbResult<ProductDetail> {
    let product = view::find(conn, now, id)?;
    let holds = holds::of_product(conn, id)?;
    let is_latest = is_latest(conn, &product)?;
    Ok(ProductDetail {
        notes: view::notes(conn, id)?,
        files: view::files(conn, id)?,
        revisions: view::revisions(conn, id)?,
        properties: view::properties(conn, id)?,
        feed_path: updates::feed_path(&product.project, &product.feed, &product.target),
        is_latest,
        why_kept: why_kept(&holds, is_latest, now),
        holds,
        product,
    })
}

fn is_latest(conn: &mut Conn, product: &Product) -> DbResult<bool> {
    let feed = feed::Feed {
        project: product.project.clone(),
        token: product.feed.clone(),
        target: product.target.clone(),
    };
    let rules = feed::Rules {
        scheme: VersionScheme::Seq,
        only_released: false,
    };
    let facts = feed::facts(conn, &feed, &Asker::default(), rules)?;
    let decision = updates::answer(&facts, &Asker::default(), Wish::Current);
    Ok(matches!(decision.answer, Answer::Offer { product: id, .. } if id == product.id))
}

/// Every reason why it may not be collected, in words.
fn why_kept(holds: &[Hold], is_latest: bool, now: Time) -> Vec<String> {
    let held = holds.iter().filter(|hold| hold.is_live(now)).map(|hold| {
        let end = hold
            .until
            .map_or_else(String::new, |until| format!(" until {until}"));
        let (owner, since) = (&hold.owner, hold.created_at);
        format!("{owner} keeps it since {since}{end}: {}", hold.reason)
    });
    let offered = is_latest.then(|| "it is what its update feed offers now".to_owned());
    held.chain(offered).collect()
}
