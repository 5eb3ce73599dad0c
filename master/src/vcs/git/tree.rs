//! The source tree of a revision: entries with their SHA-256, contents by [`Mirror::contents`].

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Mirror;
use super::batch::Batch;
use crate::model::{TreeEntry, TreeKind};
use crate::vcs::{VcsError, VcsResult};

/// 2,000,000 entries with ordinary paths.
const LIST_BYTES_MAX: usize = 256 << 20;
/// Longest target of a symbolic link: what systems take.
const LINK_BYTES_MAX: u64 = 4_096;

/// A source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Files and links in the order git lists them.
    pub entries: Vec<TreeEntry>,
    /// Paths of submodules, which are not delivered.
    pub submodules: Vec<String>,
}

/// A line of `ls-tree`.
struct Line {
    mode: String,
    object: String,
    size: u64,
    path: Vec<u8>,
}

impl Mirror {
    /// The tree of a revision (full id). Objects not met before are read and hashed once.
    pub async fn tree(&self, revision: &str, stop: &CancellationToken) -> VcsResult<Tree> {
        let output = self
            .call("ls-tree")
            .args(["-r", "-z", "--long", "--full-tree", revision])
            .output_bytes_max(LIST_BYTES_MAX)
            .run(stop)
            .await?;
        let mut files = Vec::new();
        let mut submodules = Vec::new();
        for record in output
            .split(|byte| *byte == 0)
            .filter(|record| !record.is_empty())
        {
            let line = parse_line(record).ok_or_else(|| VcsError::Unexpected {
                what: "ls-tree".to_owned(),
                text: String::from_utf8_lossy(record).chars().take(100).collect(),
            })?;
            match line.mode.as_str() {
                "160000" => submodules.push(String::from_utf8_lossy(&line.path).into_owned()),
                _ => files.push(line),
            }
        }
        tokio::select! {
            entries = self.entries(files) => Ok(Tree { entries: entries?, submodules }),
            () = stop.cancelled() => Err(VcsError::Cancelled),
        }
    }

    async fn entries(&self, lines: Vec<Line>) -> VcsResult<Vec<TreeEntry>> {
        let wanted: Vec<&str> = lines.iter().map(|line| line.object.as_str()).collect();
        let known = self.inner.hashes.look_up(&wanted);
        let unread = |line: &Line, hash: &Option<[u8; 32]>| hash.is_none() || is_link(line);
        let missing: Vec<String> = lines
            .iter()
            .zip(&known)
            .filter(|(line, hash)| unread(line, hash))
            .map(|(line, _)| line.object.clone())
            .collect();
        let mut batch = match missing.is_empty() {
            true => None,
            false => Some(Batch::start(self, missing)?),
        };
        let mut entries = Vec::with_capacity(lines.len());
        let mut new = Vec::new();
        for (line, hash) in lines.into_iter().zip(known) {
            let kind = match (&mut batch, unread(&line, &hash), hash) {
                (Some(batch), true, _) if is_link(&line) => link(batch).await?,
                (Some(batch), true, _) => {
                    let hash = digest(batch).await?;
                    new.push((line.object.clone(), hash));
                    file(&line, hash)
                }
                (_, _, hash) => file(&line, hash.unwrap_or_default()),
            };
            entries.push(TreeEntry {
                path: line.path,
                kind,
            });
        }
        if !new.is_empty() {
            self.inner.hashes.remember(&new);
        }
        Ok(entries)
    }
}

fn is_link(line: &Line) -> bool {
    line.mode == "120000"
}

fn file(line: &Line, sha256: [u8; 32]) -> TreeKind {
    TreeKind::File {
        executable: line.mode == "100755",
        size: line.size,
        sha256,
        object: line.object.clone(),
    }
}

async fn link(batch: &mut Batch) -> VcsResult<TreeKind> {
    let size = batch.next().await?;
    if size > LINK_BYTES_MAX {
        return Err(VcsError::Unexpected {
            what: "cat-file".to_owned(),
            text: format!("a symbolic link of {size} bytes"),
        });
    }
    let mut target = Vec::new();
    while let Some(piece) = batch.piece().await? {
        target.extend_from_slice(&piece);
    }
    Ok(TreeKind::Link { target })
}

async fn digest(batch: &mut Batch) -> VcsResult<[u8; 32]> {
    batch.next().await?;
    let mut hash = Sha256::new();
    while let Some(piece) = batch.piece().await? {
        hash.update(&piece);
    }
    Ok(hash.finalize().into())
}

/// `MODE TYPE OBJECT SIZE<tab>PATH`; submodules have the size `-`.
fn parse_line(record: &[u8]) -> Option<Line> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&record[..tab]).ok()?;
    let mut words = head.split_ascii_whitespace();
    let (mode, _, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Line {
        mode: mode.to_owned(),
        object: object.to_owned(),
        size: size.parse().unwrap_or(0),
        path: record[tab + 1..].to_vec(),
    })
}
