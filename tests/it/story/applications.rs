//! Applications in the field: a thread for each branch and target that asks by plain HTTP, without
//! end, in the words of three families of clients, and fetches what it is offered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};
use windlass_tests::http::{self, Answer};
use windlass_tests::wait;

use super::TARGETS;
use super::truth::{Has, Line, Seen, Told, Truth};

/// Between two questions of a thread: the builds need the machine too.
const PAUSE: Duration = Duration::from_millis(30);

/// What all of them know.
pub(super) struct Field {
    pub(super) web: SocketAddr,
    /// What is recorded so far.
    pub(super) lines: Mutex<Vec<Line>>,
    pub(super) truth: Truth,
    /// Rises when the master goes away and when it is back: odd while it is away.
    pub(super) outages: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    /// Rounds of each thread.
    rounds: Vec<AtomicUsize>,
    stop: AtomicBool,
}

/// The threads; they end when it is dropped.
pub(super) struct Applications {
    pub(super) field: Arc<Field>,
    threads: Vec<JoinHandle<()>>,
}

impl Applications {
    pub(super) fn start(web: SocketAddr, lines: Vec<Line>) -> Self {
        let count = lines.len();
        let field = Arc::new(Field {
            web,
            truth: Truth::new(count),
            lines: Mutex::new(lines),
            outages: AtomicUsize::new(0),
            seen: Mutex::default(),
            rounds: (0..count).map(|_| AtomicUsize::new(0)).collect(),
            stop: AtomicBool::new(false),
        });
        let ask = |line: usize| {
            let field = Arc::clone(&field);
            std::thread::spawn(move || {
                while !field.stop.load(Ordering::SeqCst) {
                    field.round(line);
                    field.rounds[line].fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let threads = (0..count).map(ask).collect();
        Self { field, threads }
    }

    /// Waits until every application has asked everything that it asks, from now on.
    pub(super) fn asked_again(&self) {
        let rounds = || {
            self.field
                .rounds
                .iter()
                .map(|round| round.load(Ordering::SeqCst))
        };
        // The round under way began before.
        let wanted: Vec<usize> = rounds().map(|round| round + 2).collect();
        wait::until("every application has asked", || {
            let dead = self.threads.iter().any(JoinHandle::is_finished);
            assert!(!dead, "an application gave up");
            let done = rounds()
                .zip(&wanted)
                .all(|(round, wanted)| round >= *wanted);
            done.then_some(())
        });
    }

    /// Ends them; what they were told.
    pub(super) fn end(mut self) -> Vec<Seen> {
        self.field.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok(), "an application gave up");
        }
        let seen = self.field.seen.lock();
        std::mem::take(&mut *seen.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Applications {
    fn drop(&mut self) {
        self.field.stop.store(true, Ordering::SeqCst);
    }
}

impl Field {
    pub(super) fn lines(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that the applications of a line ask, once.
    fn round(&self, line: usize) {
        let (own, foreign) = {
            let lines = self.lines();
            let own = lines[line].clone();
            let is_other = |other: &&Line| other.target == own.target && other.feed != own.feed;
            let other = lines.iter().find(is_other).expect("another branch");
            let newest = other.builds.last().expect("a build of it");
            (own, newest.version.clone())
        };
        let newest = own.builds.len() - 1;
        // The oldest, the newest and another one, one of another branch, and one that nobody knows.
        let other = self.rounds[line].load(Ordering::SeqCst) % (newest + 1);
        let mut all: Vec<Has> = [0, newest, other].map(Has::Build).into();
        all.extend([Has::Foreign(foreign), Has::Unknown]);
        for has in all {
            self.note(line, "own", &has, true, || self.own(&own, &has));
            self.note(line, "electron", &has, true, || self.electron(&own, &has));
        }
        self.note(line, "manifest", &Has::Untold, false, || {
            self.manifest(&own)
        });
    }

    /// Asks, and remembers when and what came.
    fn note(
        &self,
        line: usize,
        family: &'static str,
        has: &Has,
        tells_id: bool,
        ask: impl Fn() -> Result<Told, String>,
    ) {
        std::thread::sleep(PAUSE);
        let outage = self.outages.load(Ordering::SeqCst);
        let from = self.truth.now();
        let told = ask();
        let until = self.truth.now();
        if outage % 2 == 1 || self.outages.load(Ordering::SeqCst) != outage {
            // Killed in the middle: the answer may end anywhere.
            return;
        }
        let told = told.unwrap_or_else(|error| panic!("{family}, {has:?}: {error}"));
        let seen = Seen {
            line,
            family,
            has: has.clone(),
            tells_id,
            told,
            from,
            until,
        };
        let all = self.seen.lock();
        all.unwrap_or_else(PoisonError::into_inner).push(seen);
    }

    fn get(&self, path: &str) -> Result<Answer, String> {
        let answer = http::request(self.web, "GET", path, &[], &[]);
        answer.map_err(|error| format!("{path}: {error}"))
    }

    /// The SHA-256 of the file at an address that an answer gave, which must be there.
    fn fetch(&self, path: &str) -> Result<(String, Vec<u8>), String> {
        let answer = self.get(path)?;
        match answer.status {
            200 => Ok((hex(&Sha256::digest(&answer.body)), answer.body)),
            status => Err(format!("{path}: {status} {}", answer.text())),
        }
    }

    /// Our own format.
    fn own(&self, line: &Line, has: &Has) -> Result<Told, String> {
        let place = format!("/update/v1/editor/{}/{}", line.feed, line.target);
        let answer = self.get(&format!("{place}?{}", asked(line, has)))?;
        if answer.status == 204 {
            return Ok(Told::Nothing);
        }
        let offer: Value = match answer.status {
            200 => answer.json(),
            status => return Err(format!("{place}: {status}")),
        };
        let url = text(&offer["url"]);
        let (sha256, _) = self.fetch(path_of(self.web, &url)?)?;
        if sha256 != text(&offer["sha256"]) {
            return Err(format!("{url} is not what {offer} says"));
        }
        Ok(Told::Offer {
            version: text(&offer["version"]),
            sha256,
        })
    }

    /// electron-updater's file.
    fn electron(&self, line: &Line, has: &Has) -> Result<Told, String> {
        let (_, name, _) = of_target(line);
        let front = format!("/update/electron/editor/{}", line.feed);
        let answer = self.get(&format!("{front}/{name}?{}", asked(line, has)))?;
        match answer.status {
            200 => {}
            404 => return Ok(Told::Nothing),
            status => return Err(format!("{front}/{name}: {status}")),
        }
        let yaml = answer.text();
        let value = |key: &str| {
            let line = yaml.lines().find_map(|line| line.strip_prefix(key));
            line.map(|text| text.trim().trim_matches('"').to_owned())
                .ok_or_else(|| format!("no `{key}` in {yaml}"))
        };
        let version = value("version:")?;
        // The client compares, and stays with what it has.
        if version_of(line, has).is_some_and(|own| own == version) {
            return Ok(Told::Nothing);
        }
        let (sha256, bytes) = self.fetch(&format!("{front}/{}", value("path:")?))?;
        let told = value("sha512:")?;
        if base64(&Sha512::digest(&bytes)) != told {
            return Err(format!("the file is not {told}"));
        }
        Ok(Told::Offer { version, sha256 })
    }

    /// What the crate self_update reads; it tells nothing of itself.
    fn manifest(&self, line: &Line) -> Result<Told, String> {
        let (_, _, triple) = of_target(line);
        let feed = &line.feed;
        let place = format!("/update/manifest/editor/{feed}/{triple}/manifest.json");
        let manifest = self.get(&place)?.json();
        let release = &manifest["releases"][0];
        if release.is_null() {
            return Ok(Told::Nothing);
        }
        let asset = &release["assets"][0];
        let (sha256, _) = self.fetch(path_of(self.web, &text(&asset["url"]))?)?;
        if text(&asset["digest"]) != format!("sha256:{sha256}") {
            return Err(format!("the file is not what {manifest} says"));
        }
        Ok(Told::Offer {
            version: text(&release["version"]),
            sha256,
        })
    }
}

fn of_target(line: &Line) -> (&'static str, &'static str, &'static str) {
    let found = TARGETS.iter().find(|(target, ..)| *target == line.target);
    *found.expect("a target of the story")
}

fn version_of<'a>(line: &'a Line, has: &'a Has) -> Option<&'a str> {
    match has {
        Has::Untold => None,
        Has::Build(number) => Some(&line.builds[*number].version),
        Has::Foreign(version) => Some(version),
        Has::Unknown => Some("my-own-build"),
    }
}

/// What it tells of itself, its id too.
fn asked(line: &Line, has: &Has) -> String {
    let version = version_of(line, has).unwrap_or_default();
    format!("version={version}&id={}-{version}", line.target)
}

fn path_of(web: SocketAddr, url: &str) -> Result<&str, String> {
    let path = url.strip_prefix(&format!("http://{web}"));
    path.ok_or_else(|| format!("`{url}` leads elsewhere"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(*three.get(place).unwrap_or(&0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}
