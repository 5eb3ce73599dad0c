//! Verdicts: what testers found. A verdict is never changed; a later one takes its place.

use super::audit::{Attempt, authorise};
use super::products::not_found;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::config::resolved::Project;
use crate::db::products::view;
use crate::db::{Conn, DbError, Lane, audit, events, labels, sight, verdicts};
use crate::error::{Error, Result};
use crate::ids::ProductId;
use crate::model::{AuditOutcome, Checklist, Judgement, NewJudgement, Verdict};

/// Longest comment: what one saw, with steps to see it again.
const COMMENT_CHARS_MAX: usize = 4_000;
/// Longest address of a bug.
const BUG_CHARS_MAX: usize = 2_000;

/// Gives a verdict on a product; `last-good` of its branch and target follows.
///
/// Errors: `BadInput` for `comment`, `bug` (no address, or none where the project wants one for
/// `bad`) and `checklist`, `NotFound`, `Conflict` when the product has been collected.
pub async fn judge(
    app: &App,
    identity: &Identity,
    product: ProductId,
    new: NewJudgement,
) -> Result<Judgement> {
    let what = product.to_string();
    let attempt = Attempt {
        action: "product.judge",
        object_kind: "product",
        object_id: &what,
    };
    authorise(app, identity, Permission::Keep, attempt).await?;
    let user = identity.user();
    let user = user.ok_or(Error::Unauthenticated(Permission::Keep.as_str()))?;
    let now = app.clock.now();
    let db = app.db.lane(Lane::Pages);
    let known = db.read("verdicts.product", move |conn| {
        view::find(conn, now, product)
    });
    let known = known.await.map_err(|error| not_found(error, product))?;
    let config = app.config();
    let new = checked(new, config.projects.get(&known.project))?;
    let actor = identity.name().to_owned();
    let work = move |conn: &mut Conn| {
        let id = verdicts::judge(conn, now, product, user, &new)?;
        let moved = labels::follow_verdict(conn, now, product, new.verdict, &actor)?;
        let (done, what) = (AuditOutcome::Done, product.to_string());
        let said = format!("{}: {}", new.verdict, new.comment);
        audit::append(
            conn,
            now,
            &actor,
            "product.judge",
            "product",
            &what,
            done,
            &said,
        )?;
        let event = events::NewEvent {
            kind: "product.judged",
            product: Some(product),
            detail: serde_json::json!({
                "verdict": new.verdict, "bug": new.bug, "by": actor, "last_good": moved,
            })
            .to_string(),
            ..events::NewEvent::default()
        };
        let seq = events::append(conn, now, &event)?;
        Ok((verdicts::find(conn, id)?, seq))
    };
    let given = app.db.tx("verdicts.judge", work).await;
    let (judgement, seq) = given.map_err(|error| match error {
        DbError::Changed => Error::Conflict(format!(
            "product {product} has been collected: no verdict can be given on it"
        )),
        other => not_found(other, product),
    })?;
    super::products::told(app, seq);
    Ok(judgement)
}

/// What testers of a project tick off, and whether `bad` must come with a bug. Errors: `NotFound`.
pub async fn checklist(app: &App, identity: &Identity, project: &str) -> Result<Checklist> {
    identity.require(Permission::Read)?;
    super::privacy::admit(app, identity, project, None).await?;
    let config = app.config();
    // A project that the configuration names no longer has neither.
    let known = config.projects.get(project);
    Ok(Checklist {
        project: project.to_owned(),
        items: known.map_or_else(Vec::new, |project| project.checklist.clone()),
        bad_needs_bug: known.is_some_and(|project| project.bad_needs_bug),
    })
}

/// All verdicts on a product, newest first.
pub async fn list(app: &App, identity: &Identity, product: ProductId) -> Result<Vec<Judgement>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| match sight::product(conn, of, product) {
        Ok(()) => verdicts::of_product(conn, product),
        Err(DbError::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    Ok(db.read("verdicts.list", read).await?)
}

/// The verdict as it is stored: texts trimmed, every part looked at.
fn checked(new: NewJudgement, project: Option<&Project>) -> Result<NewJudgement> {
    let comment = new.comment.trim();
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if comment.chars().count() > COMMENT_CHARS_MAX || comment.chars().any(is_control) {
        let text = format!("at most {COMMENT_CHARS_MAX} characters of plain text");
        return Err(Error::bad_input("comment", text));
    }
    let bug = new
        .bug
        .as_deref()
        .map(str::trim)
        .filter(|bug| !bug.is_empty());
    if let Some(bug) = bug {
        let rest = bug
            .strip_prefix("https://")
            .or_else(|| bug.strip_prefix("http://"));
        let is_plain = bug.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let is_fine = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !is_fine || !is_plain || bug.chars().count() > BUG_CHARS_MAX {
            return Err(Error::bad_input(
                "bug",
                "give the bug's address, such as https://bugs.example/123",
            ));
        }
    } else if new.verdict == Verdict::Bad && project.is_some_and(|project| project.bad_needs_bug) {
        return Err(Error::bad_input(
            "bug",
            "this project wants the bug's address with the verdict bad",
        ));
    }
    let known: &[String] = project.map_or(&[], |project| &project.checklist);
    for item in &new.checklist {
        if !known.contains(item) {
            let text = format!("the project's checklist has no `{item}`");
            return Err(Error::bad_input("checklist", text));
        }
    }
    let ticked = known.iter().filter(|item| new.checklist.contains(item));
    Ok(NewJudgement {
        verdict: new.verdict,
        comment: comment.to_owned(),
        bug: bug.map(str::to_owned),
        checklist: ticked.cloned().collect(),
    })
}

#[cfg(test)]
mod tests;
