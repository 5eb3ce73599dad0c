//! Whether the store holds what the database says: files without a row, rows without a file.

use std::io::ErrorKind;

use crate::clock::Time;
use crate::db::events::{self, NewEvent};
use crate::db::outbox::Report;
use crate::db::retention::files;
use crate::db::{Conn, DbResult};
use crate::storage::Listed;

use super::Parts;

/// Damaged files named in one mail.
const NAMED_MAX: usize = 20;

impl Parts {
    /// Compares all of it, page by page, and tells what is damaged.
    pub(super) async fn take_inventory(&self) -> DbResult<()> {
        let old = self
            .clock
            .now()
            .before(self.config().master.collecting.store_grace);
        let limit = usize::try_from(files::PAGE_MAX).unwrap_or(1);
        let (mut after, mut damaged) = (String::new(), Vec::new());
        loop {
            let from = Some(after.as_str()).filter(|after| !after.is_empty());
            let page = match self.blobs.list(from, limit).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "the store cannot be listed");
                    return Ok(());
                }
            };
            // Behind the last file only rows without one can follow.
            let end = match page.len() < limit {
                true => None,
                false => page.last().map(|file| file.sha256.clone()),
            };
            self.find_orphans(&page, old).await?;
            self.find_ghosts(&page, &after, end.as_deref(), &mut damaged)
                .await?;
            match end {
                Some(end) => after = end,
                None => break,
            }
        }
        self.tell_damaged(damaged).await
    }

    /// Files without a row that are older than the grace.
    async fn find_orphans(&self, page: &[Listed], old: Time) -> DbResult<()> {
        let names: Vec<String> = page.iter().map(|file| file.sha256.clone()).collect();
        let read = move |conn: &mut Conn| files::states(conn, &names);
        let states = self.db.read("retention.states", read).await?;
        for file in page {
            let state = states
                .binary_search_by(|(name, ..)| name.cmp(&file.sha256))
                .map(|at| states[at].1.as_str());
            let has_row = state.is_ok_and(|state| state != "gone");
            if !has_row && file.modified <= old && !self.blobs.in_use(&file.sha256) {
                self.quarantine(&file.sha256, file.size).await?;
            }
        }
        Ok(())
    }

    /// Rows between `after` and `end` whose file is not there or of another size.
    async fn find_ghosts(
        &self,
        page: &[Listed],
        after: &str,
        end: Option<&str>,
        damaged: &mut Vec<String>,
    ) -> DbResult<()> {
        let mut from = after.to_owned();
        loop {
            let begin = from.clone();
            let read = move |conn: &mut Conn| files::expected(conn, &begin, files::PAGE_MAX);
            let rows = self.db.read("retention.expected", read).await?;
            let is_last = (rows.len() as i64) < files::PAGE_MAX;
            for (name, size) in rows {
                if end.is_some_and(|end| name.as_str() > end) {
                    return Ok(());
                }
                from.clone_from(&name);
                let listed = page.binary_search_by(|file| file.sha256.cmp(&name));
                let known = listed.ok().map(|at| page[at].size);
                let fits = known.is_some_and(|known| i64::try_from(known) == Ok(size));
                if !fits && self.is_damaged(&name, size).await {
                    self.mark_corrupt(&name).await?;
                    damaged.push(name);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Asks once more: what is in the trash can still be read, and what came since is there.
    async fn is_damaged(&self, sha256: &str, size: i64) -> bool {
        match self.blobs.size(sha256).await {
            Ok(found) => i64::try_from(found) != Ok(size),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// Notes that a file is missing or wrong, with the event.
    pub(super) async fn mark_corrupt(&self, sha256: &str) -> DbResult<bool> {
        let (now, name) = (self.clock.now(), sha256.to_owned());
        tracing::error!(sha256, "a stored file is missing or wrong");
        let work = move |conn: &mut Conn| {
            let marked = files::mark_corrupt(conn, &name)?;
            if marked {
                let event = NewEvent {
                    kind: "store.corrupt",
                    detail: serde_json::json!({ "sha256": name }).to_string(),
                    ..NewEvent::default()
                };
                events::append(conn, now, &event)?;
            }
            Ok(marked)
        };
        self.db.tx("retention.corrupt", work).await
    }

    /// One mail about everything that was found.
    pub(super) async fn tell_damaged(&self, damaged: Vec<String>) -> DbResult<()> {
        if damaged.is_empty() {
            return Ok(());
        }
        let mut lines = vec![
            "These stored files are missing or are not what they were. Their products are offered \
             to nobody until the files are back: upload the same files again, or restore the \
             folder from a copy."
                .to_owned(),
        ];
        lines.extend(damaged.iter().take(NAMED_MAX).cloned());
        if damaged.len() > NAMED_MAX {
            lines.push(format!("and {} more", damaged.len() - NAMED_MAX));
        }
        let report = Report {
            subject: format!("! {} stored files are damaged", damaged.len()),
            lines,
            path: "/retention".to_owned(),
        };
        self.tell("store.corrupt", None, report).await
    }
}
