//! Products: what users see of them. Recording is the runner's; keeping is `holds`'.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::products::{self, compare as between, feed, files, view};
use crate::db::{Conn, DbError, DbResult, Lane, holds, labels, verdicts};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{FoundProduct, Page, Product, ProductDetail, ProductFilter, VersionScheme};
use crate::updates::{self, Answer, Asker, Wish};

pub mod bulk;
mod compare;

pub use compare::compare;

/// Changes listed on a product's page.
const CHANGES_MAX: i64 = 50;
/// Longest text that is looked for: the address of a file with its hash.
const SOUGHT_BYTES_MAX: usize = 1_000;

/// The products that `filter` lets through, the newest recorded first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: ProductFilter,
) -> Result<Page<Product, ProductId>> {
    identity.require(Permission::Read)?;
    let filter = ProductFilter {
        public_only: !identity.sees_private(),
        ..filter
    };
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
    let detail = db.read("products.show", move |conn| detail(conn, now, id));
    let mut detail = detail.await.map_err(|error| not_found(error, id))?;
    if !identity.sees_private() {
        let admitted = super::privacy::admit(app, identity, &detail.product.project, None);
        admitted
            .await
            .map_err(|_| not_found(DbError::NotFound, id))?;
    }
    detail.why_kept = super::retention::why(app, identity, id).await?.reasons;
    Ok(detail)
}

/// The products that a text may mean: version, build number, revision, hash or name of a file.
pub async fn find(app: &App, identity: &Identity, text: &str) -> Result<Vec<FoundProduct>> {
    identity.require(Permission::Read)?;
    if text.len() > SOUGHT_BYTES_MAX {
        let wrong = format!("at most {SOUGHT_BYTES_MAX} bytes");
        return Err(Error::bad_input("q", wrong));
    }
    let (now, sight, text) = (app.clock.now(), identity.sight(), text.to_owned());
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| products::find::find(conn, sight, now, &text);
    Ok(db.read("products.find", read).await?)
}

/// Tells open pages that there is a new event.
pub(super) fn told(app: &App, seq: i64) {
    let raise = |newest: &mut i64| *newest = seq.max(*newest);
    app.bells.events.send_modify(raise);
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
    Ok(ProductDetail {
        notes: view::notes(conn, id)?,
        files: files::recorded(conn, id)?,
        revisions: view::revisions(conn, id)?,
        properties: view::properties(conn, id)?,
        branch_id: view::branch_of(conn, id)?,
        feed_path: updates::feed_path(&product.project, &product.feed, &product.target),
        is_latest: is_latest(conn, &product)?,
        // The collector's word, which `show` asks for.
        why_kept: Vec::new(),
        holds: holds::of_product(conn, id)?,
        verdicts: verdicts::of_product(conn, id)?,
        labels: labels::of_products(conn, &[id])?,
        since: between::since_previous(conn, &product, CHANGES_MAX)?,
        siblings: between::siblings(conn, now, &product)?,
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
