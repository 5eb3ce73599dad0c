//! Reading stored files again to see whether they still are what their names say, at a rate that
//! leaves the disk to others.

use std::time::Duration;

use crate::db::retention::files;
use crate::db::{Conn, DbResult};
use crate::storage::Verified;

use super::{Parts, SCRUB_NOW, SCRUBBED};

/// Files asked for at a time.
const FILES_MAX: i64 = 50;
/// Bytes that a file counts at least, for opening it costs time too.
const FILE_BYTES_MIN: u64 = 4_096;

impl Parts {
    /// Reads as many bytes as the rate allows for `since`; all of them at once where somebody asked
    /// for that.
    pub(super) async fn scrub(&self, since: Duration) -> DbResult<()> {
        let rate = self.config().master.collecting.scrub;
        let is_asked = self
            .fact(SCRUB_NOW)
            .await?
            .is_some_and(|text| text == "yes");
        let allowed = match is_asked {
            true => u64::MAX,
            false => rate.saturating_mul(since.as_secs()),
        };
        let mut after = match is_asked {
            true => String::new(),
            false => self.fact(SCRUBBED).await?.unwrap_or_default(),
        };
        let (mut read, mut damaged) = (0_u64, Vec::new());
        'pages: while read < allowed {
            let from = after.clone();
            let next = move |conn: &mut Conn| files::to_verify(conn, &from, FILES_MAX);
            let page = self.db.read("retention.to_verify", next).await?;
            if page.is_empty() {
                after.clear();
                break;
            }
            for (name, size) in page {
                if !self.verify(&name, &mut damaged).await? {
                    break 'pages;
                }
                read = read.saturating_add(u64::try_from(size).unwrap_or(0).max(FILE_BYTES_MIN));
                after = name;
                if read >= allowed {
                    break;
                }
            }
        }
        if read > 0 || is_asked {
            self.keep_fact(SCRUBBED, after).await?;
        }
        if is_asked {
            self.keep_fact(SCRUB_NOW, String::new()).await?;
        }
        self.tell_damaged(damaged).await
    }

    /// Reads one file; says whether the store answers.
    async fn verify(&self, sha256: &str, damaged: &mut Vec<String>) -> DbResult<bool> {
        match self.blobs.verify(sha256).await {
            Ok(Verified::Ok) => {
                let (now, name) = (self.clock.now(), sha256.to_owned());
                let work = move |conn: &mut Conn| files::mark_verified(conn, now, &name);
                self.db.tx_progress("retention.verified", work).await?;
            }
            Ok(Verified::Missing | Verified::Wrong) => {
                if self.mark_corrupt(sha256).await? {
                    damaged.push(sha256.to_owned());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the store cannot be read");
                return Ok(false);
            }
        }
        Ok(true)
    }
}
