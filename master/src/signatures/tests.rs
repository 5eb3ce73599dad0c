//! Signatures that minisign 0.11 and GnuPG 2.2 made of one file, and Ed25519 ones made here.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;
use crate::config::resolved::PublicKeys;

const FILE: &[u8] = b"the bytes of a product\n";
const MINISIGN_KEY: &str = "RWSz98UFavegyxvI9OxhC5QzDykBOOmER8NdNkMSNyjUIabks5d7wLn8";
const MINISIGN: &str = include_str!("tests/file.bin.minisig");
const LEGACY: &str = include_str!("tests/legacy.minisig");
/// By an RSA subkey, armored.
const GPG: &str = include_str!("tests/file.bin.asc");
/// By the Ed25519 primary key, binary.
const GPG_BINARY: &str = include_str!("tests/file.bin.sig.base64");
const GPG_OTHER: &str = include_str!("tests/other.asc");
const GPG_KEY: &str = include_str!("tests/key.asc");

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn keys() -> Keys {
    let ed25519 = |seed| STANDARD.encode(pair(seed).public_key().as_ref());
    let written = PublicKeys {
        minisign: vec![MINISIGN_KEY.to_owned()],
        ed25519: vec![ed25519(1), ed25519(2)],
        gpg: vec![GPG_KEY.to_owned()],
    };
    Keys::read(&written).unwrap()
}

fn check(bytes: &[u8], keys: &Keys, mut content: &[u8]) -> Result<Signature, String> {
    let claim = Claim::read(bytes, None)?;
    let checked = claim.check(keys, &mut content);
    checked.map_err(|error| error.to_string())
}

/// Every kind of signature of [`FILE`], with its scheme and key.
fn all() -> Vec<(Vec<u8>, SignatureScheme, String)> {
    use SignatureScheme::{Ed25519, Gpg, Minisign};
    let second = STANDARD.encode(pair(2).sign(FILE));
    let key = STANDARD.encode(pair(2).public_key().as_ref());
    let minisign = "CBA0F76A05C5F7B3".to_owned();
    let sparkle = format!("sparkle:edSignature=\"{second}\" length=\"23\"\n");
    let sub = "58D64C37DFC46505D3E6FD52718CE3980A5061C0".to_owned();
    let primary = "0E3F16AF17BFE79E8E2458064CA8C98D545F2AC3".to_owned();
    vec![
        (MINISIGN.into(), Minisign, minisign.clone()),
        (STANDARD.encode(MINISIGN).into(), Minisign, minisign.clone()),
        (LEGACY.into(), Minisign, minisign),
        (second.into(), Ed25519, key.clone()),
        (sparkle.into(), Ed25519, key),
        (GPG.into(), Gpg, sub),
        (STANDARD.decode(GPG_BINARY).unwrap(), Gpg, primary),
    ]
}

#[test]
fn what_the_build_machine_signed_is_verified_with_its_key() {
    for (bytes, scheme, key) in all() {
        let signature = check(&bytes, &keys(), FILE).unwrap();
        assert_eq!(signature.state, SignatureState::Verified, "{scheme}");
        assert_eq!((signature.scheme, signature.key_id), (scheme, key));
        // What is kept can be checked again, by anybody.
        let again = check(signature.value.as_bytes(), &keys(), FILE).unwrap();
        assert_eq!(again.value, signature.value);
    }
}

#[test]
fn one_other_byte_refuses_every_kind_and_names_scheme_and_key() {
    for (bytes, scheme, key) in all() {
        for wrong in [
            &b"the bytes of a Product\n"[..],
            b"",
            b"the bytes of a product\n\n",
        ] {
            let error = check(&bytes, &keys(), wrong).unwrap_err();
            let named = error.contains(scheme.as_str()) && error.contains(&key);
            assert!(named, "{error}");
        }
    }
}

#[test]
fn a_key_that_the_project_does_not_name_is_unknown_and_said_so() {
    for (bytes, scheme, key) in all() {
        let signature = check(&bytes, &Keys::default(), FILE).unwrap();
        assert_eq!(signature.state, SignatureState::UnknownKey, "{scheme}");
        match scheme {
            SignatureScheme::Ed25519 => assert_eq!(signature.key_id, ""),
            _ => assert_eq!(signature.key_id, key),
        }
    }
    let other = check(GPG_OTHER.as_bytes(), &keys(), FILE).unwrap();
    assert_eq!(other.state, SignatureState::UnknownKey);
}

#[test]
fn a_changed_trusted_comment_is_a_wrong_signature() {
    let forged = MINISIGN.replace("file:file.bin", "file:file.exe");
    assert!(
        check(forged.as_bytes(), &keys(), FILE)
            .unwrap_err()
            .contains("minisign")
    );
}

#[test]
fn a_signature_of_the_old_kind_has_a_bound_that_is_said() {
    let claim = Claim::read(LEGACY.as_bytes(), None).unwrap();
    let mut endless = io::repeat(0).take(LEGACY_BYTES_MAX + 1);
    let error = claim.check(&keys(), &mut endless).unwrap_err().to_string();
    assert!(error.contains("16777216 bytes"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_no_wrong_signature() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::TimedOut, "away"))
        }
    }
    for (bytes, scheme, _) in all() {
        let claim = Claim::read(&bytes, Some(scheme)).unwrap();
        let error = claim.check(&keys(), &mut Broken).unwrap_err();
        assert!(
            matches!(error, SignatureError::Unread(_)),
            "{scheme}: {error}"
        );
    }
}

#[test]
fn what_is_no_signature_is_told_apart() {
    for junk in [
        &b""[..],
        b"hello",
        b"\xff\xfe\0",
        b"untrusted comment: x\n",
        b"AAAA",
    ] {
        assert!(Claim::read(junk, None).is_err(), "{junk:?}");
    }
    let long = vec![b'A'; CLAIM_BYTES_MAX + 1];
    assert!(Claim::read(&long, None).is_err());
    let error = Claim::read(MINISIGN.as_bytes(), Some(SignatureScheme::Gpg))
        .err()
        .unwrap();
    assert!(
        error.contains("minisign") && error.contains("gpg"),
        "{error}"
    );
}

#[test]
fn signatures_find_what_they_sign_by_their_names() {
    let files = [
        ("installer", "editor.zip"),
        ("signature", "editor.zip.minisig"),
        ("installer", "editor.zip.asc"),
        ("installer", "notes.sig"),
    ];
    let pair = |signature| Pair { file: 0, signature };
    assert_eq!(pairs(&files).unwrap(), [pair(1), pair(2)]);
    let lost = pairs(&[("signature", "editor.zip.sig")]).unwrap_err();
    assert!(lost.contains("`editor.zip`"), "{lost}");
    assert!(
        pairs(&[("signature", "editor")])
            .unwrap_err()
            .contains(".minisig")
    );
}

#[test]
fn keys_that_are_none_are_told_by_list_and_place() {
    let weak = STANDARD.encode([0; 32]);
    let tauri = STANDARD.encode(format!("untrusted comment: x\n{MINISIGN_KEY}\n"));
    assert_eq!(keys::check(SignatureScheme::Minisign, &tauri), Ok(()));
    for (scheme, text) in [
        (SignatureScheme::Minisign, "RWx"),
        (SignatureScheme::Ed25519, "AAAA"),
        (SignatureScheme::Ed25519, &weak),
        (SignatureScheme::Gpg, "-----BEGIN PGP"),
    ] {
        assert!(keys::check(scheme, text).is_err(), "{scheme} {text}");
    }
    let written = PublicKeys {
        ed25519: vec!["x".to_owned()],
        ..PublicKeys::default()
    };
    let error = Keys::read(&written).unwrap_err();
    assert_eq!((error.scheme, error.at), (SignatureScheme::Ed25519, 0));
}
