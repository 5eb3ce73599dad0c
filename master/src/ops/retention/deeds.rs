//! Something that is done about collecting: refused to who may not and written down, else done in
//! one transaction with its audit row; its event is told to open pages.

use super::{Attempt, Permission, authorise};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::db::{Conn, DbResult, audit};
use crate::error::Result;
use crate::model::AuditOutcome;
use crate::ops::products::told;

/// What somebody does, and to what.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// Noun and verb for the audit trail.
    pub(super) action: &'static str,
    /// Noun of what it is done to.
    pub(super) object_kind: &'static str,
    /// Its id; empty where there is one alone.
    pub(super) object_id: String,
    /// Who does it.
    who: String,
    now: Time,
}

/// What came of it in its transaction.
#[derive(Debug)]
pub(super) enum Came<T> {
    /// It was done: written down with what is to be said, and the number of its event is told.
    Done(T, i64),
    /// Nothing was done.
    Nothing(T),
}

impl Deed {
    /// Begins it. Errors: `Forbidden`, which leaves an audit row, or `Unauthenticated`.
    pub(super) async fn begin(
        app: &App,
        identity: &Identity,
        action: &'static str,
        (object_kind, object_id): (&'static str, String),
    ) -> Result<Self> {
        let attempt = Attempt {
            action,
            object_kind,
            object_id: &object_id,
        };
        authorise(app, identity, Permission::Collect, attempt).await?;
        Ok(Self {
            action,
            object_kind,
            object_id,
            who: identity.name().to_owned(),
            now: app.clock.now(),
        })
    }

    /// Who does it.
    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// When it was begun.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Does it by `work`, and writes it down with `detail`.
    pub(super) async fn perform<T: Send + 'static>(
        self,
        app: &App,
        detail: String,
        work: impl Fn(&mut Conn) -> DbResult<Came<T>> + Send + 'static,
    ) -> DbResult<T> {
        let action = self.action;
        let whole = move |conn: &mut Conn| {
            let came = work(conn)?;
            if let Came::Done(..) = came {
                self.note(conn, &detail)?;
            }
            Ok(came)
        };
        Ok(match app.db.tx(action, whole).await? {
            Came::Done(value, event) => {
                told(app, event);
                value
            }
            Came::Nothing(value) => value,
        })
    }

    fn note(&self, conn: &mut Conn, detail: &str) -> DbResult<()> {
        let (who, done) = (&self.who, AuditOutcome::Done);
        let (kind, id) = (self.object_kind, &self.object_id);
        audit::append(conn, self.now, who, self.action, kind, id, done, detail).map(|_| ())
    }
}
