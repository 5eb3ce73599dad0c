//! Whether the master can do its work.

use crate::app::App;
use crate::db::{Lane, events};
use crate::error::Result;

/// Asks the database for something it always has. Open to everybody; tells nothing else.
pub async fn check(app: &App) -> Result<()> {
    app.db
        .lane(Lane::Pages)
        .read("health", events::newest)
        .await?;
    Ok(())
}
