//! The master that is asked: a million products, some of them recorded over REST with files of
//! their own, two branches in the middle of a rollout.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::seed::{Placed, Shape, TARGETS, product_of};

use super::mix::{BUSY, Builds, Dice, ROLLING, WITH_IMAGES};

/// Bytes of a package for zsync.
const IMAGE_BYTES: usize = 128 * 1024;
/// Above every position of what was filled in.
const POSITION: usize = 10_000_000;
/// How many of a hundred a release under way has reached.
const ROLLOUT_PERCENT: u8 = 30;
/// Builds that are tried for a release: some were withdrawn.
const TRIED_MAX: usize = 50;

/// A master and who may write to it.
pub(crate) struct World {
    pub(crate) placed: Placed,
    pub(crate) shape: Shape,
    token: String,
    recorded: AtomicUsize,
}

impl World {
    pub(crate) fn new(server: Option<&str>, shape: Shape, builds: &Builds) -> Self {
        let configuration = format!("{}\n[uploads]\nreserve = \"0 B\"\n", shape.configuration());
        let mut placed = Placed::new(server, shape, &configuration);
        let token = placed.master.user("olga", "admin");
        placed.master.start();
        let world = Self {
            placed,
            shape,
            token,
            recorded: AtomicUsize::new(0),
        };
        for branch in 1..=WITH_IMAGES {
            world.record(branch, "x86_64-linux", "AppImage");
        }
        for branch in ROLLING {
            for target in 0..TARGETS.len() {
                world.roll_out(builds.of_branch(branch), target);
            }
        }
        world
    }

    pub(crate) fn master(&self) -> &Master {
        &self.placed.master
    }

    /// Records products until `stop`, one a second, of a busy branch and any in turn.
    pub(crate) fn keep_recording(&self, stop: &AtomicBool) -> usize {
        let (mut dice, begun) = (Dice::new(7), Instant::now());
        let mut count = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            let is_busy = count.is_multiple_of(2);
            let any = if is_busy { BUSY } else { self.shape.branches };
            let any = usize::try_from(any).expect("some");
            let branch = i64::try_from(dice.below(any)).expect("some") + 1;
            self.record(branch, TARGETS[dice.below(TARGETS.len())], "tar.gz");
            count += 1;
            let due = begun + Duration::from_secs(1) * count;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        count as usize
    }

    /// Announces a product, brings its file and commits it.
    fn record(&self, branch: i64, target: &str, kind: &str) {
        let number = POSITION + self.recorded.fetch_add(1, Ordering::Relaxed);
        let content = content(number);
        let version = format!("9.0.{}", number - POSITION);
        let digest = Sha256::digest(&content);
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("app-{version}-{target}.{kind}");
        let body = json!({
            "project": self.shape.project_of(branch), "branch": format!("branch-{branch}"),
            "target": target, "version": version, "position": number, "build_number": number,
            "files": [{ "role": "installer", "name": name, "size": content.len(), "sha256": sha256 }],
        });
        let draft = self.told(201, "POST", "/api/v1/products", body.to_string().as_bytes());
        let url = draft["uploads"][0]["url"].as_str().expect("an address");
        self.told(200, "PUT", url, &content);
        let commit = format!("/api/v1/drafts/{}/commit", draft["id"]);
        self.told(201, "POST", &commit, b"");
    }

    /// Begins a release of the newest build that may be released, with one before as its fallback.
    fn roll_out(&self, builds: &[i64], target: usize) {
        for pair in builds.rchunks_exact(2).take(TRIED_MAX) {
            let body = json!({
                "product": product_of(pair[1], target), "fallback": product_of(pair[0], target),
                "rollout_percent": ROLLOUT_PERCENT,
            });
            let made = self.ask("POST", "/api/v1/releases", body.to_string().as_bytes());
            if made.status == 201 {
                let path = format!("/api/v1/releases/{}/go", made.json()["id"]);
                self.told(200, "POST", &path, b"");
                return;
            }
        }
        panic!("no build for {} can be released", TARGETS[target]);
    }

    fn told(&self, status: u16, method: &str, path: &str, body: &[u8]) -> Value {
        let answer = self.ask(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> http::Answer {
        let bearer = format!("Bearer {}", self.token);
        let kind = match method {
            "PUT" => "application/octet-stream",
            _ => "application/json",
        };
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", kind),
            ("If-Match", "*"),
        ];
        let answer = http::request(self.master().web(), method, path, &headers, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

/// Bytes that no other number has.
fn content(number: usize) -> Vec<u8> {
    let mut dice = Dice::new(number as u64 * 2 + 99);
    (0..IMAGE_BYTES)
        .map(|_| u8::try_from(dice.below(256)).unwrap_or(0))
        .collect()
}
