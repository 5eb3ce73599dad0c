//! Labels: names that point at one product of a branch and target.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::{branches, labels, products as rows};
use super::{Conn, DbError, DbResult, products};
use crate::clock::Time;
use crate::ids::{LabelId, ProductId};
use crate::model::{Label, ProductState, Verdict};

/// The label that follows the verdicts.
pub const LAST_GOOD: &str = "last-good";
/// Labels that are read of some products or one branch: people set them one by one.
const LABELS_MAX: i64 = 500;

type Row = (i64, String, i64, String, String, String, i64);
/// Branch, target and order of a product.
type Place = (i64, String, i64, i64);

/// The rows of labels with their branch's name.
macro_rules! labels {
    () => {
        labels::table
            .inner_join(branches::table)
            .order((labels::target, labels::label))
            .limit(LABELS_MAX)
            .select((
                labels::id,
                labels::label,
                labels::product_id,
                branches::name,
                labels::target,
                labels::set_by,
                labels::set_at,
            ))
    };
}

/// The labels that point at one of these products.
pub fn of_products(conn: &mut Conn, ids: &[ProductId]) -> DbResult<Vec<Label>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = labels!()
        .filter(labels::product_id.eq_any(ids))
        .load(conn)?;
    Ok(rows.into_iter().map(label).collect())
}

/// The labels of a product's branch and target, whatever they point at.
pub fn of_branch(conn: &mut Conn, product: ProductId) -> DbResult<Vec<Label>> {
    let (branch, target, ..) = place(conn, product)?;
    let rows: Vec<Row> = labels!()
        .filter(labels::branch_id.eq(branch))
        .filter(labels::target.eq(target))
        .load(conn)?;
    Ok(rows.into_iter().map(label).collect())
}

/// What `label` points at on the branch and target of `product`.
pub fn of_place(conn: &mut Conn, product: ProductId, label: &str) -> DbResult<Option<ProductId>> {
    let (branch, target, ..) = place(conn, product)?;
    let id: Option<i64> = labels::table
        .filter(labels::branch_id.eq(branch))
        .filter(labels::target.eq(target))
        .filter(labels::label.eq(label))
        .select(labels::product_id)
        .first(conn)
        .optional()?;
    Ok(id.map(ProductId))
}

/// Points `label` of the product's branch and target at it, from wherever it was, and tells where.
/// Errors: as [`products::touch`].
pub fn set(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    name: &str,
    by: &str,
) -> DbResult<Option<ProductId>> {
    products::touch(conn, product)?;
    let before = of_place(conn, product, name)?;
    let (branch, target, ..) = place(conn, product)?;
    let values = (
        labels::product_id.eq(product.0),
        labels::set_by.eq(by),
        labels::set_at.eq(now.0),
    );
    per_engine!(conn, inner => diesel::insert_into(labels::table)
        .values((
            labels::branch_id.eq(branch),
            labels::target.eq(&target),
            labels::label.eq(name),
            values.0,
            values.1,
            values.2,
        ))
        .on_conflict((labels::branch_id, labels::target, labels::label))
        .do_update()
        .set(values)
        .execute(inner)?);
    Ok(before)
}

/// Takes a label off a product. Errors: [`DbError::NotFound`] when it does not point at it.
pub fn remove(conn: &mut Conn, product: ProductId, name: &str) -> DbResult<()> {
    let removed = diesel::delete(
        labels::table
            .filter(labels::product_id.eq(product.0))
            .filter(labels::label.eq(name)),
    )
    .execute(conn)?;
    if removed == 0 {
        return Err(DbError::NotFound);
    }
    Ok(())
}

/// After a verdict: a good product takes [`LAST_GOOD`] unless a later one has it; one that is no
/// longer good loses it to the latest that is. Tells where it points now if it was moved.
pub fn follow_verdict(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    verdict: Verdict,
    by: &str,
) -> DbResult<Option<ProductId>> {
    let current = of_place(conn, product, LAST_GOOD)?;
    if verdict == Verdict::Good {
        let is_later = match current {
            Some(current) => order(conn, current)? > order(conn, product)?,
            None => false,
        };
        if is_later || current == Some(product) {
            return Ok(None);
        }
        set(conn, now, product, LAST_GOOD, by)?;
        return Ok(Some(product));
    }
    if current != Some(product) {
        return Ok(None);
    }
    let next = latest_good(conn, product)?;
    match next {
        Some(next) => {
            set(conn, now, next, LAST_GOOD, by)?;
        }
        None => remove(conn, product, LAST_GOOD)?,
    }
    Ok(next)
}

/// The latest product of the same branch and target whose verdict is good.
fn latest_good(conn: &mut Conn, product: ProductId) -> DbResult<Option<ProductId>> {
    let (branch, target, ..) = place(conn, product)?;
    let gone = [ProductState::Expired, ProductState::Deleted].map(ProductState::as_str);
    let id: Option<i64> = rows::table
        .filter(rows::branch_id.eq(branch))
        .filter(rows::target.eq(target))
        .filter(rows::verdict.eq(Verdict::Good.as_str()))
        .filter(rows::state.ne(gone[0]))
        .filter(rows::state.ne(gone[1]))
        .order((
            rows::seq_position.desc(),
            rows::seq_build.desc(),
            rows::id.desc(),
        ))
        .select(rows::id)
        .first(conn)
        .optional()?;
    Ok(id.map(ProductId))
}

fn order(conn: &mut Conn, product: ProductId) -> DbResult<(i64, i64, i64)> {
    let (_, _, position, build) = place(conn, product)?;
    Ok((position, build, product.0))
}

fn place(conn: &mut Conn, product: ProductId) -> DbResult<Place> {
    Ok(rows::table
        .find(product.0)
        .select((
            rows::branch_id,
            rows::target,
            rows::seq_position,
            rows::seq_build,
        ))
        .first(conn)?)
}

fn label((id, label, product, branch, target, set_by, set_at): Row) -> Label {
    Label {
        id: LabelId(id),
        label,
        product: ProductId(product),
        branch,
        target,
        set_by,
        set_at: Time(set_at),
    }
}
