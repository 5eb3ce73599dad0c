//! What every way of recording a product does with its files before the row is written, whoever
//! brought them: check their signatures, take the notes from their file. The files are in the
//! store already; writing the row is `db::products`.

mod reader;

use std::io;

use crate::config::resolved::PublicKeys;
use crate::model::{NewProduct, NewProductFile, Signature, SignatureScheme, SignatureState};
use crate::signatures::{CLAIM_BYTES_MAX, Claim, Keys, SignatureError, pairs};
use crate::storage::Blobs;

use reader::StoredReader;

/// Longest notes: some pages of text.
const NOTES_BYTES_MAX: usize = 64 * 1024;
/// Role of a file with notes.
const NOTES: &str = "notes";

/// A signature that came with the record itself instead of in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenSignature {
    /// Name of the file that it signs.
    pub file: String,
    /// How it was made, where that was said.
    pub scheme: Option<SignatureScheme>,
    /// The signature as text.
    pub text: String,
}

/// Why a product is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// What was brought is wrong; says what would be right.
    #[error("{0}")]
    Refused(String),
    /// The store could not be read.
    #[error("a stored file cannot be read: {0}")]
    Unread(#[from] io::Error),
}

/// Checks the signatures of `files` and puts each to its file: those among the files, known by
/// their names (`editor.zip.minisig` signs `editor.zip`), and those in `given`. Returns a line for
/// each, for people. A wrong one refuses the product; one by a key that is not in `keys` is kept as
/// [`SignatureState::UnknownKey`].
pub async fn check_signatures(
    blobs: &Blobs,
    keys: &PublicKeys,
    files: &mut [NewProductFile],
    given: &[GivenSignature],
) -> Result<Vec<String>, RecordingError> {
    let known: Vec<_> = files
        .iter()
        .map(|file| (file.role.as_str(), file.name.as_str()))
        .collect();
    let mut claims = Vec::new();
    for pair in pairs(&known).map_err(RecordingError::Refused)? {
        let file = &files[pair.signature];
        let bytes = small(blobs, file, CLAIM_BYTES_MAX).await?;
        claims.push((pair.file, format!("`{}`", file.name), bytes, None));
    }
    for given in given {
        let at = files.iter().position(|file| file.name == given.file);
        let at = at.ok_or_else(|| {
            let text = format!(
                "a signature is given for `{}`, which is no file of the product",
                given.file
            );
            RecordingError::Refused(text)
        })?;
        let shown = format!("the signature given for `{}`", given.file);
        claims.push((at, shown, given.text.clone().into_bytes(), given.scheme));
    }
    let mut lines = Vec::new();
    for (at, shown, bytes, scheme) in claims {
        let signature = check(blobs, keys, &files[at], &shown, (bytes, scheme)).await?;
        lines.push(line(&files[at].name, &signature));
        files[at].signatures.push(signature);
    }
    Ok(lines)
}

/// Checks one signature off the async threads, for the hashing of a large file takes its time.
async fn check(
    blobs: &Blobs,
    keys: &PublicKeys,
    file: &NewProductFile,
    shown: &str,
    (bytes, scheme): (Vec<u8>, Option<SignatureScheme>),
) -> Result<Signature, RecordingError> {
    let (mut content, feed) = StoredReader::of(blobs, &file.blob);
    let keys = keys.clone();
    let work = move || {
        let keys = Keys::read(&keys).map_err(|error| SignatureError::Wrong(error.to_string()))?;
        let claim = Claim::read(&bytes, scheme).map_err(SignatureError::Wrong)?;
        claim.check(&keys, &mut content)
    };
    let checking = tokio::task::spawn_blocking(work);
    let ((), checked) = tokio::join!(feed, checking);
    match checked.map_err(io::Error::other)? {
        Ok(signature) => Ok(signature),
        Err(SignatureError::Unread(error)) => Err(error.into()),
        Err(SignatureError::Wrong(text)) => {
            let text = format!("`{}` is refused by {shown}: {text}", file.name);
            Err(RecordingError::Refused(text))
        }
    }
}

fn line(name: &str, signature: &Signature) -> String {
    let (scheme, key) = (signature.scheme, &signature.key_id);
    match (signature.state, key.as_str()) {
        (SignatureState::Verified, key) => {
            format!("{name}: {scheme} signature verified, key {key}")
        }
        (SignatureState::UnknownKey, "") => {
            format!("{name}: {scheme} signature not checked, the project names no such key")
        }
        (SignatureState::UnknownKey, key) => {
            format!("{name}: {scheme} signature not checked, the project does not name key {key}")
        }
    }
}

/// What a file of the role `notes` says, empty where there is none; of several the first.
pub async fn notes(blobs: &Blobs, files: &[NewProductFile]) -> Result<String, RecordingError> {
    let Some(file) = files.iter().find(|file| file.role == NOTES) else {
        return Ok(String::new());
    };
    let bytes = small(blobs, file, NOTES_BYTES_MAX).await?;
    let text = String::from_utf8(bytes)
        .map_err(|_| RecordingError::Refused(format!("the notes `{}` are no UTF-8", file.name)))?;
    check_notes(&text).map_err(RecordingError::Refused)?;
    Ok(text)
}

/// Whether `text` may be the notes of a product; the error says what would be right.
pub fn check_notes(text: &str) -> Result<(), String> {
    if text.len() > NOTES_BYTES_MAX {
        return Err(format!(
            "the notes have {} bytes; at most {NOTES_BYTES_MAX} are possible",
            text.len()
        ));
    }
    match text.contains('\0') {
        true => Err("the notes hold a NUL: write plain text or Markdown".to_owned()),
        false => Ok(()),
    }
}

/// That there is no product of `version` that a delta could start from; names the field.
#[must_use]
pub fn no_base(new: &NewProduct, field: &str, version: &str) -> String {
    format!(
        "{field}: no product of {}, branch {}, target {} has the version `{version}`: name one that \
         is recorded",
        new.project, new.branch, new.target
    )
}

/// A small stored file as a whole.
async fn small(
    blobs: &Blobs,
    file: &NewProductFile,
    bytes_max: usize,
) -> Result<Vec<u8>, RecordingError> {
    if file.blob.size > bytes_max as u64 {
        let (name, size) = (&file.name, file.blob.size);
        let text = format!("`{name}` has {size} bytes; at most {bytes_max} are possible in one");
        return Err(RecordingError::Refused(text));
    }
    Ok(reader::whole(blobs, &file.blob).await?)
}

#[cfg(test)]
mod tests;
