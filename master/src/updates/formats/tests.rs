//! Every format against files that were looked at by hand, and against texts that mean harm.

use crate::hex::unhex;
use serde_json::{Value, json};

use super::*;

/// Golden files: what stands in them was compared with the clients' own documentation.
macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("golden/", $name))
    };
}

pub(crate) fn asset(role: &str, name: &str) -> Asset {
    Asset {
        role: role.to_owned(),
        name: name.to_owned(),
        url: format!("https://builds.example/files/aa/{name}"),
        sha256: "aa".repeat(32),
        sha1: "bb".repeat(20),
        sha512: "cc".repeat(64),
        size: 3_000_000,
        delta_from: None,
        signatures: Vec::new(),
    }
}

pub(crate) fn listing(target: &str, files: Vec<Asset>) -> Listing {
    Listing {
        project: "editor".to_owned(),
        target: target.to_owned(),
        version: "v1.1".to_owned(),
        feed_version: Some("1.1.0".to_owned()),
        published_at: Time::from_unix_seconds(1_795_195_495),
        notes: "Ligatures <are> drawn & measured \"once\"\n\u{7f}".to_owned(),
        min_os: Some("12.0".to_owned()),
        max_os: None,
        critical: true,
        page: "https://builds.example/products/7".to_owned(),
        files,
    }
}

fn signed(mut asset: Asset, scheme: SignatureScheme, value: &str) -> Asset {
    asset.signatures.push(Signed {
        scheme,
        value: value.to_owned(),
    });
    asset
}

#[test]
fn base64_is_that_of_the_standard() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
    assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
}

#[test]
fn tauri_gets_a_signature_or_nothing() {
    const SIGNATURE: &str = "untrusted comment: signature\nRUQ=\ntrusted comment: x\nAAAA\n";
    let bare = listing("x86_64-linux", vec![asset("installer", "editor.AppImage")]);
    assert_eq!(tauri::render(&bare), None, "unsigned");
    let file = signed(
        asset("update", "editor.AppImage.tar.gz"),
        SignatureScheme::Minisign,
        SIGNATURE,
    );
    let mut both = listing(
        "x86_64-linux",
        vec![asset("installer", "editor.AppImage"), file],
    );
    let told: Value = serde_json::from_str(&tauri::render(&both).unwrap()).unwrap();
    assert_eq!(
        told,
        json!({
            "version": "1.1.0",
            "notes": both.notes,
            "pub_date": "2026-11-20T17:24:55Z",
            "url": "https://builds.example/files/aa/editor.AppImage.tar.gz",
            "signature": base64(SIGNATURE.as_bytes()),
            "format": "appimage",
        })
    );
    both.feed_version = None;
    assert_eq!(
        tauri::render(&both),
        None,
        "its version is none that clients can compare"
    );
}

#[test]
fn electron_gets_relative_addresses_in_which_the_version_can_be_replaced() {
    let files = vec![
        asset("blockmap", "Editor Setup 1.1.0.exe.blockmap"),
        asset("installer", "Editor Setup 1.1.0.exe"),
        asset("symbols", "editor.pdb"),
    ];
    let arm = listing(
        "aarch64-windows",
        vec![asset("installer", "Editor Setup 1.1.0.exe")],
    );
    let mut old = listing(
        "i686-windows",
        vec![asset("installer", "Editor Setup 1.0.0.exe")],
    );
    old.feed_version = Some("1.0.0".to_owned());
    let builds = [listing("x86_64-windows", files), arm, old].map(|listing| electron::Build {
        block_maps: vec![],
        listing,
    });
    assert_eq!(electron::render(&builds).unwrap(), golden!("latest.yml"));
    let mut linux = listing("x86_64-linux", vec![asset("update", "Editor.AppImage")]);
    linux.notes.clear();
    let linux = electron::Build {
        block_maps: vec![("aa".repeat(32), 4_711)],
        listing: linux,
    };
    let yaml = electron::render(&[linux]).unwrap();
    assert_eq!(yaml, golden!("latest-linux.yml"));
    assert_eq!(electron::render(&[]), None);
}

#[test]
fn velopack_gets_the_whole_package_and_the_deltas_that_fit() {
    let mut delta = asset("delta", "Editor-1.1.0-linux-delta.nupkg");
    delta.delta_from = Some("1.0.0".to_owned());
    let whole = asset("update", "Editor-1.1.0-linux-full.nupkg");
    let one = listing(
        "x86_64-linux",
        vec![delta, asset("installer", "Editor.AppImage"), whole],
    );
    let told =
        |local| -> Value { serde_json::from_str(&velopack::render(Some(&one), local)).unwrap() };
    let golden: Value = serde_json::from_str(golden!("releases.linux.json")).unwrap();
    assert_eq!(told(None), golden);
    assert_eq!(told(Some("1.0.0")), golden);
    let other = told(Some("0.9.0"));
    assert_eq!(other["Assets"].as_array().unwrap().len(), 1, "{other}");
    assert_eq!(other["Assets"][0]["Type"], "Full");
    assert_eq!(velopack::render(None, None), "{\"Assets\":[]}");
}

#[test]
fn self_update_finds_its_triple_in_the_name() {
    let one = listing(
        "x86_64-linux",
        vec![asset("installer", "editor-1.1.0.tar.gz")],
    );
    let told = manifest::render(Some(&one), "x86_64-unknown-linux-gnu");
    let golden: Value = serde_json::from_str(golden!("manifest.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), golden);
    let none = manifest::render(None, "x86_64-unknown-linux-gnu");
    assert_eq!(none, "{\"schema\":1,\"releases\":[]}");
}

#[test]
fn sparkle_gets_an_item_per_product() {
    let file = signed(
        asset("update", "Editor-1.1.zip"),
        SignatureScheme::Ed25519,
        "c2ln\n",
    );
    let mut delta = signed(
        asset("delta", "Editor-1.0-1.1.delta"),
        SignatureScheme::Ed25519,
        "ZGVs",
    );
    delta.delta_from = Some("1.0.0".to_owned());
    let mut windows = listing(
        "x86_64-windows",
        vec![asset("installer", "Setup \"&<>.exe")],
    );
    windows.min_os = Some("whatever it is".to_owned());
    windows.critical = false;
    windows.notes.clear();
    let items = [listing("universal-macos", vec![file, delta]), windows];
    let xml = appcast::render("editor <main>", "https://builds.example/p?a=1&b=2", &items);
    assert_eq!(xml, golden!("appcast.xml"));
    well_formed(&xml);
}

#[test]
fn readers_and_tools_get_what_they_read() {
    let one = listing("x86_64-linux", vec![asset("installer", "a & b.tar.gz")]);
    let xml = atom::render(
        "editor main",
        "https://builds.example/p/feed.atom",
        std::slice::from_ref(&one),
    );
    assert_eq!(xml, golden!("feed.atom"));
    well_formed(&xml);
    let sums = sums::render(&[asset("installer", "a b"), asset("log", "back\\slash")]);
    let digits = "aa".repeat(32);
    assert_eq!(sums, format!("{digits}  a b\n\\{digits}  back\\\\slash\n"));
    well_formed(&badge::render("editor <main>", "1.1 \u{1}\"&", true));
}

#[test]
fn no_text_breaks_out_of_its_format() {
    let nasty =
        "\u{0}\u{1}\u{1b}[31m\u{7f}\u{85}\u{2028}\u{feff}\u{ffff}\"'<>&\\:{}[],#*|%\n- a: b";
    let mut one = listing(nasty, vec![asset(nasty, nasty)]);
    one.version = nasty.to_owned();
    one.notes = nasty.to_owned();
    one.project = nasty.to_owned();
    one.page = nasty.to_owned();
    one.max_os = Some(nasty.to_owned());
    well_formed(&appcast::render(nasty, nasty, std::slice::from_ref(&one)));
    well_formed(&atom::render(nasty, nasty, std::slice::from_ref(&one)));
    well_formed(&badge::render(nasty, nasty, false));
    let yaml = electron::render(&[electron::Build {
        listing: one.clone(),
        block_maps: vec![],
    }]);
    let yaml = yaml.unwrap();
    let is_plain =
        |c: char| c == '\n' || !c.is_control() && !"\u{2028}\u{feff}\u{ffff}".contains(c);
    assert!(yaml.chars().all(is_plain), "{yaml}");
    let lines = yaml.lines().filter(|line| !line.starts_with("  "));
    assert!(
        lines.clone().all(|line| line.split_once(':').is_some()),
        "{yaml}"
    );
    assert_eq!(lines.count(), 7, "{yaml}");
    serde_json::from_str::<Value>(&velopack::render(Some(&one), Some(nasty))).unwrap();
    serde_json::from_str::<Value>(&manifest::render(Some(&one), nasty)).unwrap();
}

/// Reads a document to its end, which checks that it is well formed.
fn well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag)) => {
                for attribute in tag.attributes() {
                    attribute.unwrap_or_else(|error| panic!("{error} in {xml}"));
                }
            }
            Ok(_) => {}
            Err(error) => panic!("{error} in {xml}"),
        }
    }
    let allowed = |c: char| c >= ' ' && c != '\u{ffff}' || matches!(c, '\t' | '\n' | '\r');
    assert!(xml.chars().all(allowed), "{xml}");
}

/// Bytes that look random and are the same everywhere.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 12_345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        (state >> 16).to_le_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

/// Size, lengths and the first sums as `zsyncmake` 0.6.2 wrote them.
const ZSYNCMAKE: [(usize, &str, usize, &str); 5] = [
    (1, "1,2,3", 5, "e0005024a7"),
    (1_000, "1,2,4", 6, "0e3bb801203a"),
    (2_048, "1,2,4", 6, "40ef7251307f"),
    (5_000, "2,2,3", 15, "40ef725130065e1841efbfdb67b228"),
    (
        300_000,
        "2,2,4",
        882,
        "40ef7251307f065e1841efc6b205eb56122a979373a2fbf6204333dd3a917b91",
    ),
];

#[test]
fn control_files_are_those_that_zsyncmake_makes() {
    for (size, lengths, total, first) in ZSYNCMAKE {
        let bytes = noise(size);
        let mut maker = zsync::Maker::new(size as u64);
        // In uneven pieces, as a store gives them.
        for piece in bytes.chunks(777) {
            maker.write(piece);
        }
        let sha1 = sha1_of(&bytes);
        let about = zsync::About {
            name: "f",
            url: "http://x/f",
            sha1: &sha1,
            size: size as u64,
        };
        let file = maker.finish(&about).unwrap();
        let head = format!(
            "zsync: 0.6.2\nFilename: f\nBlocksize: 2048\nLength: {size}\nHash-Lengths: {lengths}\n\
             URL: http://x/f\nSHA-1: {sha1}\n\n"
        );
        let (own, sums) = file.split_at(head.len());
        assert_eq!(std::str::from_utf8(own).unwrap(), head);
        assert_eq!(sums.len(), total, "{size}");
        assert_eq!(sums[..first.len() / 2], unhex(first).unwrap(), "{size}");
    }
}

#[test]
fn a_control_file_of_a_build_keeps_its_sums_and_gets_our_address() {
    let sha1 = "ab".repeat(20);
    let about = zsync::About {
        name: "editor.AppImage",
        url: "https://builds.example/files/aa/editor.AppImage",
        sha1: &sha1,
        size: 9,
    };
    let made = |more: &str, sha1: &str| {
        let mut made = format!(
            "zsync: 0.6.2\nFilename: old\nMTime: Thu, 01 Jan 1970 00:00:00 +0000\nBlocksize: 2048\n\
             Length: 9\nHash-Lengths: 1,2,3\n{more}URL: old\nSHA-1: {sha1}\n\n"
        )
        .into_bytes();
        made.extend_from_slice(b"\x00\n\nsum");
        made
    };
    let file = zsync::readdress(&made("", &sha1), &about).unwrap();
    let text = String::from_utf8_lossy(&file);
    assert!(
        text.starts_with("zsync: 0.6.2\nFilename: editor.AppImage\n"),
        "{text}"
    );
    assert!(
        text.contains("\nURL: https://builds.example/files/aa/editor.AppImage\n\n\u{0}\n\nsum")
    );
    assert!(!text.contains("old"), "{text}");
    assert_eq!(
        zsync::readdress(&made("", &"cd".repeat(20)), &about),
        None,
        "of another file"
    );
    assert_eq!(zsync::readdress(&made("Z-URL: x\n", &sha1), &about), None);
    assert_eq!(zsync::readdress(b"no such file", &about), None);
    assert_eq!(zsync::Maker::new(1).finish(&about), None, "other bytes");
}

fn sha1_of(bytes: &[u8]) -> String {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
