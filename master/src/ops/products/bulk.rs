//! The same done to several products, one after the other: what cannot be done to one is told and
//! hinders no other.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::NewJudgement;
use crate::ops::{holds, labels, verdicts};

/// Products of one request: twice a page of the list.
pub const PRODUCTS_MAX: usize = 100;

/// What is done to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A verdict.
    Judge(NewJudgement),
    /// A hold.
    Keep {
        /// Why.
        reason: String,
        /// When it ends by itself.
        until: Option<Time>,
        /// Also for other targets of the same revision.
        cascade: bool,
    },
    /// The end of all its live holds.
    Lift {
        /// Why.
        reason: String,
    },
    /// A label.
    Label {
        /// Its name.
        label: String,
        /// Why.
        reason: String,
    },
}

/// What came of it for one product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Outcome {
    /// The product.
    pub product: ProductId,
    /// What kept it from being done; absent when it was done.
    pub error: Option<String>,
    /// The input at fault, where one is.
    pub field: Option<String>,
}

/// Does it to each of `products`. Errors: `BadInput` for `products`, and what the identity may not.
pub async fn run(
    app: &App,
    identity: &Identity,
    products: Vec<ProductId>,
    deed: &Deed,
) -> Result<Vec<Outcome>> {
    identity.require(Permission::Keep)?;
    if products.is_empty() || products.len() > PRODUCTS_MAX {
        let text = format!("choose from 1 to {PRODUCTS_MAX} products");
        return Err(Error::bad_input("products", text));
    }
    let mut all = Vec::with_capacity(products.len());
    for product in products {
        let (error, field) = match one(app, identity, product, deed).await {
            Ok(()) => (None, None),
            Err(error @ (Error::Internal(_) | Error::Forbidden(_) | Error::Unauthenticated(_))) => {
                return Err(error);
            }
            Err(Error::BadInput { field, text }) => (Some(format!("{field}: {text}")), Some(field)),
            Err(error) => (Some(error.to_string()), None),
        };
        all.push(Outcome {
            product,
            error,
            field,
        });
    }
    Ok(all)
}

async fn one(app: &App, identity: &Identity, product: ProductId, deed: &Deed) -> Result<()> {
    match deed {
        Deed::Judge(new) => verdicts::judge(app, identity, product, new.clone())
            .await
            .map(|_| ()),
        Deed::Keep {
            reason,
            until,
            cascade: true,
        } => holds::keep_revision(app, identity, product, reason, *until)
            .await
            .map(|_| ()),
        Deed::Keep { reason, until, .. } => holds::keep(app, identity, product, reason, *until)
            .await
            .map(|_| ()),
        Deed::Lift { reason } => holds::lift_all(app, identity, product, reason).await,
        Deed::Label { label, reason } => labels::set(app, identity, product, label, reason)
            .await
            .map(|_| ()),
    }
}
