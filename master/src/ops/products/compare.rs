//! Two products side by side: changes, files, properties, verdicts.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::products::{compare, files, view};
use crate::db::{Conn, DbResult, Lane, sight, verdicts};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{
    CodebaseDifference, Comparison, FileDifference, Product, ProductFile, ProductProperty,
    ProductRevision, PropertyDifference,
};

/// Changes listed of one codebase: what a person reads through.
const CHANGES_MAX: i64 = 200;

/// What is different in `b` from `a`.
pub async fn compare(
    app: &App,
    identity: &Identity,
    a: ProductId,
    b: ProductId,
) -> Result<Comparison> {
    identity.require(Permission::Read)?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::product(conn, of, a)?;
        sight::product(conn, of, b)?;
        comparison(conn, now, a, b)
    };
    let found = db.read("products.compare", read).await;
    found.map_err(|error| match error {
        crate::db::DbError::NotFound => {
            Error::NotFound(format!("there is no product {a}, or none {b}"))
        }
        other => other.into(),
    })
}

fn comparison(conn: &mut Conn, now: Time, a: ProductId, b: ProductId) -> DbResult<Comparison> {
    let (one, other) = (view::find(conn, now, a)?, view::find(conn, now, b)?);
    let (files_a, files_b) = (files::recorded(conn, a)?, files::recorded(conn, b)?);
    let properties = properties(view::properties(conn, a)?, view::properties(conn, b)?);
    Ok(Comparison {
        codebases: codebases(conn, a, b)?,
        files: files((&one, &files_a), (&other, &files_b)),
        properties,
        verdicts_a: verdicts::of_product(conn, a)?,
        verdicts_b: verdicts::of_product(conn, b)?,
        a: one,
        b: other,
    })
}

fn codebases(conn: &mut Conn, a: ProductId, b: ProductId) -> DbResult<Vec<CodebaseDifference>> {
    let (of_a, of_b) = (view::revisions(conn, a)?, view::revisions(conn, b)?);
    let mut names: Vec<&str> = of_a
        .iter()
        .chain(&of_b)
        .map(|one| one.codebase.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut all = Vec::new();
    for name in names {
        let a = of_a.iter().find(|one| one.codebase == name);
        let b = of_b.iter().find(|one| one.codebase == name);
        all.push(codebase(conn, name, a, b)?);
    }
    Ok(all)
}

fn codebase(
    conn: &mut Conn,
    name: &str,
    a: Option<&ProductRevision>,
    b: Option<&ProductRevision>,
) -> DbResult<CodebaseDifference> {
    let mut difference = CodebaseDifference {
        codebase: name.to_owned(),
        revision_a: a.map(|one| one.revision.clone()),
        revision_b: b.map(|one| one.revision.clone()),
        changes: Vec::new(),
        changes_total: 0,
        is_backwards: false,
        is_known: false,
    };
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(difference);
    };
    if a.revision == b.revision {
        difference.is_known = true;
        return Ok(difference);
    }
    // A branch that was made from the other knows the other's revision too.
    for branch in [&b.branch, &a.branch] {
        let from = compare::position(conn, &b.repository, branch, &a.revision)?;
        let to = compare::position(conn, &b.repository, branch, &b.revision)?;
        if let (Some(from), Some(to)) = (from, to) {
            let range = (from.min(to), from.max(to));
            let found = compare::between(conn, &b.repository, branch, range, CHANGES_MAX)?;
            difference.changes = found.newest;
            difference.changes_total = found.total;
            difference.is_backwards = to < from;
            difference.is_known = true;
            break;
        }
    }
    Ok(difference)
}

/// Files belong together when their role is the same and their name but for the version; of those
/// that are left the only one of a role with the only one of it.
fn files(a: (&Product, &[ProductFile]), b: (&Product, &[ProductFile])) -> Vec<FileDifference> {
    let key = |product: &Product, file: &ProductFile| {
        let name = file.name.replace(&product.version, "*");
        (file.role.clone(), name)
    };
    let mut left: Vec<&ProductFile> = b.1.iter().collect();
    let mut all: Vec<FileDifference> = Vec::new();
    for file in a.1 {
        let same_name = left.iter().position(|one| key(b.0, one) == key(a.0, file));
        let of_role = |all: &[ProductFile]| all.iter().filter(|one| one.role == file.role).count();
        let is_only = of_role(a.1) == 1 && of_role(b.1) == 1;
        let same_role = || left.iter().position(|one| is_only && one.role == file.role);
        let twin = same_name.or_else(same_role);
        let twin = twin.map(|at| left.remove(at));
        all.push(FileDifference {
            role: file.role.clone(),
            name_a: Some(file.name.clone()),
            name_b: twin.map(|one| one.name.clone()),
            size_a: Some(file.size),
            size_b: twin.map(|one| one.size),
            is_same: twin.is_some_and(|one| one.sha256 == file.sha256),
        });
    }
    all.extend(left.into_iter().map(|file| FileDifference {
        role: file.role.clone(),
        name_a: None,
        name_b: Some(file.name.clone()),
        size_a: None,
        size_b: Some(file.size),
        is_same: false,
    }));
    all
}

fn properties(a: Vec<ProductProperty>, b: Vec<ProductProperty>) -> Vec<PropertyDifference> {
    let mut names: Vec<&str> = a.iter().chain(&b).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |all: &[ProductProperty], name: &str| {
        let found = all.iter().find(|one| one.name == name);
        found.map(|one| one.value.clone())
    };
    let mut rows: Vec<PropertyDifference> = names
        .into_iter()
        .map(|name| PropertyDifference {
            name: name.to_owned(),
            a: value(&a, name),
            b: value(&b, name),
        })
        .collect();
    rows.sort_by_key(PropertyDifference::is_same);
    rows
}
