//! Stored files with signatures beside them and in the record.

use super::*;

const MINISIGN_KEY: &str = "RWSz98UFavegyxvI9OxhC5QzDykBOOmER8NdNkMSNyjUIabks5d7wLn8";
const MINISIGN: &str = include_str!("../signatures/tests/file.bin.minisig");
const GPG: &str = include_str!("../signatures/tests/file.bin.asc");

async fn stored(blobs: &Blobs, role: &str, name: &str, content: &[u8]) -> NewProductFile {
    let mut writer = blobs.writer().unwrap();
    writer.write(content).unwrap();
    NewProductFile {
        role: role.to_owned(),
        name: name.to_owned(),
        blob: writer.finish().await.unwrap(),
        source_path: String::new(),
        delta_from: None,
        signatures: Vec::new(),
    }
}

fn keys() -> PublicKeys {
    PublicKeys {
        minisign: vec![MINISIGN_KEY.to_owned()],
        ..PublicKeys::default()
    }
}

#[tokio::test]
async fn signatures_beside_a_file_and_in_the_record_are_put_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut files = vec![
        stored(&blobs, "installer", "file.bin", b"the bytes of a product\n").await,
        stored(&blobs, "signature", "file.bin.minisig", MINISIGN.as_bytes()).await,
    ];
    let given = GivenSignature {
        file: "file.bin".to_owned(),
        scheme: Some(SignatureScheme::Gpg),
        text: GPG.to_owned(),
    };
    let lines = check_signatures(&blobs, &keys(), &mut files, &[given])
        .await
        .unwrap();
    let states: Vec<_> = files[0]
        .signatures
        .iter()
        .map(|s| (s.scheme, s.state))
        .collect();
    let verified = (SignatureScheme::Minisign, SignatureState::Verified);
    let unknown = (SignatureScheme::Gpg, SignatureState::UnknownKey);
    assert_eq!(states, [verified, unknown]);
    assert!(
        lines[0].contains("verified") && lines[1].contains("not checked"),
        "{lines:?}"
    );
    assert_eq!(files[0].signatures[0].trusted_comment, "file:file.bin");
    let other = GivenSignature {
        file: "other.bin".to_owned(),
        scheme: None,
        text: GPG.to_owned(),
    };
    let error = check_signatures(&blobs, &keys(), &mut files, &[other])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`other.bin`"), "{error}");
}

#[tokio::test]
async fn a_wrong_signature_refuses_the_product_and_names_file_scheme_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    // More than the pieces in between hold, so that the reader must wait for the disk.
    let large = vec![7; 1 << 20];
    let mut files = vec![
        stored(&blobs, "installer", "file.bin", &large).await,
        stored(&blobs, "signature", "file.bin.minisig", MINISIGN.as_bytes()).await,
    ];
    let error = check_signatures(&blobs, &keys(), &mut files, &[])
        .await
        .unwrap_err();
    let RecordingError::Refused(text) = error else {
        panic!("{error}");
    };
    for named in [
        "`file.bin`",
        "`file.bin.minisig`",
        "minisign",
        "CBA0F76A05C5F7B3",
    ] {
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_from_the_store_is_no_wrong_signature() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut files = vec![
        stored(&blobs, "installer", "file.bin", b"the bytes of a product\n").await,
        stored(&blobs, "signature", "file.bin.minisig", MINISIGN.as_bytes()).await,
    ];
    std::fs::remove_file(blobs.path(&files[0].blob.sha256).unwrap()).unwrap();
    let error = check_signatures(&blobs, &keys(), &mut files, &[])
        .await
        .unwrap_err();
    assert!(matches!(error, RecordingError::Unread(_)), "{error}");
}

#[tokio::test]
async fn notes_come_from_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let notes_of = async |content: &[u8]| {
        let file = stored(&blobs, "notes", "NEWS.md", content).await;
        notes(&blobs, &[file]).await
    };
    assert_eq!(notes_of(b"# New\n").await.unwrap(), "# New\n");
    assert!(
        notes_of(b"\xff")
            .await
            .unwrap_err()
            .to_string()
            .contains("UTF-8")
    );
    let long = vec![b'x'; NOTES_BYTES_MAX + 1];
    assert!(notes_of(&long).await.is_err());
    assert_eq!(notes(&blobs, &[]).await.unwrap(), "");
}
