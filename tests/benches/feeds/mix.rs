//! Who asks: applications of every family, of many branches, targets and versions, most of them
//! with the newest build; some under a rollout. Drawn once, the same in every run.

use std::net::SocketAddr;

use windlass_tests::seed::{Shape, TARGETS, version_of};

use super::load::{Request, get};

/// Requests drawn: more would only repeat what they are.
const DRAWN: usize = 30_000;
/// Branches that half of all askers follow.
pub(crate) const BUSY: i64 = 10;
/// Branches with packages for zsync, from 1 on.
pub(crate) const WITH_IMAGES: i64 = 4;
/// Branches that are in the middle of a rollout.
pub(crate) const ROLLING: [i64; 2] = [6, 7];
/// Askers with an id of their own, under a rollout.
const IDS: usize = 500;
/// Among a hundred, those who have the newest build.
const NEWEST_PERCENT: usize = 60;

/// How the figures tell requests apart.
pub(crate) const USUAL: usize = 0;
/// Nobody asked so before.
pub(crate) const NEW: usize = 1;
/// Under a rollout, with an id.
pub(crate) const UNDER_ROLLOUT: usize = 2;

/// Numbers that look like chance, the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// The builds of each branch, the oldest first.
pub(crate) struct Builds(Vec<Vec<i64>>);

impl Builds {
    pub(crate) fn of(shape: Shape) -> Self {
        let count = usize::try_from(shape.branches).expect("some") + 1;
        let mut all = vec![Vec::new(); count];
        for (build, branch) in (0_i64..).zip(shape.branches_of_builds()) {
            if let Some(builds) = usize::try_from(branch).ok().and_then(|at| all.get_mut(at)) {
                builds.push(build);
            }
        }
        Self(all)
    }

    pub(crate) fn of_branch(&self, branch: i64) -> &[i64] {
        let at = usize::try_from(branch).unwrap_or(0);
        self.0.get(at).map_or(&[], Vec::as_slice)
    }
}

/// The mix for the master at `address`. Every `new_every`th asker says a version that nobody said
/// before in the run number `run`; 0 for none.
pub(crate) fn draw(
    address: SocketAddr,
    shape: Shape,
    builds: &Builds,
    (new_every, run): (usize, usize),
) -> Vec<Request> {
    let mut dice = Dice::new(20_240_229);
    (0..DRAWN)
        .map(|number| {
            let is_new = new_every > 0 && number % new_every == 0;
            let fresh = is_new.then(|| format!("0.{run}.{number}"));
            one(address, shape, builds, &mut dice, fresh)
        })
        .collect()
}

fn one(
    address: SocketAddr,
    shape: Shape,
    builds: &Builds,
    dice: &mut Dice,
    fresh: Option<String>,
) -> Request {
    let every = usize::try_from(shape.branches).expect("some");
    let branch = match dice.below(2) {
        0 => dice.below(usize::try_from(BUSY).expect("some")),
        _ => dice.below(every),
    };
    let branch = i64::try_from(branch).expect("some") + 1;
    let own = builds.of_branch(branch);
    let at = match dice.below(100) {
        few if few < NEWEST_PERCENT => own.len().saturating_sub(1),
        _ => own.len().saturating_sub(1 + dice.below(20)),
    };
    let version = version_of(own.get(at).copied().unwrap_or(0));
    let is_new = fresh.is_some();
    let version = fresh.unwrap_or(version);
    let place = format!("{}/feed-{branch}", shape.project_of(branch));
    let target = TARGETS[dice.below(TARGETS.len())];
    let is_rolling = ROLLING.contains(&branch);
    let said = match is_rolling {
        true => format!("version={version}&id=asker-{}", dice.below(IDS)),
        false => format!("version={version}"),
    };
    let words = Words {
        place: &place,
        target,
        version: &version,
        said: &said,
    };
    let path = match dice.below(20) {
        0..6 => words.own(),
        6..10 => words.tauri(),
        // The rest say no version, or none that counts: they are asked the same by all.
        _ if is_new => words.own(),
        10..13 => words.electron(),
        13..15 => words.velopack(),
        15..17 => words.manifest(),
        17..19 => format!("/update/appcast/{place}/{}.xml", words.system().0),
        _ => {
            let branch = dice.below(usize::try_from(WITH_IMAGES).expect("some"));
            let branch = i64::try_from(branch).expect("some") + 1;
            let place = format!("{}/feed-{branch}", shape.project_of(branch));
            format!("/update/zsync/{place}/x86_64-linux.zsync")
        }
    };
    let kind = match (is_new, is_rolling) {
        (true, _) => NEW,
        (_, true) if path.contains("id=") => UNDER_ROLLOUT,
        _ => USUAL,
    };
    get(address, &path, kind)
}

/// What an application asks for, in the words of its family.
struct Words<'a> {
    place: &'a str,
    target: &'a str,
    version: &'a str,
    said: &'a str,
}

impl Words<'_> {
    /// The system and the processor of a target.
    fn system(&self) -> (&str, &str) {
        let (arch, os) = self.target.split_once('-').expect("two words");
        (os, arch)
    }

    fn own(&self) -> String {
        format!("/update/v1/{}/{}?{}", self.place, self.target, self.said)
    }

    fn tauri(&self) -> String {
        let (os, arch) = self.system();
        let os = if os == "macos" { "darwin" } else { os };
        let more = self.said.split_once('&').map(|(_, more)| more);
        let query = more.map_or_else(String::new, |more| format!("?{more}"));
        let (place, version) = (self.place, self.version);
        format!("/update/tauri/{place}/{os}/{arch}/{version}{query}")
    }

    fn electron(&self) -> String {
        let name = match self.system() {
            ("linux", "x86_64") => "latest-linux.yml",
            ("linux", _) => "latest-linux-arm64.yml",
            ("macos", _) => "latest-mac.yml",
            _ => "latest.yml",
        };
        format!("/update/electron/{}/{name}", self.place)
    }

    fn velopack(&self) -> String {
        let (os, arch) = self.system();
        let os = match os {
            "windows" => "win",
            "macos" => "osx",
            other => other,
        };
        let arch = if arch == "x86_64" { "x64" } else { "arm64" };
        let (place, version) = (self.place, self.version);
        format!("/update/velopack/{place}/releases.{os}-{arch}.json?localVersion={version}")
    }

    fn manifest(&self) -> String {
        let (os, arch) = self.system();
        let rest = match os {
            "linux" => "unknown-linux-gnu",
            "macos" => "apple-darwin",
            _ => "pc-windows-msvc",
        };
        format!(
            "/update/manifest/{}/{arch}-{rest}/manifest.json",
            self.place
        )
    }
}
