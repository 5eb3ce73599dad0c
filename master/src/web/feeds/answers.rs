//! Answers of feeds, rendered once and kept until a product, a release, a shut-off or a branch
//! changes. Kept per thread, so that threads do not wait for each other.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::is_known;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::counts::{Asked, Outcome};
use crate::error::Error;
use crate::ids::BranchId;
use crate::ops::feeds::epoch;
use crate::ops::updates::{Asker, Reply};

/// Answers are the same for everybody who asks the same, for a minute.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// While a rollout is under way the next asker may be told something else.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=60");
/// A private answer differs by the id, which may be in this header.
const VARIES: HeaderValue = HeaderValue::from_static(super::STAGING_ID);
/// What the formats are called in counts, by the beginning of their addresses.
const FORMATS: [(&str, &str); 7] = [
    ("/update/v1/", "v1"),
    ("/update/tauri/", "tauri"),
    ("/update/electron/", "electron"),
    ("/update/velopack/", "velopack"),
    ("/update/manifest/", "manifest"),
    ("/update/zsync/", "zsync"),
    ("/update/appcast/", "appcast"),
];
/// Bytes kept per generation and thread: some 20,000 answers.
const GENERATION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A larger answer is rendered for each asker.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// What a kept answer needs besides its bodies and key, roughly.
const ENTRY_BYTES: usize = 300;
/// Kept answers are made anew after this time, for what changes them without an event: the
/// configuration, and files that are found damaged.
const KEPT_MAX: Duration = Duration::from_secs(60);

/// A rendered answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Media type; empty for no content.
    kind: &'static str,
    body: Bytes,
    tag: HeaderValue,
    is_private: bool,
    decided: Option<Decided>,
}

/// What was decided, to be counted with every answer, and explained to who may read.
#[derive(Debug, Clone)]
struct Decided {
    branch: BranchId,
    target: String,
    outcome: Outcome,
    explained: Vec<String>,
}

impl Answer {
    /// An answer of this media type.
    #[must_use]
    pub fn new(kind: &'static str, body: impl Into<Bytes>, is_private: bool) -> Self {
        let body = body.into();
        Self {
            kind,
            tag: tag(&body),
            body,
            is_private,
            decided: None,
        }
    }

    /// Remembers what was decided for `target`.
    #[must_use]
    pub fn of(mut self, reply: &Reply, target: &str) -> Self {
        self.decided = Some(Decided {
            branch: reply.branch,
            target: target.to_owned(),
            outcome: reply.outcome(),
            explained: reply.explained.clone(),
        });
        self
    }

    /// Counts it as one more answer.
    fn count(&self, app: &App, request: &HttpRequest, asker: &Asker) {
        let Some(decided) = &self.decided else { return };
        let format = FORMATS
            .iter()
            .find(|(path, _)| request.path().starts_with(path));
        let asked = Asked {
            branch: decided.branch,
            target: &decided.target,
            format: format.map_or("other", |(_, format)| format),
            version: asker.version.as_deref(),
            outcome: decided.outcome,
        };
        app.counts.note(app.clock.now(), asked);
    }

    /// The rules instead of the answer, as JSON.
    fn explain(&self) -> HttpResponse {
        let decided = self.decided.as_ref();
        let body = serde_json::json!({
            "answer": decided.map_or("nothing", |decided| decided.outcome.as_str()),
            "target": decided.map(|decided| decided.target.as_str()),
            "is_private": self.is_private,
            "rules": decided.map_or(&[][..], |decided| decided.explained.as_slice()),
        });
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(body)
    }

    /// 204: there is nothing for the asker.
    #[must_use]
    pub fn nothing(is_private: bool) -> Self {
        Self::new("", Bytes::new(), is_private)
    }

    /// The answer to this request: 200, 204 or 304.
    #[must_use]
    pub fn send(&self, request: &HttpRequest) -> HttpResponse {
        let caching = if self.is_private { PRIVATE } else { PUBLIC };
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CACHE_CONTROL, caching));
        if self.is_private {
            response.insert_header((header::VARY, VARIES));
        }
        if self.kind.is_empty() {
            return response.status(StatusCode::NO_CONTENT).finish();
        }
        response.insert_header((header::ETAG, self.tag.clone()));
        if is_known(request, self.tag.to_str().unwrap_or_default()) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type(self.kind).body(self.body.clone())
    }
}

/// Whether the asker wants the rules instead, with `explain=1`, and may read.
fn is_to_be_explained(request: &HttpRequest) -> bool {
    let mut words = request.query_string().split('&');
    let may_read = || {
        let extensions = request.extensions();
        let identity = extensions.get::<Identity>();
        identity.is_some_and(|identity| identity.require(Permission::Read).is_ok())
    };
    words.any(|word| word == "explain=1") && may_read()
}

/// Weak, because the body may be compressed on its way.
fn tag(body: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(body);
    let mut text = String::from("W/\"");
    for byte in digest.iter().take(12) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// What a thread keeps.
#[derive(Debug, Default)]
pub struct Answers(RefCell<Kept>);

/// Two generations: when the young one is full it becomes the old one, whose answers come back
/// when they are asked for again. So what is asked for once pushes out nothing that is asked for
/// often.
#[derive(Debug, Default)]
struct Kept {
    epoch: u64,
    young: HashMap<String, (Rc<Answer>, Time)>,
    young_bytes: usize,
    old: HashMap<String, (Rc<Answer>, Time)>,
}

/// What an answer depends on: the address, and what the asker says besides its id.
fn key(request: &HttpRequest, asker: &Asker) -> String {
    let mut key = request.path().to_owned();
    let texts = [&asker.version, &asker.os_version, &asker.runtime];
    if texts.iter().all(|text| text.is_none()) && asker.build.is_none() && !asker.force {
        return key;
    }
    for text in texts {
        key.push('\n');
        if let Some(text) = text {
            key.push('=');
            key.push_str(text);
        }
    }
    let _ = write!(key, "\n{:?}{}", asker.build, asker.force);
    key
}

impl Answers {
    /// Answers with what is kept, else with what `make` makes, which is kept if it is the same for
    /// everybody.
    pub async fn serve<F>(
        &self,
        app: &App,
        request: &HttpRequest,
        asker: &Asker,
        make: F,
    ) -> Result<HttpResponse, Error>
    where
        F: AsyncFnOnce() -> Result<Answer, Error>,
    {
        let (epoch, now) = (epoch(app), app.clock.now());
        let key = key(request, asker);
        if is_to_be_explained(request) {
            return make().await.map(|answer| answer.explain());
        }
        let known = self.0.borrow_mut().find(epoch, now, &key);
        if let Some(known) = known {
            known.count(app, request, asker);
            return Ok(known.send(request));
        }
        let mut answer = make().await?;
        if let Some(decided) = &mut answer.decided {
            // Kept answers are counted, never explained.
            decided.explained = Vec::new();
        }
        let answer = Rc::new(answer);
        answer.count(app, request, asker);
        let response = answer.send(request);
        let fits = answer.body.len() <= ANSWER_BYTES_MAX;
        if fits && !answer.is_private {
            self.0.borrow_mut().keep(epoch, now, key, answer);
        }
        Ok(response)
    }
}

impl Kept {
    fn find(&mut self, epoch: u64, now: Time, key: &str) -> Option<Rc<Answer>> {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.young.clear();
            self.old.clear();
            self.young_bytes = 0;
            return None;
        }
        if let Some((answer, at)) = self.young.get(key) {
            return (now.since(*at) < KEPT_MAX).then(|| Rc::clone(answer));
        }
        let (answer, at) = self.old.remove(key)?;
        if now.since(at) >= KEPT_MAX {
            return None;
        }
        self.put(key.to_owned(), Rc::clone(&answer), at);
        Some(answer)
    }

    /// Keeps what was read in `epoch`, unless another has begun.
    fn keep(&mut self, epoch: u64, now: Time, key: String, answer: Rc<Answer>) {
        if self.epoch == epoch {
            self.put(key, answer, now);
        }
    }

    fn put(&mut self, key: String, answer: Rc<Answer>, at: Time) {
        self.young_bytes += key.len() + answer.body.len() + ENTRY_BYTES;
        self.young.insert(key, (answer, at));
        if self.young_bytes > GENERATION_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is kept, and until when.

    use super::*;

    fn answer(text: &str) -> Rc<Answer> {
        Rc::new(Answer::new("text/plain", text.to_owned(), false))
    }

    #[test]
    fn no_answer_outlives_the_epoch_it_was_read_in() {
        let mut kept = Kept::default();
        assert!(kept.find(1, Time(0), "a").is_none());
        kept.keep(1, Time(0), "a".to_owned(), answer("one"));
        assert_eq!(kept.find(1, Time(1), "a").unwrap().body, "one");
        assert!(kept.find(2, Time(2), "a").is_none(), "another epoch");
        kept.keep(1, Time(2), "a".to_owned(), answer("read before the change"));
        assert!(kept.find(2, Time(3), "a").is_none(), "read too early");
        kept.keep(2, Time(3), "a".to_owned(), answer("two"));
        assert_eq!(kept.find(2, Time(4), "a").unwrap().body, "two");
        let late = Time(3).after(KEPT_MAX);
        assert!(kept.find(2, late, "a").is_none(), "a minute old");
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_asked_for_stays() {
        let mut kept = Kept::default();
        kept.find(0, Time(0), "");
        kept.keep(0, Time(0), "often".to_owned(), answer("x"));
        let body = "y".repeat(10_000);
        for n in 0..20_000 {
            kept.keep(0, Time(0), format!("once {n}"), answer(&body));
            assert!(kept.find(0, Time(0), "often").is_some(), "{n}");
        }
        let held: usize = kept.young.len() + kept.old.len();
        assert!(held <= 2 * GENERATION_BYTES_MAX / 10_000 + 2, "{held}");
    }
}
