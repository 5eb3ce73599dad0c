//! Collecting: plans, the trash, why a product is kept, how the store stands, and whether there is
//! room for more. Whatever somebody does here is a [`Deed`](deeds::Deed).

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::retention::why as reasons;
use crate::db::{Conn, DbError, Lane, products, sight};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::WhyKept;
use crate::retention::Policies;

mod deeds;
mod plans;
mod policies;
mod quota;
mod store;
mod trash;

pub use plans::{apply, apply_here, items, list, make, plan};
pub use policies::policies;
pub use quota::has_room;
pub use store::{scrub, show};
pub use trash::{collect, in_trash, restore};

/// Whoever may read; where a project is private only those who have said who they are, since plans
/// and the trash name products of all projects.
///
/// A project that left the configuration stays private, so the database says.
async fn may_read(app: &App, identity: &Identity) -> Result<()> {
    identity.require(Permission::Read)?;
    let (db, of) = (app.db.lane(Lane::Pages), identity.sight());
    let hidden = move |conn: &mut Conn| sight::hidden(conn, of);
    match db.read("retention.hidden", hidden).await?.is_empty() {
        true => Ok(()),
        false => Err(Error::Unauthenticated(Permission::Read.as_str())),
    }
}

/// The policies in force. An error in any of them collects nothing.
fn usable(app: &App) -> Result<Policies> {
    Policies::new(&app.config().retention)
        .map_err(|error| Error::Conflict(format!("nothing is collected: {error}")))
}

/// Why a product is kept, or that it is not.
pub async fn why(app: &App, identity: &Identity, id: ProductId) -> Result<WhyKept> {
    identity.require(Permission::Read)?;
    let (policies, now) = (usable(app)?, app.clock.now());
    let db = app.db.lane(Lane::Pages);
    if !identity.sees_private() {
        let find = move |conn: &mut Conn| products::view::find(conn, now, id);
        let product = db.read("retention.project", find).await;
        let product = product.map_err(|error| not_found(error, id))?;
        let admitted = super::privacy::admit(app, identity, &product.project, None).await;
        admitted.map_err(|_| not_found(DbError::NotFound, id))?;
    }
    db.read("retention.why", move |conn| {
        reasons::why(conn, now, &policies, id)
    })
    .await
    .map_err(|error| not_found(error, id))
}

#[cfg(test)]
mod tests;
