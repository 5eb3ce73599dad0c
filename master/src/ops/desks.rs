//! The desk of a person who tests builds all day: what is new of their choice, and the choices they
//! come back to.

use std::collections::HashMap;

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::products::{compare, files, list, view};
use crate::db::{Conn, DbError, DbResult, Lane, desks, holds, labels, verdicts};
use crate::error::{Error, Result};
use crate::ids::{DeskId, ProductId, UserId};
use crate::model::{Desk, DeskRow, Page, Product, ProductFile, ProductFilter, ProductState};

/// Changes shown of one product: the page says how many more there are.
const CHANGES_MAX: i64 = 4;
/// Own verdicts among which the newest of the choice is looked for.
const JUDGED_MAX: i64 = 200;
/// Longest query of a choice, and longest name.
const QUERY_BYTES_MAX: usize = 2_000;
const NAME_CHARS_MAX: usize = 60;
/// States of what was collected.
const GONE: [ProductState; 2] = [ProductState::Expired, ProductState::Deleted];

/// The desk: products that `filter` lets through, with all that a tester asks of each; what was
/// collected only where its state is asked for. New is what
/// came after everything the tester has seen of this choice, or after their last verdict in it.
pub async fn show(
    app: &App,
    identity: &Identity,
    filter: ProductFilter,
    query: &str,
) -> Result<(Page<DeskRow, ProductId>, Vec<Desk>)> {
    identity.require(Permission::Read)?;
    let filter = ProductFilter {
        public_only: !identity.sees_private(),
        ..filter
    };
    let (now, user, query) = (app.clock.now(), identity.user(), query.to_owned());
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| {
        let mut page = list::page(conn, now, &filter)?;
        // What was collected is nobody's to test, unless it is asked for.
        let is_gone = |product: &Product| GONE.contains(&product.state);
        page.items
            .retain(|product| filter.state.is_some() || !is_gone(product));
        let known = match user {
            Some(user) => desks::of_user(conn, user)?,
            None => Vec::new(),
        };
        let seen = known.iter().find(|desk| desk.query == query);
        let seen = seen.map_or(0, |desk| desk.seen.0);
        let judged = match user {
            Some(user) => last_judged(conn, now, user, &filter)?,
            None => 0,
        };
        let rows = rows(conn, now, page.items, seen.max(judged), user.is_some())?;
        Ok((
            Page {
                items: rows,
                next: page.next,
            },
            known,
        ))
    };
    Ok(db.read("desks.show", read).await?)
}

/// The choices of the user, those with a name first.
pub async fn of_user(app: &App, identity: &Identity) -> Result<Vec<Desk>> {
    let user = user(identity)?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut Conn| desks::of_user(conn, user);
    Ok(db.read("desks.of_user", read).await?)
}

/// Remembers a choice, under a name where one is given, and that it was seen up to a product.
///
/// Errors: `BadInput` for `name` and `query`, `Conflict` when the user has too many choices.
pub async fn keep(
    app: &App,
    identity: &Identity,
    query: &str,
    name: Option<&str>,
    seen: Option<ProductId>,
) -> Result<Desk> {
    let user = user(identity)?;
    let is_plain = |text: &str| text.chars().all(|c| !c.is_control());
    if query.len() > QUERY_BYTES_MAX || !is_plain(query) {
        let text = format!("at most {QUERY_BYTES_MAX} bytes of plain text");
        return Err(Error::bad_input("query", text));
    }
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > NAME_CHARS_MAX || !is_plain(name)) {
        let text = format!("at most {NAME_CHARS_MAX} characters of plain text");
        return Err(Error::bad_input("name", text));
    }
    let (now, query, name) = (app.clock.now(), query.to_owned(), name.map(str::to_owned));
    let work = move |conn: &mut Conn| desks::keep(conn, now, user, &query, name.as_deref(), seen);
    let kept = app.db.tx_progress("desks.keep", work).await;
    kept.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "{} choices are saved: remove one first",
            desks::DESKS_MAX
        )),
        other => other.into(),
    })
}

/// Forgets a choice of one's own.
pub async fn remove(app: &App, identity: &Identity, id: DeskId) -> Result<()> {
    let user = user(identity)?;
    let work = move |conn: &mut Conn| desks::remove(conn, user, id);
    let removed = app.db.tx_progress("desks.remove", work).await;
    removed.map_err(|error| match error {
        DbError::NotFound => Error::NotFound(format!("you have no choice {id}")),
        other => other.into(),
    })
}

fn user(identity: &Identity) -> Result<UserId> {
    identity.require(Permission::Keep)?;
    identity
        .user()
        .ok_or(Error::Unauthenticated(Permission::Keep.as_str()))
}

/// The newest product of the choice that the user gave a verdict on; 0 for none.
fn last_judged(conn: &mut Conn, now: Time, user: UserId, filter: &ProductFilter) -> DbResult<i64> {
    let ids = verdicts::judged_by(conn, user, JUDGED_MAX)?;
    let is_of_choice = |product: &Product| {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        fits(&filter.project, &product.project)
            && fits(&filter.branch, &product.branch)
            && fits(&filter.target, &product.target)
    };
    let judged = view::find_all(conn, now, &ids)?;
    let newest = judged.iter().find(|product| is_of_choice(product));
    Ok(newest.map_or(0, |product| product.id.0))
}

fn rows(
    conn: &mut Conn,
    now: Time,
    products: Vec<Product>,
    seen: i64,
    knows_seen: bool,
) -> DbResult<Vec<DeskRow>> {
    let ids: Vec<ProductId> = products.iter().map(|product| product.id).collect();
    let mut last = verdicts::last_of(conn, &ids)?;
    let holds = holds::live_of(conn, now, &ids)?;
    let mut names: HashMap<ProductId, Vec<String>> = HashMap::new();
    for label in labels::of_products(conn, &ids)? {
        names.entry(label.product).or_default().push(label.label);
    }
    let mut rows = Vec::new();
    for product in products {
        let file = installer(files::recorded(conn, product.id)?);
        rows.push(DeskRow {
            is_new: knows_seen && product.id.0 > seen,
            file: file.as_ref().map(|file| file.name.clone()),
            sha256: file.map(|file| file.sha256),
            judgement: last.remove(&product.id),
            holds: holds
                .iter()
                .filter(|hold| hold.product == product.id)
                .cloned()
                .collect(),
            labels: names.remove(&product.id).unwrap_or_default(),
            since: compare::since_previous(conn, &product, CHANGES_MAX)?,
            product,
        });
    }
    Ok(rows)
}

/// What a tester installs: the file of the role `installer`, else `update`, else the first.
fn installer(files: Vec<ProductFile>) -> Option<ProductFile> {
    files
        .into_iter()
        .min_by_key(|file| match file.role.as_str() {
            "installer" => 0,
            "update" => 1,
            _ => 2,
        })
}
