//! Labels: names that point at one product of a branch and target, moved by hand. `last-good`
//! follows the verdicts alone.

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::{Conn, DbError, DbResult, Lane, audit, events, labels, sight};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{AuditOutcome, Label};

/// Longest label: it stands in addresses and in narrow columns.
const LABEL_CHARS_MAX: usize = 40;
/// Words that addresses of products use themselves.
const RESERVED: [&str; 6] = [
    "latest",
    "last-kept",
    "last-released",
    "by-label",
    "build",
    labels::LAST_GOOD,
];

/// Points `label` of the product's branch and target at it, from wherever it was.
///
/// Errors: `BadInput` for `label` and `reason`, `NotFound`, `Conflict` when the product has been
/// collected.
pub async fn set(
    app: &App,
    identity: &Identity,
    product: ProductId,
    label: &str,
    reason: &str,
) -> Result<Vec<Label>> {
    let label = checked(app, identity, product, label).await?;
    let reason = super::holds::checked_reason(reason)?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let before = labels::set(conn, now, product, &label, &actor)?;
        let from = before.map_or_else(String::new, |id| format!(" from product {id}"));
        let said = format!("{label}{from}: {reason}");
        note(conn, now, &actor, product, "product.label", &said)?;
        let detail = serde_json::json!({ "label": label, "by": actor, "from": before });
        let seq = announce(conn, now, product, &detail)?;
        Ok((labels::of_products(conn, &[product])?, seq))
    };
    let done = app.db.tx("labels.set", work).await;
    let (all, seq) = done.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {product} has been collected: no label can point at it"
        )),
        other => not_found(other, product),
    })?;
    super::products::told(app, seq);
    Ok(all)
}

/// Takes a label off a product.
///
/// Errors: `BadInput` for `label` and `reason`, `NotFound` when it does not point at the product.
pub async fn remove(
    app: &App,
    identity: &Identity,
    product: ProductId,
    label: &str,
    reason: &str,
) -> Result<()> {
    let label = checked(app, identity, product, label).await?;
    let reason = super::holds::checked_reason(reason)?;
    let (now, actor, name) = (app.clock.now(), identity.name().to_owned(), label.clone());
    let work = move |conn: &mut Conn| {
        labels::remove(conn, product, &label)?;
        let said = format!("{label}: {reason}");
        note(conn, now, &actor, product, "product.unlabel", &said)?;
        let detail = serde_json::json!({ "label": label, "by": actor, "removed": true });
        announce(conn, now, product, &detail)
    };
    let seq = app.db.tx("labels.remove", work).await;
    let seq = seq.map_err(|error| match error {
        DbError::NotFound => {
            Error::NotFound(format!("`{name}` does not point at product {product}"))
        }
        other => other.into(),
    })?;
    super::products::told(app, seq);
    Ok(())
}

/// The labels of a product's branch and target, whatever they point at.
pub async fn of_branch(app: &App, identity: &Identity, product: ProductId) -> Result<Vec<Label>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::product(conn, of, product)?;
        labels::of_branch(conn, product)
    };
    let all = db.read("labels.of_branch", read).await;
    all.map_err(|error| not_found(error, product))
}

/// The label as it may be, from somebody who may.
async fn checked(
    app: &App,
    identity: &Identity,
    product: ProductId,
    label: &str,
) -> Result<String> {
    let what = product.to_string();
    let attempt = Attempt {
        action: "product.label",
        object_kind: "product",
        object_id: &what,
    };
    authorise(app, identity, Permission::Keep, attempt).await?;
    let label = label.trim();
    let is_fine = label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.len() <= LABEL_CHARS_MAX
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b));
    if !is_fine {
        let text = format!(
            "a small letter, then at most {LABEL_CHARS_MAX} small letters, digits or `-._` in all, such as rc"
        );
        return Err(Error::bad_input("label", text));
    }
    if RESERVED.contains(&label) {
        let text = format!("`{label}` is kept by the master itself: choose another name");
        return Err(Error::bad_input("label", text));
    }
    Ok(label.to_owned())
}

fn note(
    conn: &mut Conn,
    now: Time,
    actor: &str,
    product: ProductId,
    action: &str,
    detail: &str,
) -> DbResult<()> {
    let (done, id) = (AuditOutcome::Done, product.to_string());
    audit::append(conn, now, actor, action, "product", &id, done, detail).map(|_| ())
}

fn announce(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    detail: &serde_json::Value,
) -> DbResult<i64> {
    let event = events::NewEvent {
        kind: "product.labelled",
        product: Some(product),
        detail: detail.to_string(),
        ..events::NewEvent::default()
    };
    events::append(conn, now, &event)
}
