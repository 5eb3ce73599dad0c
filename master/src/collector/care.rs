//! What is done every hour: the trash, the store, figures, holds that run out, and ends.

use std::collections::BTreeMap;

use crate::db::outbox::{Report, queue_report};
use crate::db::retention::figures;
use crate::db::retention::holds::{self, Ending};
use crate::db::{Conn, DbResult};

use super::Parts;

impl Parts {
    /// Does all of it.
    pub(super) async fn care(&self) -> DbResult<()> {
        match self.policies() {
            Ok(policies) => self.empty_trash(&policies).await?,
            Err(error) => tracing::error!(%error, "the trash is not emptied"),
        }
        self.condemn_unnamed().await?;
        self.unlink_condemned().await?;
        self.sort_store_trash().await?;
        self.take_inventory().await?;
        self.keep_figures().await?;
        self.tell_owners().await?;
        self.end_what_grows().await
    }

    async fn keep_figures(&self) -> DbResult<()> {
        let taken = self.db.read("retention.count", figures::count).await?;
        let now = self.clock.now();
        let keep = move |conn: &mut Conn| figures::keep(conn, now, &taken);
        self.db.tx_progress("retention.figures", keep).await
    }

    /// Tells owners of holds that run out, each hold once, each owner in one mail.
    pub(super) async fn tell_owners(&self) -> DbResult<()> {
        let config = self.config();
        let notice = config.master.collecting.hold_notice;
        if notice.is_zero() {
            return Ok(());
        }
        loop {
            let now = self.clock.now();
            let read = move |conn: &mut Conn| holds::ending(conn, now, now.after(notice));
            let ending = self.db.read("retention.ending", read).await?;
            if ending.is_empty() {
                return Ok(());
            }
            let mut by_owner: BTreeMap<Option<String>, Vec<Ending>> = BTreeMap::new();
            for one in ending {
                let owner = one.owner.clone().filter(|_| config.mail.is_some());
                by_owner.entry(owner).or_default().push(one);
            }
            for (owner, ending) in by_owner {
                let work = move |conn: &mut Conn| {
                    let mut told = Vec::new();
                    for one in &ending {
                        if holds::mark_told(conn, now, one.hold)? {
                            told.push(one);
                        }
                    }
                    match told.is_empty() {
                        true => Ok(0),
                        false => {
                            let receivers: Vec<String> = owner.iter().cloned().collect();
                            let report = report(&told);
                            let product = told.first().map(|one| one.product);
                            queue_report(conn, now, "hold.ending", product, &receivers, &report)
                        }
                    }
                };
                let seq = self.db.tx("retention.tell_owner", work).await?;
                self.ring(seq);
            }
        }
    }
}

fn report(ending: &[&Ending]) -> Report {
    let line = |one: &&Ending| {
        format!(
            "{} (product {}), kept because: {}. The hold ends {}.",
            one.what, one.product, one.reason, one.until
        )
    };
    let mut lines = vec![
        "After that the product is kept by nobody and goes with one of the next collections, \
         unless something else protects it. Keep it again if it is needed."
            .to_owned(),
    ];
    lines.extend(ending.iter().map(line));
    let path = match ending {
        [one] => format!("/products/{}", one.product),
        _ => "/products?held=true".to_owned(),
    };
    let count = ending.len();
    Report {
        subject: match count {
            1 => "A hold of yours runs out".to_owned(),
            _ => format!("{count} holds of yours run out"),
        },
        lines,
        path,
    }
}
