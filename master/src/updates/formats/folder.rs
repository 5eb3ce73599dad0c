//! The feeds of a branch as a folder of files, for a server that knows nothing of builds: the same
//! paths as the master's own, with what they need beside them. Only what is the same for everybody
//! can be said by a file.

use std::collections::BTreeMap;

use super::electron::Build;
use super::{Asset, Listing, appcast, electron, manifest, tauri, velopack};
use crate::model::SignatureScheme;
use crate::updates::addresses::encode;
use crate::updates::targets::{Arch, Libc, Os, Target};

/// What a file of the folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This text.
    Text(String),
    /// The stored file.
    Stored {
        /// SHA-256 of its content.
        sha256: String,
        /// Bytes.
        size: u64,
    },
    /// The control file for zsync of this stored file.
    Control(Box<Asset>),
}

/// The files of a branch by their path below the folder, without a slash in front. `builds` holds
/// the current product of each target.
#[must_use]
pub fn files(
    master: &str,
    project: &str,
    token: &str,
    builds: &[Build],
) -> BTreeMap<String, Content> {
    let mut folder = Folder {
        place: format!("{project}/{token}"),
        files: BTreeMap::new(),
    };
    for build in builds {
        folder.stored(build);
        folder.of_target(&build.listing);
    }
    folder.electron(builds);
    folder.tauri(builds);
    for os in ["macos", "windows"] {
        let place = format!("{}/{}", encode(project), encode(token));
        let link = format!("{master}/update/appcast/{place}/{os}.xml");
        let items = of_os(builds, os);
        let items: Vec<Listing> = items.iter().map(|build| build.listing.clone()).collect();
        if !items.is_empty() {
            folder.text(
                "appcast",
                &format!("{os}.xml"),
                appcast::render(project, &link, &items),
            );
        }
    }
    folder.files
}

struct Folder {
    /// Project and token as parts of a path; no name is encoded, since servers decode what they are
    /// asked for before they look for a file.
    place: String,
    files: BTreeMap<String, Content>,
}

impl Folder {
    fn put(&mut self, format: &str, name: &str, content: Content) {
        let path = format!("update/{format}/{}/{name}", self.place);
        self.files.insert(path, content);
    }

    fn text(&mut self, format: &str, name: &str, text: String) {
        self.put(format, name, Content::Text(text));
    }

    /// The files of a product where the addresses in feeds lead.
    fn stored(&mut self, build: &Build) {
        let listing = &build.listing;
        for asset in &listing.files {
            let content = Content::Stored {
                sha256: asset.sha256.clone(),
                size: asset.size,
            };
            let path = format!("files/{}/{}", asset.sha256, asset.name);
            self.files.insert(path, content.clone());
            if let Some(version) = listing.semantic() {
                let arch = Target::parse(&listing.target).electron_arch();
                let name = format!("{version}/{arch}/{}", asset.name);
                self.put("electron", &name, content.clone());
            }
            if asset.name.ends_with(".nupkg") {
                self.put("velopack", &asset.name, content);
            }
        }
    }

    /// What is asked for by target.
    fn of_target(&mut self, listing: &Listing) {
        let target = Target::parse(&listing.target);
        for triple in triples(target) {
            let text = manifest::render(Some(listing), triple);
            self.text("manifest", &format!("{triple}/manifest.json"), text);
        }
        if let Some(channel) = channel(target) {
            let text = velopack::render(Some(listing), None);
            self.text("velopack", &format!("releases.{channel}.json"), text);
        }
        let is_image = |asset: &Asset| asset.name.to_ascii_lowercase().ends_with(".appimage");
        if let Some(asset) = listing.file_by(is_image) {
            let control = Content::Control(Box::new(asset.clone()));
            self.put("zsync", &format!("{}.zsync", listing.target), control);
        }
    }

    fn electron(&mut self, builds: &[Build]) {
        for (name, wanted) in [
            ("latest.yml", "windows"),
            ("latest-mac.yml", "macos"),
            ("latest-linux.yml", "linux-x64"),
            ("latest-linux-arm64.yml", "linux-arm64"),
        ] {
            if let Some(yaml) = electron::render(&of_os(builds, wanted)) {
                self.text("electron", name, yaml);
            }
        }
    }

    /// Tauri's form for files: every platform in one.
    fn tauri(&mut self, builds: &[Build]) {
        let mut platforms = serde_json::Map::new();
        let (mut version, mut date) = (None, None);
        for build in builds {
            let listing = &build.listing;
            let Some(told) = tauri::render(listing) else {
                continue;
            };
            let Ok(told) = serde_json::from_str::<serde_json::Value>(&told) else {
                continue;
            };
            // One version for all platforms: the first product's, which is as new as any.
            if *version.get_or_insert_with(|| told["version"].clone()) != told["version"] {
                continue;
            }
            date.get_or_insert_with(|| told["pub_date"].clone());
            if let Some(platform) = platform(Target::parse(&listing.target)) {
                let is_signed =
                    |asset: &Asset| asset.signature(SignatureScheme::Minisign).is_some();
                if listing.file_by(is_signed).is_some() {
                    platforms.insert(platform, told);
                }
            }
        }
        if !platforms.is_empty() {
            let body = serde_json::json!({
                "version": version, "pub_date": date, "platforms": platforms,
            });
            self.text("tauri", "latest.json", body.to_string());
        }
    }
}

/// The builds for a system (and processor), the best first.
fn of_os(builds: &[Build], wanted: &str) -> Vec<Build> {
    let targets: Vec<String> = builds
        .iter()
        .map(|build| build.listing.target.clone())
        .collect();
    let chosen = crate::updates::targets::all_for(&targets, wanted);
    let of = |target: &str| {
        builds
            .iter()
            .find(|build| build.listing.target == target)
            .cloned()
    };
    chosen.into_iter().filter_map(of).collect()
}

/// The Rust triples whose programs run what is for `target`.
fn triples(target: Target) -> &'static [&'static str] {
    match (target.os, target.arch, target.libc) {
        (Some(Os::Linux), Some(Arch::X64), Some(Libc::Musl)) => &["x86_64-unknown-linux-musl"],
        (Some(Os::Linux), Some(Arch::X64), _) => &["x86_64-unknown-linux-gnu"],
        (Some(Os::Linux), Some(Arch::Arm64), Some(Libc::Musl)) => &["aarch64-unknown-linux-musl"],
        (Some(Os::Linux), Some(Arch::Arm64), _) => &["aarch64-unknown-linux-gnu"],
        (Some(Os::Macos), Some(Arch::X64), _) => &["x86_64-apple-darwin"],
        (Some(Os::Macos), Some(Arch::Arm64), _) => &["aarch64-apple-darwin"],
        (Some(Os::Macos), _, _) => &["aarch64-apple-darwin", "x86_64-apple-darwin"],
        (Some(Os::Windows), Some(Arch::X64), _) => {
            &["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"]
        }
        (Some(Os::Windows), Some(Arch::X86), _) => &["i686-pc-windows-msvc"],
        (Some(Os::Windows), Some(Arch::Arm64), _) => &["aarch64-pc-windows-msvc"],
        _ => &[],
    }
}

/// Velopack's usual channel; other processors than the usual one have theirs in its name.
fn channel(target: Target) -> Option<String> {
    let os = match target.os? {
        Os::Windows => "win",
        Os::Linux => "linux",
        Os::Macos => "osx",
        Os::Freebsd | Os::Android => return None,
    };
    Some(match target.arch {
        Some(Arch::X64 | Arch::Universal) | None => os.to_owned(),
        Some(_) => format!("{os}-{}", target.electron_arch()),
    })
}

/// Tauri's word for system and processor.
fn platform(target: Target) -> Option<String> {
    let os = match target.os? {
        Os::Windows => "windows",
        Os::Linux => "linux",
        Os::Macos => "darwin",
        Os::Freebsd | Os::Android => return None,
    };
    let arch = match target.arch? {
        Arch::X64 => "x86_64",
        Arch::X86 => "i686",
        Arch::Arm64 => "aarch64",
        Arch::Arm => "armv7",
        Arch::Riscv64 => "riscv64",
        Arch::Universal => return None,
    };
    Some(format!("{os}-{arch}"))
}
