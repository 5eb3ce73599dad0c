//! The manifest of a tree's last try, kept so that it need not be sent again. Not here: what is
//! done with it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use windlass_protocol::ops::ManifestId;
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Code, Failure};

use super::content::Stream;
use super::manifest::{Builder, Manifest};
use super::{Step, step};
use crate::log::log;

/// Bytes read at once: four frames' worth.
const READ_BYTES: usize = 262_144;

/// Reads the kept manifest if it is the announced one.
pub(super) fn load(path: &Path, id: &ManifestId) -> Option<Manifest> {
    let mut file = File::open(path).ok()?;
    if file.metadata().ok()?.len() != id.size {
        return None;
    }
    let (mut sha256, mut builder) = (Sha256::new(), Builder::new());
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = file.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        sha256.update(&buffer[..count]);
        builder.push(&buffer[..count]).ok()?;
    }
    if sha256.finish() != id.sha256 {
        return None;
    }
    builder.finish().ok()
}

/// Takes the manifest off the stream and keeps it at `path`.
pub(super) fn receive(stream: &mut Stream<'_>, path: &Path, id: &ManifestId) -> Step<Manifest> {
    let mut copy = Copy::begin(path);
    let (mut sha256, mut builder) = (Sha256::new(), Builder::new());
    while stream.taken() < id.size {
        let bytes = step!(stream.next(id.size - stream.taken())?);
        if bytes.is_empty() {
            let text = "the stream ends inside the manifest";
            return Ok(Err(Failure::new(Code::BadRequest, text)));
        }
        sha256.update(bytes);
        step!(builder.push(bytes));
        copy.write(bytes);
    }
    if sha256.finish() != id.sha256 {
        let text = "the manifest is not the one that was announced";
        return Ok(Err(Failure::new(Code::Checksum, text)));
    }
    let manifest = step!(builder.finish());
    copy.finish();
    Ok(Ok(manifest))
}

/// The copy being written. When it fails the next try has to send the manifest again.
struct Copy<'a> {
    path: &'a Path,
    part: PathBuf,
    file: Option<File>,
}

impl<'a> Copy<'a> {
    fn begin(path: &'a Path) -> Copy<'a> {
        let part = path.with_extension("manifest-part");
        let file = File::create(&part);
        let file = file.inspect_err(|error| log!("{}: {error}", part.display()));
        Copy {
            path,
            part,
            file: file.ok(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            log!("{}: {error}", self.part.display());
            self.file = None;
        }
    }

    fn finish(mut self) {
        if self.file.take().is_some()
            && let Err(error) = std::fs::rename(&self.part, self.path)
        {
            log!("{}: {error}", self.path.display());
        }
    }
}
