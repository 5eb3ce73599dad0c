//! The lines that an application needs so that it asks the feeds of its branch: for each family of
//! clients, for one target. The address comes into it when it is built, from the build's environment,
//! so the same sources follow whatever branch they are built from.

use super::addresses::update_urls;
use super::targets::{Arch, Libc, Os, Target};
use crate::model::{ClientFamily, GuideLines};

/// The families that run on `target`, all where it names no system.
#[must_use]
pub fn families(master: &str, project: &str, feed: &str, target: &str) -> Vec<ClientFamily> {
    let urls = update_urls(master, project, Some(feed));
    let url = |name: &str| {
        let found = urls.iter().find(|(known, _)| *known == name);
        found.map_or_else(String::new, |(_, url)| url.clone())
    };
    let parsed = Target::parse(target);
    let runs_on = |wanted: Os| parsed.os.is_none_or(|os| os == wanted);
    let mut all = vec![
        own(url("update_url"), target),
        tauri(url("update_url.tauri"), parsed),
        electron(url("update_url.electron"), parsed),
        velopack(url("update_url.velopack"), parsed),
        self_update(url("update_url.manifest"), target, parsed),
    ];
    if runs_on(Os::Linux) {
        all.push(zsync(url("update_url.zsync"), target));
    }
    if runs_on(Os::Macos) {
        all.push(sparkle(url("update_url.appcast")));
    }
    if runs_on(Os::Windows) {
        all.push(win_sparkle(url("update_url.appcast")));
    }
    all
}

fn family(
    name: &str,
    variable: &str,
    (url, asks): (String, String),
    lines: &[(&str, String)],
) -> ClientFamily {
    let lines = lines.iter().map(|(place, text)| GuideLines {
        place: (*place).to_owned(),
        text: text.clone(),
    });
    ClientFamily {
        name: name.to_owned(),
        url,
        variable: variable.to_owned(),
        asks,
        lines: lines.collect(),
    }
}

fn own(url: String, target: &str) -> ClientFamily {
    let asks = format!("{url}/{target}");
    let lines = [
        (
            "Rust",
            format!(
                "const FEED: &str = concat!(env!(\"WINDLASS_UPDATE_URL\"), \"/{target}?version=\", env!(\"CARGO_PKG_VERSION\"));"
            ),
        ),
        (
            "C and C++, in a step",
            "cc -DUPDATE_URL=\"\\\"$WINDLASS_UPDATE_URL\\\"\" -c update.c".to_owned(),
        ),
        (
            "Python, in a step",
            "printf 'UPDATE_URL = \"%s\"\\n' \"$WINDLASS_UPDATE_URL\" > editor/update_url.py"
                .to_owned(),
        ),
    ];
    family("Our own format", "WINDLASS_UPDATE_URL", (url, asks), &lines)
}

fn tauri(url: String, target: Target) -> ClientFamily {
    let os = match target.os {
        Some(Os::Windows) => "windows",
        Some(Os::Macos) => "darwin",
        _ => "linux",
    };
    let arch = match target.arch {
        Some(Arch::X86) => "i686",
        Some(Arch::Arm64) => "aarch64",
        Some(Arch::Arm) => "armv7",
        Some(Arch::Riscv64) => "riscv64",
        _ => "x86_64",
    };
    let asks = url.replace("{{target}}", os).replace("{{arch}}", arch);
    let asks = asks.replace("{{current_version}}", "0.0.0");
    let lines = [
        (
            "Tauri, in a step",
            "cargo tauri build --config \"{\\\"plugins\\\":{\\\"updater\\\":{\\\"endpoints\\\":[\\\"$WINDLASS_UPDATE_URL_TAURI\\\"]}}}\"".to_owned(),
        ),
        (
            "tauri.conf.json",
            "\"plugins\": { \"updater\": { \"pubkey\": \"CONTENT OF THE .pub FILE IN BASE64\" } }".to_owned(),
        ),
        (
            "cargo-packager, in Rust",
            "let endpoints = vec![env!(\"WINDLASS_UPDATE_URL_TAURI\").parse()?];\n\
             let config = cargo_packager_updater::Config { endpoints, pubkey: PUBLIC_KEY.into(), ..Default::default() };\n\
             let update = cargo_packager_updater::check_update(env!(\"CARGO_PKG_VERSION\").parse()?, config)?;"
                .to_owned(),
        ),
    ];
    let name = "Tauri and cargo-packager";
    family(name, "WINDLASS_UPDATE_URL_TAURI", (url, asks), &lines)
}

fn electron(url: String, target: Target) -> ClientFamily {
    let file = match (target.os, target.electron_arch()) {
        (Some(Os::Macos), _) => "latest-mac.yml".to_owned(),
        (Some(Os::Linux), "x64") => "latest-linux.yml".to_owned(),
        (Some(Os::Linux), arch) => format!("latest-linux-{arch}.yml"),
        _ => "latest.yml".to_owned(),
    };
    let asks = format!("{url}/{file}");
    let lines = [
        (
            "electron-builder.yml",
            "publish: { provider: generic, url: \"${env.WINDLASS_UPDATE_URL_ELECTRON}\" }\n\
             extraMetadata: { updateUrl: \"${env.WINDLASS_UPDATE_URL_ELECTRON}\" }"
                .to_owned(),
        ),
        (
            "in the main process",
            "const FEED = require(\"./package.json\").updateUrl;\n\
             autoUpdater.setFeedURL({ provider: \"generic\", url: FEED + \"?version=\" + encodeURIComponent(app.getVersion()) });"
                .to_owned(),
        ),
    ];
    let name = "electron-updater";
    family(name, "WINDLASS_UPDATE_URL_ELECTRON", (url, asks), &lines)
}

fn velopack(url: String, target: Target) -> ClientFamily {
    let channel = match target.os {
        Some(Os::Macos) => "osx",
        Some(Os::Linux) => "linux",
        _ => "win",
    };
    let asks = format!("{url}/releases.{channel}.json");
    let lines = [
        (
            ".csproj",
            "<ItemGroup><AssemblyMetadata Include=\"UpdateUrl\" Value=\"$(WINDLASS_UPDATE_URL_VELOPACK)\" /></ItemGroup>".to_owned(),
        ),
        (
            "C#",
            "var own = typeof(Program).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();\n\
             var updates = new UpdateManager(own.First(one => one.Key == \"UpdateUrl\").Value);"
                .to_owned(),
        ),
    ];
    let name = "Velopack";
    family(name, "WINDLASS_UPDATE_URL_VELOPACK", (url, asks), &lines)
}

fn self_update(url: String, target: &str, parsed: Target) -> ClientFamily {
    let triple = triple(parsed).unwrap_or_else(|| target.to_owned());
    let asks = format!("{url}/{triple}/manifest.json");
    let lines = [(
        "Rust",
        format!(
            "self_update::backends::manifest::Update::configure()\n    \
             .manifest_url(concat!(env!(\"WINDLASS_UPDATE_URL_MANIFEST\"), \"/{triple}/manifest.json\"))\n    \
             .bin_name(\"editor\")\n    .current_version(env!(\"CARGO_PKG_VERSION\"))\n    \
             .build()?\n    .update()?;"
        ),
    )];
    let name = "self_update";
    family(name, "WINDLASS_UPDATE_URL_MANIFEST", (url, asks), &lines)
}

/// What Rust calls the target.
fn triple(target: Target) -> Option<String> {
    let arch = match target.arch? {
        Arch::X64 => "x86_64",
        Arch::X86 => "i686",
        Arch::Arm64 => "aarch64",
        Arch::Arm => "armv7",
        Arch::Riscv64 => "riscv64gc",
        Arch::Universal => return None,
    };
    let rest = match (target.os?, target.libc) {
        (Os::Linux, Some(Libc::Musl)) => "unknown-linux-musl",
        (Os::Linux, _) => "unknown-linux-gnu",
        (Os::Windows, Some(Libc::Gnu)) => "pc-windows-gnu",
        (Os::Windows, _) => "pc-windows-msvc",
        (Os::Macos, _) => "apple-darwin",
        (Os::Freebsd, _) => "unknown-freebsd",
        (Os::Android, _) => "linux-android",
    };
    Some(format!("{arch}-{rest}"))
}

fn zsync(url: String, target: &str) -> ClientFamily {
    let asks = format!("{url}/{target}.zsync");
    let line = format!(
        "appimagetool -u \"zsync|$WINDLASS_UPDATE_URL_ZSYNC/{target}.zsync\" editor.AppDir"
    );
    let (name, lines) = ("zsync and AppImage", [("in a step", line)]);
    family(name, "WINDLASS_UPDATE_URL_ZSYNC", (url, asks), &lines)
}

fn sparkle(url: String) -> ClientFamily {
    let asks = format!("{url}/macos.xml");
    let lines = [
        (
            "in a step, before the application is signed",
            "plutil -replace SUFeedURL -string \"$WINDLASS_UPDATE_URL_APPCAST/macos.xml\" Editor.app/Contents/Info.plist".to_owned(),
        ),
        (
            "Info.plist",
            "<key>SUPublicEDKey</key><string>PUBLIC KEY OF generate_keys</string>".to_owned(),
        ),
    ];
    let name = "Sparkle";
    family(name, "WINDLASS_UPDATE_URL_APPCAST", (url, asks), &lines)
}

fn win_sparkle(url: String) -> ClientFamily {
    let asks = format!("{url}/windows.xml");
    let lines = [
        (
            "in a step",
            "cl /DAPPCAST_URL=\"\\\"%WINDLASS_UPDATE_URL_APPCAST%/windows.xml\\\"\" editor.c WinSparkle.lib".to_owned(),
        ),
        (
            "C and C++",
            "win_sparkle_set_appcast_url(APPCAST_URL);\n\
             win_sparkle_set_eddsa_public_key(\"PUBLIC KEY OF winsparkle-tool\");"
                .to_owned(),
        ),
    ];
    let name = "WinSparkle";
    family(name, "WINDLASS_UPDATE_URL_APPCAST", (url, asks), &lines)
}

#[cfg(test)]
mod tests;
