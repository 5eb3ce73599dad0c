//! The ends of what grows beside products: events, audit, mails, logs, builds.

use std::io::ErrorKind;

use crate::db::retention::horizons::{self, GoneLog};
use crate::db::{Conn, DbResult};

use super::Parts;

impl Parts {
    /// Removes what is past its horizon, piece by piece.
    pub(super) async fn end_what_grows(&self) -> DbResult<()> {
        let config = self.config();
        let (now, ends) = (self.clock.now(), &config.master.collecting);
        let mails = now.before(ends.mails);
        let work = move |conn: &mut Conn| horizons::mails(conn, mails);
        while self.db.tx_progress("horizons.mails", work).await? > 0 {}
        let events = now.before(ends.events);
        let work = move |conn: &mut Conn| horizons::events(conn, events);
        while self.db.tx_progress("horizons.events", work).await? > 0 {}
        let audit = now.before(ends.audit);
        let work = move |conn: &mut Conn| horizons::audit(conn, audit);
        while self.db.tx_progress("horizons.audit", work).await? > 0 {}
        let Ok(policies) = self.policies() else {
            return Ok(());
        };
        for project in config.projects.keys() {
            let (logs, builds) = policies.horizons(project);
            if let Some(span) = logs {
                let before = now.before(span);
                loop {
                    let name = project.clone();
                    let work = move |conn: &mut Conn| horizons::logs(conn, &name, before);
                    let gone = self.db.tx_progress("horizons.logs", work).await?;
                    if gone.is_empty() {
                        break;
                    }
                    self.remove_logs(gone).await;
                }
            }
            if let Some(span) = builds {
                let before = now.before(span);
                loop {
                    let name = project.clone();
                    let work = move |conn: &mut Conn| horizons::builds(conn, &name, before);
                    let (count, gone) = self.db.tx_progress("horizons.builds", work).await?;
                    if count == 0 {
                        break;
                    }
                    self.remove_logs(gone).await;
                }
            }
        }
        Ok(())
    }

    /// Removes files of logs whose rows are gone, and their folders once they are empty.
    async fn remove_logs(&self, gone: Vec<GoneLog>) {
        let data = self.data.clone();
        let remove = move || {
            for log in gone {
                let plain = data.join(&log.path);
                let mut compressed = plain.clone().into_os_string();
                compressed.push(".zst");
                for path in [plain.clone(), compressed.into()] {
                    match std::fs::remove_file(&path) {
                        Err(error) if error.kind() != ErrorKind::NotFound => {
                            tracing::warn!(path = %path.display(), %error, "a log cannot be removed");
                        }
                        _ => {}
                    }
                }
                if let Some(folder) = plain.parent() {
                    // Fails where other logs of the build are left, which is right.
                    let _ = std::fs::remove_dir(folder);
                }
            }
        };
        if tokio::task::spawn_blocking(remove).await.is_err() {
            tracing::error!("removing logs failed inside");
        }
    }
}
