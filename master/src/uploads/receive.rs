//! One body: its bytes go through a bounded channel to a thread that writes and hashes them, and
//! puts them on disk before the database promises them. Whatever has come when a body breaks off
//! stays.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Trouble, Turn, Uploads};
use crate::clock::{Time, real};
use crate::db::{Conn, DbError, Lane, drafts, uploads};
use crate::failpoints;
use crate::ids::UploadId;
use crate::model::UploadState;
use crate::storage::Partial;

/// Pieces between the network and the disk: with pieces of at most 64 KiB, a megabyte per body.
const PIECES_AHEAD: usize = 16;
/// What is put on disk and promised at once: a cut costs no more than this to send again.
const SAVE_BYTES: u64 = 32 * 1024 * 1024;
/// A body from which nothing comes for this long has been left.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// A file that is to grow.
#[derive(Debug, Clone, Copy)]
pub struct Incoming {
    /// Its upload.
    pub id: UploadId,
    /// The first byte that comes; what is stored must end there.
    pub first: u64,
    /// How many may come at most.
    pub bytes_max: u64,
    /// Until when the draft is kept when something has come.
    pub expires_at: Time,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It came to its end.
    Whole,
    /// It was cut, or nothing came any more.
    Cut,
    /// It held more than may come.
    TooLong,
    /// The file does not go on there.
    Elsewhere,
}

impl Uploads {
    /// Lets a file grow by a body and finishes it when it has all its bytes. Returns how the body
    /// ended and the file as it is then. It goes on to save what has come when the caller is gone.
    /// `place` is given back when the body has ended: a store that is slow to take a file keeps no
    /// other file from coming.
    pub async fn receive<S, E>(
        &self,
        incoming: Incoming,
        body: S,
        place: OwnedSemaphorePermit,
    ) -> Result<(Body, uploads::Upload), Trouble>
    where
        S: Stream<Item = Result<Bytes, E>>,
    {
        let turn = self.turn(incoming.id).await?;
        let row = self.read(incoming.id).await?;
        if row.state != UploadState::Open || row.received != incoming.first {
            return Ok((Body::Elsewhere, row));
        }
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let (uploads, started) = (self.clone(), row.hashes);
        let work = async move { uploads.write(turn, incoming, started, receiver).await };
        // A task of its own: the caller may be dropped, and what has come is kept all the same.
        let writer = tokio::spawn(work);
        let ended = forward(body, &sender, incoming.bytes_max).await;
        drop(sender);
        drop(place);
        writer.await.map_err(|_| Trouble::Broken)??;
        Ok((ended, self.read(incoming.id).await?))
    }

    /// Writes what comes through the channel, then finishes the file if that was all.
    async fn write(
        &self,
        turn: Turn,
        incoming: Incoming,
        state: Option<String>,
        pieces: mpsc::Receiver<Bytes>,
    ) -> Result<(), Trouble> {
        let (uploads, handle) = (self.clone(), Handle::current());
        let work = move || {
            let id = incoming.id;
            let file = uploads.shared.partials.open(id, state.as_deref());
            let file = file.map_err(Trouble::from)?;
            failpoints::reach("upload.begun");
            uploads.grow(&handle, file, incoming, pieces)
        };
        let outcome = tokio::task::spawn_blocking(work).await;
        match outcome.map_err(|_| Trouble::Broken)? {
            Ok(()) => self.finish_in(&turn).await.map(|_| ()),
            Err(Trouble::Lost) => self.lose(incoming.id).await.map(|_| ()),
            Err(Trouble::Db(DbError::Changed)) => {
                // Its draft was given up while it came.
                self.remove(incoming.id).await;
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// On a thread of its own, until the channel ends.
    fn grow(
        &self,
        handle: &Handle,
        mut file: Partial,
        incoming: Incoming,
        mut pieces: mpsc::Receiver<Bytes>,
    ) -> Result<(), Trouble> {
        let mut saved = incoming.first;
        let mut failed = None;
        while let Some(piece) = pieces.blocking_recv() {
            if let Err(error) = file.write(&piece) {
                failed = Some(error);
                break;
            }
            if file.size() - saved >= SAVE_BYTES {
                saved = self.save(handle, &mut file, incoming, saved)?;
            }
        }
        match failed {
            Some(error) => {
                // Gives the room back at once; the next opening would cut it as well.
                let _ = file.cut(saved);
                Err(error.into())
            }
            None if file.size() > saved => {
                self.save(handle, &mut file, incoming, saved).map(|_| ())
            }
            None => Ok(()),
        }
    }

    /// Puts what was written on disk, then into the database; returns the bytes promised.
    fn save(
        &self,
        handle: &Handle,
        file: &mut Partial,
        incoming: Incoming,
        from: u64,
    ) -> Result<u64, Trouble> {
        let (id, to, hashes) = (incoming.id, file.size(), file.save()?);
        let (now, expires_at) = (self.shared.clock.now(), incoming.expires_at);
        let note = move |conn: &mut Conn| {
            uploads::grow(conn, now, id, (from, to), &hashes)?;
            let draft = uploads::find(conn, id)?.draft;
            drafts::prolong(conn, draft, expires_at)
        };
        let db = self.shared.db.lane(Lane::Agents);
        handle.block_on(db.tx_progress("upload.grow", note))?;
        failpoints::reach("upload.saved");
        Ok(to)
    }
}

/// Hands the body's bytes on, until it ends, too many come, or nobody takes them any more.
async fn forward<S, E>(body: S, to: &mpsc::Sender<Bytes>, bytes_max: u64) -> Body
where
    S: Stream<Item = Result<Bytes, E>>,
{
    tokio::pin!(body);
    let mut left = bytes_max;
    loop {
        let piece = match tokio::time::timeout(real(IDLE_MAX), body.next()).await {
            Ok(None) => return Body::Whole,
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_))) | Err(_) => return Body::Cut,
        };
        let fits = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        left -= fits as u64;
        let is_over = fits < piece.len();
        // The writer has stopped: its own outcome says why.
        if fits > 0 && to.send(piece.slice(..fits)).await.is_err() {
            return Body::Cut;
        }
        if is_over {
            return Body::TooLong;
        }
    }
}
