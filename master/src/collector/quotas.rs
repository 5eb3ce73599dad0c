//! Whether the quotas leave room for more, whoever brings it; asked before the first byte comes.

use super::receivers;
use crate::bells::Bells;
use crate::clock::Time;
use crate::config::Config;
use crate::db::outbox::{Report, last_report, queue_report};
use crate::db::retention::figures;
use crate::db::{Conn, Db, DbResult};

/// Between two mails about one quota: whoever frees space needs a while.
const FULL_AGAIN_US: i64 = 86_400_000_000;

/// What it is decided from.
pub struct Quotas<'a> {
    /// The database.
    pub db: &'a Db,
    /// Wakes of the loops.
    pub bells: &'a Bells,
    /// The configuration in force.
    pub config: &'a Config,
    /// The present moment.
    pub now: Time,
}

impl Quotas<'_> {
    /// Why `bytes` more of a project find no room; none where they do. Where they do not, those who
    /// look after the store get a mail, once a day for each quota.
    pub async fn refusal(&self, project: &str, bytes: u64) -> DbResult<Option<String>> {
        let whole = self.config.master.collecting.quota;
        let own = self.config.projects.get(project);
        let own = own.and_then(|project| project.quota);
        if whole.is_none() && own.is_none() {
            return Ok(None);
        }
        let name = project.to_owned();
        let read = move |conn: &mut Conn| figures::used(conn, &name);
        let (used, used_by_project) = self.db.read("retention.used", read).await?;
        let fits = |used: i64, quota: Option<u64>| {
            let used = u64::try_from(used).unwrap_or(0);
            quota.is_none_or(|quota| used.saturating_add(bytes) <= quota)
        };
        let (text, path) = if !fits(used_by_project, own) {
            let text = format!("the quota of the project {project} is used up");
            (text, format!("/retention?project={project}"))
        } else if !fits(used, whole) {
            let text = "the store's quota is used up".to_owned();
            (text, "/retention".to_owned())
        } else {
            return Ok(None);
        };
        self.tell_full(&text, path).await?;
        Ok(Some(format!(
            "{text}: let go of products that are not needed, or raise `quota`"
        )))
    }

    async fn tell_full(&self, text: &str, path: String) -> DbResult<()> {
        let (now, receivers) = (self.now, receivers(self.config));
        let report = Report {
            subject: format!("! {text}"),
            lines: vec![
                "Uploads are refused until there is room. Nothing that is protected was or will be \
                 collected for it: lift holds, end releases, shorten the days, or raise the quota."
                    .to_owned(),
            ],
            path,
        };
        let work = move |conn: &mut Conn| {
            let last = last_report(conn, "store.full", &report.path)?;
            if last.is_some_and(|last| now.0 - last.0 < FULL_AGAIN_US) {
                return Ok(0);
            }
            queue_report(conn, now, "store.full", None, &receivers, &report)
        };
        let seq = self.db.tx("retention.full", work).await?;
        self.bells.notifier.notify_one();
        let raise = |newest: &mut i64| *newest = seq.max(*newest);
        self.bells.events.send_modify(raise);
        Ok(())
    }
}
