//! Answers of feeds, rendered once and kept until a row changes that they follow from. Kept per
//! thread, so that threads do not wait for each other.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

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
use crate::ops::feeds::{epoch, is_good};
use crate::ops::updates::{Asker, Reply};
use crate::updates::Rollout;
use kept::{Kept, Since, What};

mod kept;

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
/// A larger answer is rendered for each asker.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Rollouts of one answer that are told apart, each inside or outside; with more it is not kept.
const ROLLOUTS_MAX: usize = 8;

/// A rendered answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Media type; empty for no content.
    kind: &'static str,
    body: Bytes,
    tag: HeaderValue,
    is_private: bool,
    decided: Option<Decided>,
    depends_on: Vec<BranchId>,
    rollouts: Vec<Rollout>,
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
            depends_on: Vec::new(),
            rollouts: Vec::new(),
        }
    }

    /// Remembers what was decided for `target`, and from what the answer follows.
    #[must_use]
    pub fn of(self, reply: &Reply, target: &str) -> Self {
        self.of_all(std::slice::from_ref(reply), target)
    }

    /// Remembers what was decided first, for `target`; the answer follows from all.
    #[must_use]
    pub fn of_all(mut self, replies: &[Reply], target: &str) -> Self {
        let Some(reply) = replies.first() else {
            return self;
        };
        self.decided = Some(Decided {
            branch: reply.branch,
            target: target.to_owned(),
            outcome: reply.outcome(),
            explained: reply.explained.clone(),
        });
        for reply in replies {
            self.depends_on.extend(&reply.depends_on);
            self.rollouts.extend_from_slice(&reply.rollouts);
        }
        self.depends_on.sort_unstable();
        self.depends_on.dedup();
        self
    }

    /// Counts it as one more answer.
    fn count(&self, app: &App, now: Time, request: &HttpRequest, asker: &Asker) {
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
        app.counts.note(now, asked);
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
        if is_to_be_explained(request) {
            return make().await.map(|answer| answer.explain());
        }
        let (epoch, now) = (epoch(app), app.clock.now());
        let key = key(request, asker);
        if let Some(known) = self.known(app, now, &key, asker) {
            known.count(app, now, request, asker);
            return Ok(known.send(request));
        }
        let mut answer = make().await?;
        if let Some(decided) = &mut answer.decided {
            // Kept answers are counted, never explained.
            decided.explained = Vec::new();
        }
        let answer = Rc::new(answer);
        answer.count(app, now, request, asker);
        let response = answer.send(request);
        let since = Since {
            at: now,
            epoch,
            depends_on: answer.depends_on.as_slice().into(),
        };
        self.keep(key, since, answer, asker);
        Ok(response)
    }

    /// The kept answer to this asker.
    fn known(&self, app: &App, now: Time, key: &str, asker: &Asker) -> Option<Rc<Answer>> {
        let mut kept = self.0.borrow_mut();
        let is_good = |epoch, branches: &[BranchId]| is_good(app, epoch, branches);
        let rollouts = match kept.find(now, key, is_good)? {
            What::Answer(answer) => return Some(answer),
            What::Rollouts(rollouts) => rollouts,
        };
        match kept.find(now, &key_within(key, &rollouts, asker), is_good)? {
            What::Answer(answer) => Some(answer),
            What::Rollouts(_) => None,
        }
    }

    fn keep(&self, key: String, since: Since, answer: Rc<Answer>, asker: &Asker) {
        if answer.body.len() > ANSWER_BYTES_MAX || answer.rollouts.len() > ROLLOUTS_MAX {
            return;
        }
        let mut kept = self.0.borrow_mut();
        if answer.rollouts.is_empty() {
            if !answer.is_private {
                kept.keep(key, since, What::Answer(answer));
            }
            return;
        }
        let rollouts: Rc<[Rollout]> = answer.rollouts.as_slice().into();
        let within = key_within(&key, &rollouts, asker);
        kept.keep(key, since.clone(), What::Rollouts(rollouts));
        kept.keep(within, since, What::Answer(answer));
    }
}

/// The key of the answer for askers that the same rollouts have reached.
fn key_within(key: &str, rollouts: &[Rollout], asker: &Asker) -> String {
    let id = asker.id.as_deref().filter(|id| !id.trim().is_empty());
    let mut key = format!("{key}\n");
    let has_reached = rollouts.iter().map(|rollout| rollout.has_reached(id));
    key.extend(has_reached.map(|is_inside| if is_inside { '+' } else { '-' }));
    key
}
