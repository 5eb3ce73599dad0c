//! Sign-offs: who consented to a release, in which role. Each user once.

use diesel::prelude::*;

use super::schema::{signoffs, users};
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::{ReleaseId, SignoffId, UserId};
use crate::model::{Release, Role, Signoff, SignoffNeed};

/// Sign-offs of one release that are read: there are as many as people who care.
const SIGNOFFS_MAX: i64 = 1_000;

/// Adds one. Errors: [`super::DbError::Taken`] when the user signed before.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    release: ReleaseId,
    (user, role): (UserId, Role),
    comment: &str,
) -> DbResult<SignoffId> {
    let id: i64 = diesel::insert_into(signoffs::table)
        .values((
            signoffs::release_id.eq(release.0),
            signoffs::user_id.eq(user.0),
            signoffs::role.eq(role.as_str()),
            signoffs::comment.eq(comment),
            signoffs::created_at.eq(now.0),
        ))
        .returning(signoffs::id)
        .get_result(conn)?;
    Ok(SignoffId(id))
}

/// Those of a release, the first first.
pub fn of_release(conn: &mut Conn, release: ReleaseId) -> DbResult<Vec<Signoff>> {
    let rows: Vec<(i64, String, String, String, i64)> = signoffs::table
        .inner_join(users::table)
        .filter(signoffs::release_id.eq(release.0))
        .order(signoffs::id)
        .limit(SIGNOFFS_MAX)
        .select((
            signoffs::id,
            users::name,
            signoffs::role,
            signoffs::comment,
            signoffs::created_at,
        ))
        .load(conn)?;
    let signoff = |(id, user, role, comment, at): (i64, String, String, String, i64)| Signoff {
        id: SignoffId(id),
        user,
        role: role.parse().unwrap_or(Role::Viewer),
        comment,
        created_at: Time(at),
    };
    Ok(rows.into_iter().map(signoff).collect())
}

/// What is still to be signed of a release.
pub fn missing(conn: &mut Conn, release: &Release) -> DbResult<Vec<SignoffNeed>> {
    let signed = of_release(conn, release.id)?;
    let left = |need: &SignoffNeed| {
        let have = signed.iter().filter(|one| one.role == need.role).count();
        let have = u32::try_from(have).unwrap_or(u32::MAX);
        (have < need.count).then(|| SignoffNeed {
            role: need.role,
            count: need.count - have,
        })
    };
    Ok(release.signoffs_needed.iter().filter_map(left).collect())
}
