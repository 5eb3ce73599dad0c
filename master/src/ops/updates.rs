//! Update feeds: what an application that asks is told. Loads the rows, lets `updates` decide.

use crate::app::App;
use crate::clock::Time;
use crate::db::products::feed;
pub use crate::db::products::feed::Feed;
use crate::db::{Conn, DbError, Lane};
use crate::error::{Error, Result};
use crate::updates::{self, Answer, Asker};

/// Longest text that an asker may send as a version; a longer one is no version of ours.
const VERSION_BYTES_MAX: usize = 256;

/// A product that an application should take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Version text.
    pub version: String,
    /// Semantic version.
    pub feed_version: Option<String>,
    /// Where its file is, as a whole URL.
    pub url: String,
    /// File name.
    pub name: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Bytes of the file.
    pub size: i64,
    /// When it was recorded.
    pub published_at: Time,
    /// Number of the build.
    pub build: i64,
    /// Revision of the first codebase.
    pub revision: String,
    /// Language runtime and range.
    pub runtime: Option<(String, String)>,
}

/// What an application that is at `asker` is told: an update, or nothing. Open to everybody.
///
/// Errors: `NotFound` when project or feed are unknown.
pub async fn ask(app: &App, feed: Feed, mut asker: Asker) -> Result<Option<Update>> {
    let names = [&feed.project, &feed.token, &feed.target];
    if names.iter().any(|name| name.contains('\0')) {
        return Err(unknown(&feed));
    }
    let is_version =
        |text: &String| !text.is_empty() && text.len() <= VERSION_BYTES_MAX && !text.contains('\0');
    asker.version = asker.version.filter(is_version);
    let master = app.config().master.url.clone();
    let wanted = feed.clone();
    let read = move |conn: &mut Conn| {
        let candidates = feed::candidates(conn, &wanted, &asker)?;
        match updates::answer(&candidates, &asker) {
            Answer::Offer(id) => feed::offer(conn, id).map(Some),
            Answer::UpToDate | Answer::Nothing => Ok(None),
        }
    };
    let db = app.db.lane(Lane::Pages);
    let offer = db.read("updates.ask", read).await;
    let offer = offer.map_err(|error| match error {
        DbError::NotFound => unknown(&feed),
        other => other.into(),
    })?;
    Ok(offer.map(|offer| update(&master, offer)))
}

fn unknown(feed: &Feed) -> Error {
    let text = |text: &str| text.chars().take(64).collect::<String>();
    Error::NotFound(format!(
        "there is no feed `{}` of a project `{}`",
        text(&feed.token),
        text(&feed.project)
    ))
}

fn update(master: &str, offer: feed::Offer) -> Update {
    Update {
        url: format!("{master}{}", updates::file_path(&offer.sha256, &offer.name)),
        version: offer.version,
        feed_version: offer.feed_version,
        name: offer.name,
        sha256: offer.sha256,
        size: offer.size,
        published_at: offer.recorded_at,
        build: offer.build_number,
        revision: offer.revision,
        runtime: offer.runtime,
    }
}
