//! Sending one product: announce it, bring what is missing of its files, commit. What breaks off is
//! tried again for a while, and a later run of the command goes on where this one ended.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::way::Way;
use crate::cli::output::Problem;
use crate::cli::rest::Refusal;
use crate::hex::hex;
use crate::model::{Draft, DraftState, ProductRecord, RecordFile, Upload, UploadState};

/// Bytes of one request: a cut costs no more, and a slow line brings it within the request's time.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes read from a file at once while it is hashed.
const READ_BYTES: usize = 1024 * 1024;
/// Waits between tries while the master is away, seconds; they add up to some four minutes.
const WAITS_SECONDS: [u64; 9] = [1, 2, 4, 8, 15, 30, 60, 60, 60];

/// A file to send.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What the master is told of it.
    pub(super) file: RecordFile,
}

/// What came of sending.
pub(super) struct Sent {
    /// The product as REST tells it.
    pub(super) product: Value,
    /// Whether it was recorded before.
    pub(super) was_known: bool,
}

/// Reads a file once to tell the master its size and hash.
pub(super) fn source(role: &str, path: &Path) -> Result<Source, Problem> {
    let problem = |error| Problem::Other(format!("cannot read {}: {error}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| {
        Problem::Usage(format!(
            "--file: {} has no name for downloads",
            path.display()
        ))
    })?;
    let mut file = File::open(path).map_err(problem)?;
    let (mut sha256, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(problem)?;
        if read == 0 {
            break;
        }
        sha256.update(&buffer[..read]);
        size += read as u64;
    }
    Ok(Source {
        path: path.to_owned(),
        file: RecordFile {
            role: role.to_owned(),
            name: name.to_owned(),
            size,
            sha256: Some(hex(&sha256.finalize())),
            delta_from: None,
            source_path: Some(path.display().to_string()),
            signatures: Vec::new(),
        },
    })
}

/// Sends a product whose files are `sources`.
pub(super) async fn product(
    way: &Way,
    mut record: ProductRecord,
    sources: &[Source],
) -> Result<Sent, Problem> {
    record.files = sources.iter().map(|source| source.file.clone()).collect();
    let text = serde_json::to_vec(&record).map_err(|error| Problem::Other(error.to_string()))?;
    // The same product is the same draft, also for the next run after this one broke off.
    let key = format!("record-{}", hex(&Sha256::digest(&text)));
    let draft = trying(async || way.announce(&record, &key).await).await?;
    if let (DraftState::Committed, Some(id)) = (draft.state, draft.product) {
        let product = trying(async || way.show(id).await).await?;
        let was_known = true;
        return Ok(Sent { product, was_known });
    }
    for upload in &draft.uploads {
        let source = sources
            .iter()
            .find(|source| source.file.name == upload.name);
        let source = source.ok_or_else(|| {
            Problem::Other(format!(
                "the master asks for `{}`, which is none of ours",
                upload.name
            ))
        })?;
        file(way, upload.clone(), source).await?;
    }
    finish(way, &draft).await
}

async fn finish(way: &Way, draft: &Draft) -> Result<Sent, Problem> {
    let product = trying(async || way.commit(draft).await).await?;
    let was_known = false;
    Ok(Sent { product, was_known })
}

/// Brings what is missing of one file.
async fn file(way: &Way, mut upload: Upload, source: &Source) -> Result<(), Problem> {
    let mut tries = 0;
    if upload.state == UploadState::Refused {
        upload.received = 0;
    }
    // A file that is here whole and not in the store yet gets there with the commit.
    while upload.state != UploadState::Complete && upload.received < upload.size {
        progress(&upload);
        let (first, path) = (upload.received, source.path.clone());
        let wanted = CHUNK_BYTES.min(upload.size.saturating_sub(first));
        let read = tokio::task::spawn_blocking(move || chunk(&path, first, wanted)).await;
        let bytes = read.map_err(|error| Problem::Other(error.to_string()))??;
        match way.put(&upload, first, bytes).await {
            Ok(told) => {
                tries = 0;
                upload = told;
            }
            Err(Refusal::Offset(received)) => {
                tries += 1;
                wait(tries, "the master has other bytes than expected").await?;
                upload.received = received;
            }
            Err(Refusal::Away(text)) => {
                tries += 1;
                wait(tries, &text).await?;
                // Where it goes on, the answer to the next try tells if this one does not.
                if let Ok(told) = way.upload(&upload).await {
                    upload = told;
                }
            }
            Err(other) => {
                let (path, problem) = (source.path.display(), Problem::from(other));
                return Err(Problem::Other(format!("{path}: {problem}")));
            }
        }
    }
    progress(&upload);
    Ok(())
}

/// Bytes of a file. One that has become shorter since it was hashed is an error.
fn chunk(path: &Path, first: u64, bytes: u64) -> Result<Bytes, Problem> {
    let problem = |error| Problem::Other(format!("cannot read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(problem)?;
    file.seek(SeekFrom::Start(first)).map_err(problem)?;
    let mut chunk = Vec::new();
    file.take(bytes).read_to_end(&mut chunk).map_err(problem)?;
    if chunk.len() as u64 != bytes {
        let text = format!("{} became shorter while it was read", path.display());
        return Err(Problem::Other(text));
    }
    Ok(chunk.into())
}

/// Does something again while the master is away.
pub(super) async fn trying<T>(
    mut work: impl AsyncFnMut() -> Result<T, Refusal>,
) -> Result<T, Problem> {
    let mut tries = 0;
    loop {
        match work().await {
            Err(Refusal::Away(text)) => {
                tries += 1;
                wait(tries, &text).await?;
            }
            other => return other.map_err(Problem::from),
        }
    }
}

/// Waits before the try of this number; the last wait over, it is a problem.
async fn wait(tries: usize, why: &str) -> Result<(), Problem> {
    let Some(seconds) = WAITS_SECONDS.get(tries - 1) else {
        let text = format!(
            "{why}; given up after {} tries: run it again to go on",
            tries - 1
        );
        return Err(Problem::Other(text));
    };
    if tries > 1 {
        eprintln!("{why}; trying again in {seconds} s");
    }
    tokio::time::sleep(Duration::from_secs(*seconds)).await;
    Ok(())
}

/// Tells people how far a file is.
fn progress(upload: &Upload) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let percent = upload.received.saturating_mul(100) / upload.size.max(1);
    let end = if upload.state == UploadState::Complete {
        "\n"
    } else {
        ""
    };
    eprint!(
        "\r{}: {percent:>3} % of {} bytes{end}",
        upload.name, upload.size
    );
}
