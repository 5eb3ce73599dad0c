//! Whether there is room for more.

use crate::app::App;
use crate::collector::Quotas;
use crate::error::{Error, Result};

/// Whether the quotas leave room for `bytes` more of a project. Where they do not, those who look
/// after the store get a mail, once a day for each quota.
///
/// Errors: `NoRoom`, which says whose quota is used up.
pub async fn has_room(app: &App, project: &str, bytes: u64) -> Result<()> {
    let quotas = Quotas {
        db: &app.db,
        bells: &app.bells,
        config: &app.config(),
        now: app.clock.now(),
    };
    match quotas.refusal(project, bytes).await? {
        Some(text) => Err(Error::NoRoom(text)),
        None => Ok(()),
    }
}
