//! Products that a form of a release may name: the newest others of its branch and target, so that
//! nobody has to look up numbers.

use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::ProductId;
use crate::model::{Product, ProductFilter, ProductState};
use crate::ops;

/// The newest products of the branch and target but `own`; what was collected is none.
pub(super) async fn others(
    app: &App,
    identity: &Identity,
    own: ProductId,
    place: [&str; 3],
) -> Result<Vec<Product>, Error> {
    let [project, branch, target] = place.map(|text| Some(text.to_owned()));
    let filter = ProductFilter {
        project,
        branch,
        target,
        ..ProductFilter::default()
    };
    let is_there = |product: &Product| {
        let gone = [ProductState::Expired, ProductState::Deleted];
        product.id != own && !gone.contains(&product.state)
    };
    let page = ops::products::list(app, identity, filter).await?;
    Ok(page.items.into_iter().filter(is_there).collect())
}
