//! Verdicts of testers. Rows are only ever added; the product's row holds the last.

use std::collections::HashMap;

use diesel::prelude::*;

use super::schema::{products as rows, users, verdicts};
use super::{Conn, DbResult, products};
use crate::clock::Time;
use crate::ids::{ProductId, UserId, VerdictId};
use crate::model::{Judgement, NewJudgement, Verdict};

/// Verdicts of one product that are read: people give them one by one.
const VERDICTS_MAX: i64 = 200;

type Row = (
    i64,
    i64,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
);

/// Adds a verdict and makes it the product's last; raises its row version. Errors: as
/// [`products::touch`].
pub fn judge(
    conn: &mut Conn,
    now: Time,
    product: ProductId,
    user: UserId,
    new: &NewJudgement,
) -> DbResult<VerdictId> {
    products::touch(conn, product)?;
    let id: i64 = diesel::insert_into(verdicts::table)
        .values((
            verdicts::product_id.eq(product.0),
            verdicts::user_id.eq(user.0),
            verdicts::verdict.eq(new.verdict.as_str()),
            verdicts::comment.eq(&new.comment),
            verdicts::bug.eq(new.bug.as_deref()),
            verdicts::checklist.eq(serde_json::json!(new.checklist).to_string()),
            verdicts::created_at.eq(now.0),
        ))
        .returning(verdicts::id)
        .get_result(conn)?;
    diesel::update(rows::table.find(product.0))
        .set(rows::verdict.eq(new.verdict.as_str()))
        .execute(conn)?;
    Ok(VerdictId(id))
}

/// The rows of verdicts with their user's name.
macro_rules! judgements {
    () => {
        verdicts::table.inner_join(users::table).select((
            verdicts::id,
            verdicts::product_id,
            verdicts::verdict,
            users::name,
            verdicts::comment,
            verdicts::bug,
            verdicts::checklist,
            verdicts::created_at,
        ))
    };
}

/// The verdict of this id.
pub fn find(conn: &mut Conn, id: VerdictId) -> DbResult<Judgement> {
    let row: Row = judgements!().filter(verdicts::id.eq(id.0)).first(conn)?;
    Ok(judgement(row))
}

/// The verdicts of a product, newest first.
pub fn of_product(conn: &mut Conn, product: ProductId) -> DbResult<Vec<Judgement>> {
    let rows: Vec<Row> = judgements!()
        .filter(verdicts::product_id.eq(product.0))
        .order(verdicts::id.desc())
        .limit(VERDICTS_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(judgement).collect())
}

/// The last verdict of each of these products that has one.
pub fn last_of(conn: &mut Conn, ids: &[ProductId]) -> DbResult<HashMap<ProductId, Judgement>> {
    let mut all = HashMap::new();
    for id in ids {
        let row: Option<Row> = judgements!()
            .filter(verdicts::product_id.eq(id.0))
            .order(verdicts::id.desc())
            .first(conn)
            .optional()?;
        if let Some(row) = row {
            all.insert(*id, judgement(row));
        }
    }
    Ok(all)
}

/// The newest products that a user gave verdicts on, at most `rows_max`.
pub fn judged_by(conn: &mut Conn, user: UserId, rows_max: i64) -> DbResult<Vec<ProductId>> {
    let ids: Vec<i64> = verdicts::table
        .filter(verdicts::user_id.eq(user.0))
        .order(verdicts::id.desc())
        .limit(rows_max)
        .select(verdicts::product_id)
        .load(conn)?;
    Ok(ids.into_iter().map(ProductId).collect())
}

fn judgement((id, product, verdict, by, comment, bug, checklist, created_at): Row) -> Judgement {
    Judgement {
        id: VerdictId(id),
        product: ProductId(product),
        verdict: verdict.parse().unwrap_or(Verdict::Untested),
        by,
        comment,
        bug,
        // What is there was written by `judge`.
        checklist: serde_json::from_str(&checklist).unwrap_or_default(),
        created_at: Time(created_at),
    }
}

#[cfg(test)]
mod tests;
