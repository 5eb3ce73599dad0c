//! The loop that sends mail. The outbox is the truth: it claims what is due, sends, and marks. A
//! master that stops in between loses nothing; the claim's lease ends and the mail, with the same
//! Message-ID, is tried again.

mod absences;
mod compose;
mod reports;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::db::outbox::{self, OutboxMail};
use crate::db::{Db, DbResult};
use crate::ids::LogId;
use crate::logs::Logs;
use crate::mail::{Letter, MailError, Sender};

/// How long a claimed mail is nobody else's: rendering and two sends of 60 s fit well.
const LEASE: Duration = Duration::from_secs(180);
/// Mails claimed at a time, and sent side by side: kind to the server, and one hanging mail does
/// not hold up the rest.
const CLAIM_MAX: i64 = 8;
const SENDS_MAX: usize = 4;
/// Sleep between two looks when no bell rings.
const POLL: Duration = Duration::from_secs(30);
/// What a send that is under way gets when the master stops: an ordinary one is done by then.
const STOP_MAX: Duration = Duration::from_secs(5);
/// First and longest pause between two tries of one mail; it doubles.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(900);
/// A mail that could not be sent for three days (a long week-end with a broken server) is given
/// up, visibly.
const AGE_MAX: Duration = Duration::from_secs(3 * 24 * 3600);

/// Where the end of a log is read for a mail.
pub trait Tails: Send + Sync + 'static {
    /// The last lines of `log`, `lines_max` at most; none where there is no such log.
    fn tail(&self, log: LogId, lines_max: usize) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

impl Tails for Logs {
    async fn tail(&self, log: LogId, lines_max: usize) -> Option<Vec<u8>> {
        let lines_max = u64::try_from(lines_max).unwrap_or(u64::MAX);
        match Logs::tail(self, log, lines_max).await {
            Ok((_, bytes)) => Some(bytes),
            Err(error) => {
                // A mail without its excerpt is better than none.
                tracing::warn!(%log, %error, "the end of a log cannot be read for a mail");
                None
            }
        }
    }
}

/// The loop; make it with [`Notifier::new`], then run it.
pub struct Notifier<T> {
    db: Db,
    clock: Clock,
    bells: Bells,
    config: watch::Receiver<Arc<Config>>,
    tails: T,
}

impl<T: Tails> Notifier<T> {
    /// From its parts.
    pub fn new(
        db: Db,
        clock: Clock,
        bells: Bells,
        config: watch::Receiver<Arc<Config>>,
        tails: T,
    ) -> Self {
        Self {
            db,
            clock,
            bells,
            config,
            tails,
        }
    }

    /// Sends what is due until `stop`. A send that is under way then has a moment to end; else the
    /// next master tries it again, with the same Message-ID.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let stopped = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_MAX).await;
            };
            let round = tokio::select! {
                round = self.round() => round,
                () = stopped => return,
            };
            let wait = match round {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    POLL
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.bells.notifier.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends everything that is due and returns how long nothing will be.
    async fn round(&self) -> DbResult<Duration> {
        loop {
            let now = self.clock.now();
            let due = outbox::next_due;
            match self.db.read("outbox::next_due", due).await? {
                None => return Ok(POLL),
                Some(at) if at > now => return Ok(at.since(now).min(POLL)),
                Some(_) => {}
            }
            let claim = move |conn: &mut _| outbox::claim(conn, now, LEASE, CLAIM_MAX);
            let mails = self.db.tx("outbox::claim", claim).await?;
            let sender = self.sender();
            futures_util::stream::iter(mails)
                .for_each_concurrent(SENDS_MAX, |mail| self.deliver(&sender, mail))
                .await;
        }
    }

    fn sender(&self) -> Result<Sender, MailError> {
        let config = self.config.borrow().clone();
        match &config.mail {
            Some(mail) => Sender::new(mail),
            None => Err(MailError::Later(
                "the configuration has no [mail]: add it, or these mails are given up".to_owned(),
            )),
        }
    }

    async fn deliver(&self, sender: &Result<Sender, MailError>, mail: OutboxMail) {
        let send = async {
            match sender {
                Ok(sender) => match self.compose(sender.from(), &mail).await {
                    Ok(letter) => sender.send(&letter).await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error.clone()),
            }
        };
        // One mail that cannot be made must not keep back the others.
        let outcome = AssertUnwindSafe(send).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(MailError::Later(
                "making it failed inside: the master's log says where".to_owned(),
            ))
        });
        if let Err(error) = self.mark(&mail, outcome).await {
            // Its lease ends and it is tried again, with the same Message-ID.
            tracing::error!(mail = %mail.id, %error, "the outcome of a mail cannot be stored");
        }
    }

    async fn mark(&self, mail: &OutboxMail, outcome: Result<(), MailError>) -> DbResult<()> {
        let (id, now) = (mail.id, self.clock.now());
        match verdict(mail, now, outcome) {
            Verdict::Sent => {
                tracing::info!(mail = %id, receiver = %mail.receiver, "mail sent");
                let work = move |conn: &mut _| outbox::mark_sent(conn, now, id);
                self.db.tx("outbox::mark_sent", work).await
            }
            Verdict::Retry(next, error) => {
                tracing::warn!(mail = %id, attempts = mail.attempts, %error, "mail not sent yet");
                let work = move |conn: &mut _| outbox::mark_retry(conn, id, next, &error);
                self.db.tx("outbox::mark_retry", work).await
            }
            Verdict::Failed(error) => {
                tracing::error!(mail = %id, receiver = %mail.receiver, %error, "mail given up");
                let work = move |conn: &mut _| outbox::mark_failed(conn, id, &error);
                self.db.tx("outbox::mark_failed", work).await
            }
        }
    }

    async fn compose(&self, from: &str, mail: &OutboxMail) -> Result<Letter, MailError> {
        if outbox::ABSENCE_KINDS.contains(&mail.kind.as_str()) {
            return self.compose_absences(from, mail).await;
        }
        if outbox::REPORT_KINDS.contains(&mail.kind.as_str()) {
            return self.compose_report(from, mail).await;
        }
        let Some(build) = mail.build else {
            return Err(MailError::Never("it tells of no build".to_owned()));
        };
        let told = self
            .db
            .read("outbox::content", move |conn| outbox::content(conn, build))
            .await
            .map_err(|error| MailError::Later(error.to_string()))?;
        let config = self.config.borrow().clone();
        let tail = match compose::telling_log(&told) {
            Some((log, lines_max)) => self.tails.tail(log, lines_max).await,
            None => None,
        };
        let report = compose::report(&config.master, &told, tail.as_deref());
        compose::letter(from, mail, &told, &report)
            .map_err(|error| MailError::Never(format!("the mail cannot be rendered: {error}")))
    }
}

impl<T: Tails> Notifier<T> {
    async fn compose_report(&self, from: &str, mail: &OutboxMail) -> Result<Letter, MailError> {
        let seq = mail.event;
        let told = self
            .db
            .read("outbox::report", move |conn| outbox::report(conn, seq))
            .await
            .map_err(|error| MailError::Later(error.to_string()))?;
        let config = self.config.borrow().clone();
        reports::letter(from, mail, &config.master, &told)
            .map_err(|error| MailError::Never(format!("the mail cannot be rendered: {error}")))
    }

    async fn compose_absences(&self, from: &str, mail: &OutboxMail) -> Result<Letter, MailError> {
        let seq = mail.event;
        let told = self
            .db
            .read("outbox::absences", move |conn| outbox::absences(conn, seq))
            .await
            .map_err(|error| MailError::Later(error.to_string()))?;
        let config = self.config.borrow().clone();
        absences::letter(from, mail, &config.master, &told)
            .map_err(|error| MailError::Never(format!("the mail cannot be rendered: {error}")))
    }
}

/// What becomes of a mail after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Sent,
    Retry(Time, String),
    Failed(String),
}

fn verdict(mail: &OutboxMail, now: Time, outcome: Result<(), MailError>) -> Verdict {
    match outcome {
        Ok(()) => Verdict::Sent,
        Err(MailError::Never(error)) => Verdict::Failed(error),
        Err(MailError::Later(error)) if now.since(mail.created_at) >= AGE_MAX => Verdict::Failed(
            format!("given up after {} tries in 3 days: {error}", mail.attempts),
        ),
        Err(MailError::Later(error)) => Verdict::Retry(now.after(pause(mail.attempts)), error),
    }
}

/// The pause after try number `attempts`: 5 s, 10 s, … 15 min.
fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    (PAUSE_FIRST * 2_u32.pow(doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests;
