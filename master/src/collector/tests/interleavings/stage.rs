//! A stage on which many act at once and one at a time. Each actor is a future that is polled by
//! hand: it goes until it waits for a transaction, the disk or a lock, that is done to its end, and
//! then the dice say who goes on. So every order is cut exactly where a real one can be cut, and
//! one number makes the same order again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::sync::Notify;

use super::actors::Role;
use crate::storage::Blobs;

/// No transaction takes so long: who is not back then waits for another in a way that is not seen
/// from here, and the others go on.
const LONG: Duration = Duration::from_secs(1);

/// Somebody who acts.
pub(super) struct Actor<'a> {
    pub(super) role: Role,
    act: Pin<Box<dyn Future<Output = ()> + 'a>>,
    call: Arc<Call>,
    waits_for_lock: bool,
}

/// What an actor waits for has come.
struct Call {
    has_come: AtomicBool,
    any: Arc<Notify>,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.has_come.store(true, Ordering::SeqCst);
        self.any.notify_one();
    }
}

/// All who act.
pub(super) struct Stage<'a> {
    actors: Vec<Actor<'a>>,
    any: Arc<Notify>,
}

impl<'a> Stage<'a> {
    pub(super) fn new() -> Self {
        Self {
            actors: Vec::new(),
            any: Arc::default(),
        }
    }

    pub(super) fn enter(&mut self, role: Role, act: impl Future<Output = ()> + 'a) {
        let call = Call {
            has_come: AtomicBool::new(true),
            any: Arc::clone(&self.any),
        };
        self.actors.push(Actor {
            role,
            act: Box::pin(act),
            call: Arc::new(call),
            waits_for_lock: false,
        });
    }

    /// Those who do not wait for a lock that another holds: their places and roles.
    pub(super) async fn ready(&self) -> Vec<(usize, Role)> {
        loop {
            let all = self.actors.iter().enumerate();
            let ready = all.filter(|(_, actor)| actor.call.has_come.load(Ordering::SeqCst));
            let ready: Vec<_> = ready.map(|(at, actor)| (at, actor.role)).collect();
            if !ready.is_empty() || self.actors.is_empty() {
                return ready;
            }
            self.any.notified().await;
        }
    }

    /// Lets one go on until what it does then is done, or it waits for a lock.
    pub(super) async fn turn(&mut self, at: usize, blobs: &Blobs) {
        let actor = &mut self.actors[at];
        // It waits no more, or it would not have been called.
        let before = blobs
            .waiting()
            .saturating_sub(usize::from(actor.waits_for_lock));
        actor.waits_for_lock = false;
        actor.call.has_come.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&actor.call));
        if actor.act.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
            drop(self.actors.swap_remove(at));
            return;
        }
        while !actor.call.has_come.load(Ordering::SeqCst) {
            if blobs.waiting() > before {
                // It is called by the one who lets go of the lock.
                actor.waits_for_lock = true;
                return;
            }
            let come = tokio::time::timeout(LONG, self.any.notified()).await;
            if come.is_err() {
                return;
            }
        }
    }
}

/// Lets others go first, once.
pub(super) async fn pause() {
    let mut was_here = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut was_here, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
