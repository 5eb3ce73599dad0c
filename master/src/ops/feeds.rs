//! What feeds need besides the answer: which targets there are, files below a feed's own address,
//! control files, and the products behind stable links. Open to everybody who knows the feed's
//! token, as the files of products are.

use std::io;

use bytes::Bytes;

use crate::app::App;
pub use crate::db::products::feed::Feed;
pub use crate::db::products::names::NamedFile;
pub use crate::db::products::picks::Pick;
use crate::db::products::{names, offer, picks};
use crate::db::{Conn, DbError, DbResult, Lane};
use crate::error::{Error, Result};
use crate::ids::BranchId;
use crate::model::Offer;
use crate::updates::formats::zsync::{About, readdress};
use crate::updates::targets::{Target, choose};

/// Longest text of an address that is looked up.
const TEXT_BYTES_MAX: usize = 512;
/// Products in a feed for readers: a week of a busy branch.
const RECENT_MAX: i64 = 30;

/// The targets of the branch that answers for a feed, by name.
///
/// Errors: `NotFound` when project or feed are unknown.
pub async fn targets(app: &App, project: &str, token: &str) -> Result<Vec<String>> {
    let feed = feed(project, token)?;
    read(app, "feeds.targets", move |conn| {
        names::targets(conn, &feed)
    })
    .await
}

/// The newest file of this name in a feed's branch.
///
/// Errors: `NotFound`.
pub async fn file(app: &App, project: &str, token: &str, name: &str) -> Result<NamedFile> {
    let feed = feed(project, token)?;
    let name = sensible(name)?.to_owned();
    let found = read(app, "feeds.file", move |conn| {
        names::newest(conn, &feed, &name)
    })
    .await?;
    found.ok_or_else(missing)
}

/// The file of a build of `version` for electron's processor `arch`: the one of this name; for the
/// block map of a build whose files have another, the one that is called the same but for digits,
/// or its only one.
///
/// Errors: `NotFound`.
pub async fn file_of_version(
    app: &App,
    project: &str,
    token: &str,
    (version, arch, name): (&str, &str, &str),
) -> Result<NamedFile> {
    let feed = feed(project, token)?;
    let (version, arch) = (sensible(version)?.to_owned(), sensible(arch)?.to_owned());
    let suits = move |target: &str| Target::parse(target).electron_arch() == arch;
    let find = move |conn: &mut Conn| names::of_version(conn, &feed, &version, &suits);
    let builds = read(app, "feeds.file_of_version", find).await?;
    let name = sensible(name)?;
    let same = builds.iter().flatten().find(|file| file.name == name);
    let found = same.or_else(|| block_map(&builds, name)).cloned();
    found.ok_or_else(missing)
}

fn block_map<'a>(builds: &'a [Vec<NamedFile>], name: &str) -> Option<&'a NamedFile> {
    if !name.ends_with(".blockmap") {
        return None;
    }
    let is_map = |file: &&NamedFile| file.name.ends_with(".blockmap");
    let maps = || builds.iter().flatten().filter(is_map);
    let alike = maps().find(|file| shape(&file.name) == shape(name));
    alike.or_else(|| {
        let only = maps().next();
        only.filter(|_| maps().nth(1).is_none())
    })
}

/// A name without its numbers.
fn shape(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The product behind a stable link. `target` may be written in any client's words.
///
/// Errors: `NotFound` when there is no such feed, target or product.
pub async fn pick(
    app: &App,
    project: &str,
    token: &str,
    target: &str,
    wanted: Pick,
) -> Result<Offer> {
    let feed = feed(project, token)?;
    let (target, now) = (sensible(target)?.to_owned(), app.clock.now());
    let find = move |conn: &mut Conn| {
        let (branch, _) = picks::branch(conn, &feed.project, &feed.token)?;
        let known = names::targets(conn, &feed)?;
        let target = choose(&known, &target).ok_or(DbError::NotFound)?;
        let id = picks::pick(conn, now, branch, target, &wanted)?;
        offer::load(conn, id.ok_or(DbError::NotFound)?, false)
    };
    read(app, "feeds.pick", find).await
}

/// The newest products of a feed's branch, of one target or of all, and the branch's name.
///
/// Errors: `NotFound` when there is no such feed or target.
pub async fn recent(
    app: &App,
    project: &str,
    token: &str,
    target: Option<&str>,
) -> Result<(String, Vec<Offer>)> {
    let feed = feed(project, token)?;
    let target = target.map(sensible).transpose()?.map(str::to_owned);
    let find = move |conn: &mut Conn| {
        let (branch, name) = picks::branch(conn, &feed.project, &feed.token)?;
        let target = match &target {
            None => None,
            Some(wanted) => {
                let known = names::targets(conn, &feed)?;
                let target = choose(&known, wanted).ok_or(DbError::NotFound)?;
                Some(target.to_owned())
            }
        };
        let ids = picks::newest(conn, branch, target.as_deref(), RECENT_MAX)?;
        let offers: DbResult<Vec<Offer>> = ids
            .into_iter()
            .map(|id| offer::load(conn, id, false))
            .collect();
        Ok((name, offers?))
    };
    read(app, "feeds.recent", find).await
}

/// The control file for zsync of a product's file: the one that the build made, where it made one
/// of this file, else one that is made now.
///
/// Errors: `Gone` when the stored file is missing or damaged.
pub async fn control_file(
    app: &App,
    sha256: &str,
    about: &About<'_>,
    made: Option<(&str, u64)>,
) -> Result<Bytes> {
    if let Some((control, size)) = made {
        let bytes = app.zsyncs.read(control, size).await.ok();
        if let Some(file) = bytes.and_then(|bytes| readdress(&bytes, about)) {
            return Ok(file.into());
        }
        tracing::warn!(
            control,
            sha256,
            "a control file of a build is not of its file"
        );
    }
    match app.zsyncs.make(sha256, about).await {
        Ok(file) => Ok(file),
        Err(error) if is_damage(&error) => Err(super::artifacts::report_damage(app, sha256).await?),
        Err(error) => Err(Error::internal(error)),
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
    )
}

/// The epoch of what feeds answer.
#[must_use]
pub fn epoch(app: &App) -> u64 {
    app.db.feed_epoch()
}

/// Whether an answer that was read in `epoch`, and follows from these branches alone, is still good;
/// without branches it is good until the epoch ends.
#[must_use]
pub fn is_good(app: &App, epoch: u64, branches: &[BranchId]) -> bool {
    app.db.is_feed_good(epoch, branches)
}

async fn read<T, F>(app: &App, name: &'static str, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> DbResult<T> + Send + 'static,
{
    let found = app.db.lane(Lane::Pages).read(name, work).await;
    found.map_err(|error| match error {
        DbError::NotFound => missing(),
        other => other.into(),
    })
}

fn feed(project: &str, token: &str) -> Result<Feed> {
    Ok(Feed {
        project: sensible(project)?.to_owned(),
        token: sensible(token)?.to_owned(),
        target: String::new(),
    })
}

/// A text that may stand in a query.
fn sensible(text: &str) -> Result<&str> {
    let fits = text.len() <= TEXT_BYTES_MAX && !text.contains('\0');
    fits.then_some(text).ok_or_else(missing)
}

fn missing() -> Error {
    Error::NotFound("there is nothing at this address of a feed".to_owned())
}
