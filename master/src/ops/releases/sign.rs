//! Signing a release off: each user once, in one role. The own word of who prepared it does not
//! count, so it is not taken.

use super::{detail, not_found, told};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::releases::{self, Deed};
use crate::db::{Conn, DbError, signoffs};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::ids::ReleaseId;
use crate::model::{ReleaseDetail, ReleaseState, Role};
use crate::ops::audit::{Attempt, authorise};
use crate::ops::words::checked_text;

/// Longest comment: a few sentences.
const COMMENT_CHARS_MAX: usize = 1_000;

/// Signs a release off in `role`, the asker's own when absent; who has a higher role may sign in a
/// lower one, but in one only.
///
/// Errors: `NotFound`, `BadInput` for `role` or `comment`, `Conflict` when the user signed before,
/// prepared the release, or it has begun; `Unauthenticated` when it is no user.
pub async fn sign(
    app: &App,
    identity: &Identity,
    id: ReleaseId,
    role: Option<Role>,
    comment: &str,
) -> Result<ReleaseDetail> {
    let object = id.to_string();
    let attempt = Attempt {
        action: "release.sign",
        object_kind: "release",
        object_id: &object,
    };
    authorise(app, identity, Permission::Keep, attempt).await?;
    let Identity::User {
        id: user,
        role: own,
        name,
    } = identity.clone()
    else {
        return Err(Error::Unauthenticated(Permission::Keep.as_str()));
    };
    let role = role.unwrap_or(own);
    if role.lower(own) != role {
        let text = format!("you are {own}: sign as that or as a lower role");
        return Err(Error::bad_input("role", text));
    }
    let comment = checked_text("comment", comment, COMMENT_CHARS_MAX)?;
    let now = app.clock.now();
    let work = move |conn: &mut Conn| {
        let release = releases::find(conn, id)?;
        if !matches!(release.state, ReleaseState::Draft | ReleaseState::Scheduled) {
            let text = format!("release {id} is {}: it needs no sign-off", release.state);
            return Ok(Err(Error::Conflict(text)));
        }
        if release.created_by == name {
            let text = "you prepared this release: somebody else must sign it off";
            return Ok(Err(Error::Conflict(text.to_owned())));
        }
        match signoffs::insert(conn, now, id, (user, role), &comment) {
            Err(DbError::Taken(_)) => {
                let text = format!("you signed release {id} off before");
                return Ok(Err(Error::Conflict(text)));
            }
            other => other?,
        };
        let text = format!("{role}: {comment}");
        let deed = Deed {
            action: "release.sign",
            event: "release.signed",
            by: &name,
            detail: &text,
        };
        let seq = releases::note(conn, now, &release, deed)?;
        failpoints::reach("release.changing");
        Ok(Ok((detail(conn, id)?, seq)))
    };
    let done = app.db.tx("releases.sign", work).await;
    told(app, done.map_err(|error| not_found(error, id))?)
}
